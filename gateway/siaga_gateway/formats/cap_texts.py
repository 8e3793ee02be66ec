"""An incident in a reader's language: the texts of one CAP info block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Change, Disposition, Incident, IncidentState, Mode, Notice, Position
from siaga_gateway.domain.local_time import IN_UTC, LocalTime
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.formats.text_rules import degrees, duration, on_earth, one_line, search_radius_m

# The standard recommends 160 characters for a headline (OASIS CAP 1.2, 3.2.2): some displays show no more.
HEADLINE_LIMIT: Final = 160
_NAME_LIMIT: Final = 60

# Dispositions that confirm the alarm; any other withdraws it.
_REAL: Final = frozenset({Disposition.VERIFIED, Disposition.NOT_NEEDED, None})
_SOURCES: Final = frozenset({"gnss", "network", "installed"})


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language. `description` has one group of sentences a line."""

    event: str
    headline: str
    description: str
    instruction: str
    area: str


def kind_of(incident: Incident) -> str:
    """Return `duress`, `silent` or `sos`: the most serious that applies."""
    if incident.duress:
        return "duress"
    return "silent" if incident.silent else "sos"


def doubted(incident: Incident) -> bool:
    """Whether the holder cancelled without a sign of duress, and nobody has checked it yet."""
    return incident.cancelled_by_holder and not incident.duress


def ended(notice: Notice) -> bool:
    """Whether the incident is closed.

    A test press is born closed, yet its first notice looks like a real one: it tests the whole path, and the mode says
    that it is a test.
    """
    incident = notice.incident
    newborn_test = incident.mode is Mode.TEST and notice.change is Change.OPENED
    return incident.state is IncidentState.CLOSED and not newborn_test


def withdrawn(notice: Notice) -> bool:
    """Whether it ended and was not a real emergency; an exercise declared as one was what it said it was."""
    incident = notice.incident
    if not ended(notice):
        return False
    if incident.disposition is Disposition.EXERCISE:
        return incident.mode is Mode.ACTUAL
    return incident.disposition not in _REAL


def words(notice: Notice, language: str, local: LocalTime = IN_UTC) -> Words:
    """Return all texts of a notice in one of the catalogue's languages. Each text from outside becomes one clean
    line."""
    incident = notice.incident
    return Words(
        event=text(f"formats.event.{kind_of(incident)}", language),
        headline=_headline(notice, language),
        description="\n".join(_sentences(notice, language, local)),
        instruction=_instruction(notice, language),
        area=_area(notice, language),
    )


def disposition(incident: Incident, language: str) -> str:
    """Return its disposition in words."""
    return text(f"formats.disposition.{incident.disposition or 'unknown'}", language)


def _headline(notice: Notice, language: str) -> str:
    incident = notice.incident
    key: str = notice.change
    values: dict[str, object] = {
        "kind": text(f"formats.kind.{kind_of(incident)}", language),
        "presses": incident.presses,
        "disposition": disposition(incident, language),
    }
    if ended(notice):
        key = "closed"
    elif notice.change is Change.OPENED and incident.delayed_s is not None:
        key = "opened_delayed"
        values["age"] = duration(incident.delayed_s, language)
    headline = text(f"formats.headline.{key}", language, who=_who(incident, language), **values)
    return one_line(_marked(incident, "mark", headline, language), HEADLINE_LIMIT)


def _who(incident: Incident, language: str) -> str:
    label = _label(incident, _NAME_LIMIT)
    if incident.holder is None or not (name := one_line(incident.holder.name, _NAME_LIMIT)):
        return text("formats.who.device", language, label=label)
    return text("formats.who.owner", language, name=name, label=label)


def _label(incident: Incident, limit: int | None = None) -> str:
    return one_line(incident.device_label, limit) or incident.device_id.hex()


