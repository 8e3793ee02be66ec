"""The journal in words: an incident's timeline, and the feed of everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from siaga_gateway.catalogue import UnknownText, text
from siaga_gateway.catalogue.localized import retold
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.service.dispatch.call_directory import key_alone
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry, JournalReader
from siaga_gateway.web.console.incident_views import distance, duration

FEED_WINDOW: Final = 400  # the newest rows, from which those outside incidents are shown
FEED_LINES: Final = 12
LINE_ROWS: Final = 2000  # of lines, however many others there are since: positions of a busy night are thousands

TONES: Final = {
    journal.INCIDENT_OPENED: "alarm",
    journal.PRESSED_AGAIN: "alarm",
    journal.DURESS: "duress",
    journal.MADE_REAL: "alarm",
    journal.DRILL_ORDERED: "warning",
    journal.CANCELLED_BY_HOLDER: "warning",
    journal.KEY_COPIED: "alarm",
    journal.DELIVERY_FAILED: "warning",
    journal.CALL_FAILED: "alarm",
    journal.CALLED_BACK: "warning",
    journal.DESK_RUNG: "alarm",
    journal.RESUMED: "warning",
    journal.ACKNOWLEDGEMENT_UNDONE: "alarm",
    journal.REOPENED: "warning",
    journal.DELIVERY_ABANDONED: "alarm",
    journal.FORGED: "alarm",
    journal.CONTRADICTION: "alarm",
    journal.COUNTER_JUMP: "alarm",
    journal.TAMPER: "warning",
    journal.UNKNOWN_DEVICE: "warning",
    journal.UNPROCESSED: "alarm",
    journal.BROKER_LOST: "alarm",
    journal.BROKER_LIMITED: "warning",
    journal.BROKER_SHUT_OUT: "alarm",
    journal.BROKER_FLOOD: "alarm",
    journal.BROKER_DOOR_CLOSED: "alarm",
    journal.BROKER_LET_IN: "done",
    journal.BEARER_LOST: "warning",
    journal.WAY_LOST: "warning",
    journal.STANDBY_LOST: "alarm",
    journal.STANDBY_BACK: "done",
    journal.STANDBY_PROMOTED: "warning",
    journal.LINE_FAULT: "alarm",
    journal.MAINTENANCE_MASS: "warning",
    journal.MAINTENANCE_MASS_OVER: "done",
    journal.PERSONAL_KEY_MISSING: "alarm",
    journal.PERSONAL_KEY_BACK: "done",
    journal.CERTIFICATE_ENDING: "warning",
    journal.CERTIFICATE_UNUSABLE: "alarm",
    journal.CERTIFICATE_RENEWED: "done",
    journal.MACHINE_FAULT: "warning",
    journal.MACHINE_SOUND: "done",
    journal.RESTORED: "warning",
    journal.RESCUED: "warning",
    journal.POSITION_IMPOSSIBLE: "warning",
    journal.AWAY_FROM_PLACE: "warning",
    journal.STORE_PUT_BACK: "warning",
    journal.CLOSED: "done",
    journal.DELIVERED: "done",
    journal.BROKER_BACK: "done",
    journal.BEARER_BACK: "done",
    journal.WAY_BACK: "done",
    journal.LINE_RESTORED: "done",
    journal.STORE_BACK: "done",
}


# Facts for administrators (`siaga gateway log`), not operators; the output is the entry's actor.
UNTOLD: Final = frozenset(
    {
        "beside",
        "counter",
        "output",
        "sequence",
        "change",
        "pid",
        "size",
        "suite",
        "owner_id",
        "mode",
        "has_position",
        "claimed_s",
        "after",
        "down_counter",
        "case",
        "file",
        "sha256",
        "digest",
        "head",
        "rows",
        "unregistered",
        "owners",
        "gone",
        "changed",
        "batches",
        "signatures",
        "erased",
        "call",
        "begins_ms",
        "listed",
        "protocol",
        "message",
        "step",
    }
)
# Default values, not worth saying.
USUAL: Final = frozenset(
    {
        ("clock", "set"),
        ("registration", "active"),
        ("kind", "press"),
        ("trigger", "hold"),
        ("attempts", 1),
        ("presses", 1),
        ("count", 1),
        ("missing", 0),
        ("wave", 1),
        ("round", 0),
        ("by_hand", 0),
        ("wrong_words", 0),
    }
)
# Facts whose values are words of ours, with their group in the catalogue.
WORDED: Final = {
    "disposition": "disposition",
    "instead_of": "disposition",
    "about": "owner_case_kind",
    "decision": "owner_case_state",
    "registration": "registration",
    "state": "registration",
    "before": "registration",
    "source": "source",
    "trigger": "trigger",
    "clock": "clock",
    "kind": "kind",
    "stored_kind": "kind",
    "command": "command",
    "result": "result",
    "was": "result",
    "cause": "cause",
    "fault": "machine_fault",
    "place": "place",
    "rung": "rung",
    "why": "why",
    "said": "said",
    "way": "contact_way",
    "call_back": "call_back",
}

_STEPS: Final = frozenset(
    {
        journal.SEEN,
        journal.ACKNOWLEDGEMENT_UNDONE,
        journal.ASSIGNED,
        journal.STOOD_DOWN,
        journal.ON_SCENE,
        journal.CALLED_BACK,
        journal.DISPATCHED_BY_PERSON,
        journal.CLOSED,
        journal.REOPENED,
        journal.DISPOSITION_CORRECTED,
    }
)
_CALLS: Final = frozenset({journal.PRESSED_AGAIN, journal.DURESS, journal.MADE_REAL})
_BY_HOLDER: Final = frozenset(
    {journal.INCIDENT_OPENED, journal.PRESSED_AGAIN, journal.DURESS, journal.CANCELLED_BY_HOLDER}
)
# Rows of machines, by what they are folded under. A failure is, once its output has had an end of it.
_MINOR: Final = {
    journal.DELIVERED: "delivery",
    journal.DELIVERY_FAILED: "delivery",
    journal.DELIVERY_SUPERSEDED: "delivery",
    journal.POSITION: "position",
}
_DELIVERY_ENDS: Final = frozenset({journal.DELIVERED, journal.DELIVERY_SUPERSEDED, journal.DELIVERY_ABANDONED})


@dataclass(frozen=True, slots=True)
class TimelineLine:
    """One journal row for people."""

    id: int
    at_ms: int
    kind: str
    tone: str  # plain | done | warning | alarm | duress
    title: str
    by: str | None
    extra: str | None
    photograph: int | None = None  # its number within the incident
    source: str = "gateway"  # person | holder | gateway: who did it
    minor: str = ""  # delivery, position: it is folded away under that; empty: it is not


@dataclass(frozen=True, slots=True)
class FeedLine:
    """A row of the feed, and its subject."""

    line: TimelineLine
    incident_id: int | None  # of a test press, or the incident during which it happened
    about: str | None  # the button's label if an incident names it, else its device id in hex


def line(entry: JournalEntry, language: str, name: Callable[[str], str] = key_alone) -> TimelineLine:
    """Word one row; a kind or fact unknown to this console is shown as it is, never left out. name: of a person or
    unit, by his key."""
    shut = entry.kind == journal.TAMPER and entry.facts.get("open") is False
    responder = (entry.actor or "").startswith(RESPONDER)
    facts = {key: each for key, each in entry.facts.items() if not (responder and (key, each) == ("who", entry.actor))}
    try:
        title = text("console.journal.tamper_shut" if shut else f"console.journal.{entry.kind}", language)
    except UnknownText:
        title = entry.kind
    return TimelineLine(
        id=entry.id,
        at_ms=entry.at_ms,
        kind=entry.kind,
        tone=_tone(entry),
        title=title,
        by=name(entry.actor) if responder and entry.actor else entry.actor,
        extra=None if entry.kind == journal.DELIVERED else _facts(facts, language, name) or None,
        photograph=_photograph(entry),
        source=_source(entry),
    )


def _source(entry: JournalEntry) -> str:
    if entry.kind in _BY_HOLDER:
        return "holder"
    by_output = entry.kind in _MINOR or entry.kind == journal.DELIVERY_ABANDONED
    return "person" if entry.actor and not by_output else "gateway"


def _photograph(entry: JournalEntry) -> int | None:
    number = entry.facts.get("number")
    return number if entry.kind == journal.PHOTOGRAPHED and isinstance(number, int) else None


def _tone(entry: JournalEntry) -> str:
    if entry.kind == journal.TAMPER and entry.facts.get("open") is False:
        return "done"
    if entry.kind == journal.UNKNOWN_DEVICE and entry.facts.get("kind") == "enrol":
        return "plain"  # a new button at its installer's
    return TONES.get(entry.kind, "plain")


def timeline(
    entries: Iterable[JournalEntry], language: str, name: Callable[[str], str] = key_alone
) -> list[TimelineLine]:
    """Return an incident's rows, newest first; several outputs that took one change in a row are merged into one
    line. What machines do over and over is marked as minor, save a failure of which there is no end yet."""
    lines: list[TimelineLine] = []
    entries = list(entries)
    ended = {entry.actor: entry.id for entry in entries if entry.kind in _DELIVERY_ENDS}
    for entry in entries:
        if entry.kind in journal.QUIET_KINDS:
            continue
        stands = entry.kind == journal.DELIVERY_FAILED and ended.get(entry.actor, 0) < entry.id
        new = replace(line(entry, language, name), minor="" if stands else _MINOR.get(entry.kind, ""))
        if lines and new.kind == lines[-1].kind == journal.DELIVERED:
            takers = dict.fromkeys([*(lines[-1].by or "").split(", "), new.by or ""])
            new = replace(new, by=", ".join(filter(None, takers)))
            lines.pop()
        if lines and new.kind == lines[-1].kind == journal.DELIVERY_FAILED and new.by == lines[-1].by:
            lines.pop()  # the newest states the number of attempts
        lines.append(new)
    return lines[::-1]


def last_step(entries: Iterable[JournalEntry], language: str, *, called: bool = False) -> TimelineLine | None:
    """Return the latest step of an operator, or (`called`) of the holder."""
    kinds = _CALLS if called else _STEPS
    steps = [entry for entry in entries if entry.kind in kinds]
    return line(steps[-1], language) if steps else None


def feed(reader: JournalReader, language: str) -> list[FeedLine]:
    """Return the newest rows outside any incident's life; blocking."""
    rows = reader.journal_last(FEED_WINDOW)
    others = [row for row in rows if journal.concerns_operators(row.kind, row.facts)]
    shown, lines = others[: -FEED_LINES - 1 : -1], []
    known = reader.incidents({row.incident_id for row in shown if row.incident_id is not None})
    for row in shown:
        found = None if row.incident_id is None else known.get(row.incident_id)
        device = row.device_id.hex() if row.device_id else None
        lines.append(FeedLine(line(row, language), row.incident_id, found.device_label if found else device))
    return lines


