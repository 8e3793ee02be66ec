"""An incident worded for the operator. Pure: the templates only place it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.closing_together import doubt_of
from siaga_gateway.domain.drill import is_exercise
from siaga_gateway.domain.escalation_state import Escalation
from siaga_gateway.domain.incident import Incident, IncidentState, Mode, Position
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.domain.plus_code import plus_code
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.sent_units import sent_units
from siaga_gateway.domain.triage import CALL, Alarm
from siaga_gateway.domain.unit_on_call import UnitOnCall, UnitProgress
from siaga_gateway.service.dispatch.call_directory import key_alone
from siaga_gateway.web.console.gazetteer import nearest
from siaga_gateway.web.console.ladder_views import LadderView, ladder_view

LOW_BATTERY: Final = 15  # percent; below it the button may fall silent
GROUPS: Final = {IncidentState.OPEN: "unseen", IncidentState.CLOSED: "closed"}
_CALLS_THE_HOLDER: Final = frozenset({"copied", "nowhere"})  # marks whose usual advice is to telephone
END_OF_TIME_MS: Final = 10**15  # subtracted from, so that later times sort first


@dataclass(frozen=True, slots=True)
class Mark:
    """Something about an incident that an operator must not overlook."""

    # made_real, duress, silent, held, delayed, claimed, cancelled, copied, again, battery, major, exercise: also its
    # CSS class
    kind: str
    label: str  # for the card
    advice: str = ""  # for the detail: what it means for the operator's actions


@dataclass(frozen=True, slots=True)
class PositionView:
    """A position and its quality."""

    latitude: float  # degrees, for the map
    longitude: float
    plain: str  # `-6.17540, 106.82720`: for copying
    accuracy_m: int | None
    accuracy: str  # `±35 m`
    fix_at_ms: int | None  # when the fix was made; None: unknown or a fixed place
    fixed: bool  # the place where the button was installed
    source: str
    near: str | None  # `4 km barat laut Metro`
    code: str  # its plus code


@dataclass(frozen=True, slots=True)
class UnitView:
    """One of the units that a desk has sent."""

    name: str
    kind: str  # coming, there, left: also its CSS class
    progress: str  # in words
    since_ms: int


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident for card, detail and map."""

    id: int
    identifier: str
    state: IncidentState
    state_text: str
    group: str  # unseen | active | closed
    rank: str  # sorts cards within their group, as text
    trial: bool  # a test press: nothing to do
    title: str  # the owner's name, or the button's label if the name is erased or cannot be read
    device_label: str
    device_id: str
    registration: str
    owner_id: int | None  # None: erased
    name: str | None
    unreadable: bool  # the owner is registered, but the key for personal data is missing; otherwise erased
    phone: str | None
    phone_spoken: str | None
    address: str | None
    nik_masked: str | None
    speaks: str | None  # the owner's language, if not Indonesian
    pressed_at_ms: int
    clock_unset: bool
    presses: int
    battery: str | None
    battery_low: bool
    position: PositionView | None
    marks: tuple[Mark, ...]
    duress: bool
    quiet: bool  # a telephone that rings may betray the holder
    held: bool
    exercise: bool  # of a drill: it can become real
    unit: str | None
    units: tuple[UnitView, ...]  # those that a desk has sent
    eta_minutes: int | None
    late: str | None  # what the holder was told when the promised time had passed
    seen_by: str | None
    closed_by: str | None
    closed_at_ms: int | None
    disposition: str | None
    note: str | None
    progress: str  # changes with each step of an operator
    call_backs: str  # changes with each result of ringing the holder back
    ladder: LadderView
    major: int | None  # its major incident
    doubt: str  # why it is not closed with others of its major incident; empty: it may be
    level: int | None  # its alarm level, once it was judged

    @property
    def news(self) -> str:
        """Changes with whatever an operator must learn of: a step, a press, a mark, what those who were sent do."""
        marks = "".join(f".{mark.kind}" for mark in self.marks)
        sent = "".join(f".{each.kind}" for each in self.ladder.assignees)
        return f"{self.progress}:{self.presses}:{self.call_backs}:{self.ladder.wave}{marks}{sent}"