def _sentences(notice: Notice, language: str, local: LocalTime) -> list[str]:
    incident = notice.incident

    def say(name: str, /, **values: object) -> str:
        return text(f"formats.description.{name}", language, **values)

    said: list[str] = []
    received = local.moment(incident.opened_at_ms)
    if incident.claimed_s is not None:
        said.append(say("pressed_unverified", time=received))
        said.append(say("claimed", age=duration(incident.claimed_s, language)))
    elif incident.pressed_at_ms is None:
        said.append(say("pressed_unknown", time=received))
    else:
        said.append(say("pressed", time=local.moment(incident.pressed_at_ms)))
    if incident.delayed_s is not None:
        said.append(say("delayed", age=duration(incident.delayed_s, language), time=received))
    if incident.presses > 1:
        said.append(say("presses", presses=incident.presses))
    if incident.silent:
        said.append(say("silent"))
    if incident.duress:
        said.append(say("duress"))
    if incident.cancelled_by_holder:
        said.append(say("cancelled"))
    if incident.key_copied:
        said.append(say("key_copied"))
    if (owner := incident.holder) is None:
        said.append(say("holder_erased" if incident.owner is None else "holder_unreadable"))
    else:
        name, phone, address = (one_line(value) or "-" for value in (owner.name, owner.phone, owner.address))
        said.append(say("holder", name=name, phone=phone, address=address))
    said.append(say("device", label=_label(incident), device_id=incident.device_id.hex()))
    if (position := incident.position) is None:
        said.append(say("no_position"))
    else:
        said.append(_position_sentence(position, language, local))
    if incident.registration is not RegistrationState.ACTIVE:
        said.append(say("registration", state=text(f"formats.registration.{incident.registration}", language)))
    if incident.battery is not None:
        said.append(say("battery", percent=incident.battery))
    said += _progress(notice, language, local)
    return said


def _position_sentence(position: Position, language: str, local: LocalTime) -> str:
    where = {"latitude": degrees(position.latitude), "longitude": degrees(position.longitude)}
    if not on_earth(position):
        return text("formats.description.impossible_position", language, **where)
    when = local.moment(position.at_ms)
    return text("formats.description.position", language, time=when, **where, **_worth(position, language))


def _worth(position: Position, language: str, since_s: int = 0) -> dict[str, str]:
    """Return the position's quality in words: source, fix age (plus `since_s`), accuracy."""
    source = position.source if position.source in _SOURCES else "unknown"
    if position.accuracy_m is None:
        accuracy = text("formats.accuracy.unknown", language)
    else:
        accuracy = text("formats.accuracy.known", language, metres=position.accuracy_m)
    if position.fix_age_s is not None:
        fix_age = text("formats.fix_age.known", language, age=duration(position.fix_age_s + since_s, language))
    else:
        fix_age = text(f"formats.fix_age.{'none' if source == 'installed' else 'unknown'}", language)
    return {"source": text(f"formats.source.{source}", language), "accuracy": accuracy, "fix_age": fix_age}


def _progress(notice: Notice, language: str, local: LocalTime) -> list[str]:
    """Return what people have done about it so far."""
    incident = notice.incident
    said: list[str] = []
    if incident.seen_at_ms is not None:
        seen = local.moment(incident.seen_at_ms)
        said.append(text("formats.description.seen", language, time=seen))
    if incident.unit is not None:
        key = "assigned" if incident.eta_minutes is None else "assigned_eta"
        unit = one_line(incident.unit)
        said.append(text(f"formats.description.{key}", language, unit=unit, eta=incident.eta_minutes))
    if incident.closed_at_ms is not None and ended(notice):
        closed = local.moment(incident.closed_at_ms)
        said.append(
            text("formats.description.closed", language, time=closed, disposition=disposition(incident, language))
        )
    if incident.note and (note := one_line(incident.note)):
        said.append(text("formats.description.note", language, note=note))
    return said


def _instruction(notice: Notice, language: str) -> str:
    incident = notice.incident
    if ended(notice):
        name = "withdrawn" if withdrawn(notice) else "all_clear"
    elif incident.reached:
        name = "on_scene"
    else:
        name = "quiet" if incident.duress or incident.silent else "sos"
    told = text(f"formats.instruction.{name}", language)
    if doubted(incident) and not ended(notice):
        told += " " + text("formats.instruction.cancelled", language)
    return _marked(incident, "instruction", told, language)


def _marked(incident: Incident, group: str, told: str, language: str) -> str:
    """Prefix the mark of an exercise or a test: headline and instruction may each be read alone."""
    return told if incident.mode is Mode.ACTUAL else f"{text(f'formats.{group}.{incident.mode}', language)} {told}"


def _area(notice: Notice, language: str) -> str:
    """Return the place in words, for people who read nothing else. It names no time, so it gives the fix age as of
    now."""
    incident = notice.incident
    address = one_line(incident.holder.address) if incident.holder is not None else ""
    position = incident.position
    if position is None or not on_earth(position):
        key = "unknown_address" if address else "unknown"
        return text(f"formats.area.{key}", language, address=address)
    area = text(
        "formats.area.position",
        language,
        metres=search_radius_m(position),
        latitude=degrees(position.latitude),
        longitude=degrees(position.longitude),
        **_worth(position, language, max(0, notice.sent_at_ms - position.at_ms) // 1000),
    )
    if address:
        area += ". " + text("formats.area.registered_address", language, address=address)
    return area
