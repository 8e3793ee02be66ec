"""What an incident is called and told in a person's language: the texts of one CAP info block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue import clock_time, text
from siaga_gateway.domain.incident import Change, Disposition, Incident, IncidentState, Mode, Notice, Position
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.formats.writing import degrees, duration, on_earth, one_line, search_radius_m

# The standard calls 160 characters a useful limit for a headline (OASIS CAP 1.2, 3.2.2): some displays show no more.
HEADLINE_LIMIT: Final = 160
_NAME_LIMIT: Final = 60

# How an incident ends where the alarm was right; any other disposition withdraws it.
_REAL: Final = frozenset({Disposition.VERIFIED, None})
_SOURCES: Final = frozenset({"gnss", "network", "installed"})


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language. `description` has one sentence group a line."""

    event: str
    headline: str
    description: str
    instruction: str
    area: str


def kind_of(incident: Incident) -> str:
    """`duress`, `silent` or `sos`: what the alarm is, the gravest first."""
    if incident.duress:
        return "duress"
    return "silent" if incident.silent else "sos"


def doubted(incident: Incident) -> bool:
    """The holder took it back and gave no sign of duress. Nobody has checked it yet."""
    return incident.cancelled_by_holder and not incident.duress


def ended(notice: Notice) -> bool:
    """The incident is closed. A test press is closed from its birth, yet its first notice looks like a real one: the
    test is of the whole way, and the mode says that it is one."""
    incident = notice.incident
    newborn_test = incident.mode is Mode.TEST and notice.change is Change.OPENED
    return incident.state is IncidentState.CLOSED and not newborn_test


def withdrawn(notice: Notice) -> bool:
    """It has ended and was no real emergency; an exercise held as one was what it said it was."""
    incident = notice.incident
    if not ended(notice):
        return False
    if incident.disposition is Disposition.EXERCISE:
        return incident.mode is Mode.ACTUAL
    return incident.disposition not in _REAL


def words(notice: Notice, language: str) -> Words:
    """All texts of a notice in one of the catalogue's languages. Every text from outside is one clean line."""
    incident = notice.incident
    return Words(
        event=text(f"formats.event.{kind_of(incident)}", language),
        headline=_headline(notice, language),
        description="\n".join(_sentences(notice, language)),
        instruction=_instruction(notice, language),
        area=_area(incident, language),
    )


def disposition(incident: Incident, language: str) -> str:
    """How it ended, in words."""
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


def _sentences(notice: Notice, language: str) -> list[str]:
    incident = notice.incident

    def say(name: str, /, **values: object) -> str:
        return text(f"formats.description.{name}", language, **values)

    said: list[str] = []
    received = clock_time(incident.opened_at_ms, date=True)
    if incident.claimed_s is not None:
        said.append(say("pressed_unverified", time=received))
        said.append(say("claimed", age=duration(incident.claimed_s, language)))
    elif incident.pressed_at_ms is None:
        said.append(say("pressed_unknown", time=received))
    else:
        said.append(say("pressed", time=clock_time(incident.pressed_at_ms, date=True)))
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
        said.append(_position_sentence(position, language))
    if incident.registration is not RegistrationState.ACTIVE:
        said.append(say("registration", state=text(f"formats.registration.{incident.registration}", language)))
    if incident.battery is not None:
        said.append(say("battery", percent=incident.battery))
    said += _progress(notice, language)
    return said


def _position_sentence(position: Position, language: str) -> str:
    where = {"latitude": degrees(position.latitude), "longitude": degrees(position.longitude)}
    if not on_earth(position):
        return text("formats.description.impossible_position", language, **where)
    when = clock_time(position.at_ms, date=True)
    return text("formats.description.position", language, time=when, **where, **_worth(position, language))


def _worth(position: Position, language: str) -> dict[str, str]:
    """What the position is worth, in words: its source, the age of its fix, its accuracy."""
    source = position.source if position.source in _SOURCES else "unknown"
    if position.accuracy_m is None:
        accuracy = text("formats.accuracy.unknown", language)
    else:
        accuracy = text("formats.accuracy.known", language, metres=position.accuracy_m)
    if position.fix_age_s is not None:
        fix_age = text("formats.fix_age.known", language, age=duration(position.fix_age_s, language))
    else:
        fix_age = text(f"formats.fix_age.{'none' if source == 'installed' else 'unknown'}", language)
    return {"source": text(f"formats.source.{source}", language), "accuracy": accuracy, "fix_age": fix_age}


def _progress(notice: Notice, language: str) -> list[str]:
    """What people have done about it so far."""
    incident = notice.incident
    said: list[str] = []
    if incident.seen_at_ms is not None:
        seen = clock_time(incident.seen_at_ms, date=True)
        said.append(text("formats.description.seen", language, time=seen))
    if incident.unit is not None:
        key = "assigned" if incident.eta_minutes is None else "assigned_eta"
        unit = one_line(incident.unit)
        said.append(text(f"formats.description.{key}", language, unit=unit, eta=incident.eta_minutes))
    if incident.closed_at_ms is not None and ended(notice):
        closed = clock_time(incident.closed_at_ms, date=True)
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
    elif incident.state is IncidentState.ON_SCENE:
        name = "on_scene"
    else:
        name = "quiet" if incident.duress or incident.silent else "sos"
    told = text(f"formats.instruction.{name}", language)
    if doubted(incident) and not ended(notice):
        told += " " + text("formats.instruction.cancelled", language)
    return _marked(incident, "instruction", told, language)


def _marked(incident: Incident, group: str, told: str, language: str) -> str:
    """With the mark of an exercise or a test before it: headline and instruction may each be read alone."""
    return told if incident.mode is Mode.ACTUAL else f"{text(f'formats.{group}.{incident.mode}', language)} {told}"


def _area(incident: Incident, language: str) -> str:
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
        **_worth(position, language),
    )
    if address:
        area += ". " + text("formats.area.registered_address", language, address=address)
    return area