def broker_lost_ms(reader: JournalReader) -> int | None:
    """Return since when the broker is gone, or None; blocking."""
    lost: int | None = None
    for row in reader.journal_of_lines(LINE_ROWS):
        if row.kind == journal.BROKER_LOST:
            lost = row.at_ms if lost is None else lost
        elif row.kind in (journal.BROKER_BACK, journal.GATEWAY_STARTED):
            lost = None
    return lost


def _facts(facts: Mapping[str, Any], language: str, name: Callable[[str], str]) -> str:
    told = {**facts, "who": name(str(facts["who"]))} if facts.get("who") else facts
    return " · ".join(filter(None, (_fact(each, value, language) for each, value in retold(told, language).items())))


def _fact(name: str, value: Any, language: str) -> str:
    if name in UNTOLD or value is None or value is False or (name, value) in USUAL:
        return ""
    if value is True:
        return _or_itself(f"console.fact_true.{name}", name, language)
    if name.endswith("_s") and isinstance(value, int | float):
        shown = duration(round(value), language)
    elif name.endswith("_m") and isinstance(value, int):
        shown = distance(value, language)
    elif name in WORDED:
        shown = _or_itself(f"console.{WORDED[name]}.{value}", str(value), language)
    else:
        shown = str(value)
    return _or_itself(f"console.fact.{name}", f"{name}: {shown}", language, value=shown)


def _or_itself(key: str, otherwise: str, language: str, **values: object) -> str:
    try:
        return text(key, language, **values)
    except UnknownText:
        return otherwise