def view(
    incident: Incident,
    language: str,
    console_mode: Mode,
    known: Escalation | None = None,
    name: Callable[[str], str] = key_alone,
    alarm: Alarm | None = None,
) -> IncidentView:
    """Return one incident, worded in `language`.

    known: its escalation. name: of an assignee, by his key; also of a unit that is a responder who came by himself.
    """
    owner = incident.holder
    ladder = ladder_view(incident, known, language, name)
    return IncidentView(
        id=incident.id,
        identifier=incident.identifier,
        state=incident.state,
        state_text=text(f"console.state.{incident.state}", language),
        group=GROUPS.get(incident.state, "active"),
        rank=_rank(incident, ladder, alarm),
        trial=is_trial(incident),
        title=owner.name if owner else incident.device_label,
        device_label=incident.device_label,
        device_id=incident.device_id.hex(),
        registration=text(f"console.registration.{incident.registration}", language),
        owner_id=None if incident.owner is None else incident.owner.id,
        name=owner.name if owner else None,
        unreadable=incident.unreadable,
        phone=owner.phone if owner else None,
        phone_spoken=spoken_phone(owner.phone) if owner else None,
        address=owner.address if owner else None,
        nik_masked=masked_nik(owner.nik) if owner else None,
        speaks=text(f"console.speaks.{owner.language}", language) if owner and owner.language == "en" else None,
        pressed_at_ms=incident.opened_at_ms if incident.pressed_at_ms is None else incident.pressed_at_ms,
        clock_unset=incident.pressed_at_ms is None and incident.claimed_s is None,
        presses=incident.presses,
        battery=None if incident.battery is None else f"{incident.battery} %",
        battery_low=incident.battery is not None and incident.battery < LOW_BATTERY,
        position=_position(incident.position, language),
        marks=tuple(_marks(incident, language, console_mode)),
        duress=incident.duress,
        quiet=incident.silent or incident.duress,
        held=incident.held,
        exercise=is_exercise(incident),
        unit=None if incident.unit is None else name(f"{RESPONDER}{incident.unit}"),
        units=tuple(_unit(each, language) for each in sent_units(incident)),
        eta_minutes=incident.eta_minutes,
        late=_late(incident, language),
        seen_by=incident.seen_by,
        closed_by=incident.closed_by,
        closed_at_ms=incident.closed_at_ms,
        disposition=text(f"console.disposition.{incident.disposition}", language) if incident.disposition else None,
        note=incident.note,
        progress=incident.progress,
        call_backs=incident.call_backs,
        ladder=ladder,
        major=incident.cluster,
        doubt=_doubt(incident, known, language),
        level=None if alarm is None else alarm.level,
    )


def is_trial(incident: Incident) -> bool:
    """Whether it is a test press: born closed, so that nobody gave a disposition. (With the whole gateway in test mode,
    incidents of that mode run their course.)"""
    return incident.mode is Mode.TEST and incident.state is IncidentState.CLOSED and incident.disposition is None


def views(
    incidents: Iterable[Incident],
    language: str,
    console_mode: Mode,
    known: Mapping[int, Escalation],
    name: Callable[[str], str] = key_alone,
    alarms: Mapping[int, Alarm] = MappingProxyType({}),
) -> list[IncidentView]:
    """Return several, in page order: unseen first, the most urgent of a group on top. known: their escalations."""
    order = {"unseen": 0, "active": 1, "closed": 2}
    worded = (view(each, language, console_mode, known.get(each.id), name, alarms.get(each.id)) for each in incidents)
    return sorted(worded, key=lambda each: (order[each.group], each.rank))


def _doubt(incident: Incident, known: Escalation | None, language: str) -> str:
    if incident.cluster is None or incident.state is IncidentState.CLOSED:
        return ""
    found = doubt_of(incident, known)
    return "" if found is None else text(f"console.doubt.{found}", language)


def _late(incident: Incident, language: str) -> str | None:
    if incident.late_ms is None or incident.reached:
        return None
    if incident.late_minutes is None:
        return text("console.detail.late", language)
    return text("console.detail.late_again", language, n=incident.late_minutes)


def _rank(incident: Incident, ladder: LadderView, alarm: Alarm | None) -> str:
    """Within a group: duress first, then what rings though it was seen, then by alarm level, then the longest waiting;
    what is only asked about buries no new call. A holder's cancel lowers nothing. One that was not judged yet is a call
    as others are."""
    if incident.state is IncidentState.CLOSED:
        return f"{END_OF_TIME_MS - (incident.closed_at_ms or 0):015d}"
    rings = bool(ladder.ringing.sound) and incident.state is not IncidentState.OPEN
    urgency = 0 if incident.duress else 3 if ladder.asked else 1 if rings else 2
    level = CALL if alarm is None else alarm.level
    return f"{urgency}{9 - level}{incident.opened_at_ms:015d}{incident.id:010d}"


def _marks(incident: Incident, language: str, console_mode: Mode) -> Iterable[Mark]:
    def mark(kind: str, **values: object) -> Mark:
        label = text(f"console.mark.{kind}", language, **values)
        advice = _advice_key(kind, incident)
        return Mark(kind, label, text(f"console.advice.{advice}", language, **values) if advice else "")

    if incident.mode is not console_mode:
        yield Mark("mode", text(f"console.mode.{incident.mode}", language), "")
    if incident.drill is not None and not is_exercise(incident):
        yield mark("made_real")
    if incident.duress:
        yield mark("duress")
    if incident.silent:
        yield mark("silent")
    if incident.held:
        yield mark("held", why=text(f"console.held.{incident.registration}", language))
    elif incident.registration is not RegistrationState.ACTIVE:
        yield mark("inactive", why=text(f"console.registration.{incident.registration}", language))
    if incident.delayed_s is not None:
        yield mark("delayed", age=duration(incident.delayed_s, language))
    if incident.claimed_s is not None:
        yield mark("claimed", age=duration(incident.claimed_s, language))
    if incident.cancelled_by_holder:
        # Someone in hiding must not have a telephone ring.
        yield mark("cancelled_quietly" if incident.silent or incident.duress else "cancelled")
    if incident.key_copied:
        yield mark("copied")
    if incident.presses > 1:
        yield mark("again", n=incident.presses)
    if incident.position is None:
        yield mark("nowhere")
    if incident.battery is not None and incident.battery < LOW_BATTERY:
        yield mark("battery", percent=incident.battery)
    if incident.cluster is not None:
        yield mark("major", number=incident.cluster)


def _unit(each: UnitOnCall, language: str) -> UnitView:
    timed = each.progress is UnitProgress.COMING and each.eta_minutes is not None
    key = "coming_in" if timed else str(each.progress)
    return UnitView(
        each.name, str(each.progress), text(f"console.unit.{key}", language, n=each.eta_minutes), each.since_ms
    )


def _advice_key(kind: str, incident: Incident) -> str:
    """Return what is advised because of a mark; empty: nothing. Under duress there is one advice, and no other could
    contradict it."""
    if kind == "again" or (incident.duress and kind != "duress"):
        return ""
    return f"{kind}_quietly" if incident.silent and kind in _CALLS_THE_HOLDER else kind


def _position(position: Position | None, language: str) -> PositionView | None:
    if position is None:
        return None
    fixed = position.source == "installed"
    fix_at_ms = None if fixed or position.fix_age_s is None else position.at_ms - position.fix_age_s * 1000
    accuracy = (
        text("console.position.accuracy_unknown", language)
        if position.accuracy_m is None
        else f"±{distance(position.accuracy_m, language)}"
    )
    town = nearest(position.latitude, position.longitude)
    near = None
    if town is not None:
        where = text(f"console.compass.{town.direction}", language) if town.direction else ""
        key = "console.position.near" if town.direction else "console.position.inside"
        near = text(key, language, km=_decimal(town.km, language), direction=where, town=town.name)
    source = position.source if position.source in ("gnss", "network", "installed") else "unknown"
    return PositionView(
        latitude=position.latitude / 1e7,
        longitude=position.longitude / 1e7,
        plain=f"{position.latitude / 1e7:.5f}, {position.longitude / 1e7:.5f}",
        accuracy_m=position.accuracy_m,
        accuracy=accuracy,
        fix_at_ms=fix_at_ms,
        fixed=fixed,
        source=text(f"console.source.{source}", language),
        near=near,
        code=plus_code(position.latitude, position.longitude),
    )


def distance(metres: int, language: str) -> str:
    """`35 m` or `1,2 km`."""
    return f"{metres} m" if metres < 1000 else f"{_decimal(metres / 1000, language)} km"


def _decimal(value: float, language: str) -> str:
    shown = f"{value:.1f}" if value < 10 else f"{value:.0f}"
    return shown.replace(".", ",") if language == "id" else shown


def duration(seconds: int, language: str) -> str:
    """A duration in its two largest units: `2 j 13 mnt`."""
    for size, key, rest_size, rest_key in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 0, "")):
        if seconds >= size:
            whole = text(f"console.unit_of_time.{key}", language, n=seconds // size)
            rest = seconds % size // rest_size if rest_size else 0
            return f"{whole} {text(f'console.unit_of_time.{rest_key}', language, n=rest)}" if rest else whole
    return text("console.unit_of_time.s", language, n=max(0, seconds))


def masked_nik(nik: str) -> str:
    """Return just enough to tell two people of one name apart: the last four of 16 digits."""
    return "•" * max(0, len(nik) - 4) + nik[-4:]


def spoken_phone(phone: str) -> str:
    """An Indonesian number in groups, as read aloud: `+62 812-3456-7890`."""
    if not phone.startswith("+62") or not phone[3:].isdecimal():
        return phone
    rest = phone[3:]
    groups = [rest[:3], *(rest[at : at + 4] for at in range(3, len(rest), 4))]
    return "+62 " + "-".join(groups)
