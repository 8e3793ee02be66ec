"""The journal in words: an incident's timeline and the feed of everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from siaga_gateway.catalogue import UnknownText, clock_time, text
from siaga_gateway.service import journal
from siaga_gateway.service.ports import JournalEntry, JournalReader
from siaga_gateway.web.views import distance, duration

FEED_WINDOW: Final = 400  # of the newest rows, those that belong to no incident
FEED_LINES: Final = 12
BROKER_WINDOW: Final = 2000  # rows; a broken broker brings few, so the row that says so is among the newest

TONES: Final = {
    journal.INCIDENT_OPENED: "alarm",
    journal.PRESSED_AGAIN: "alarm",
    journal.DURESS: "duress",
    journal.CANCELLED_BY_HOLDER: "warning",
    journal.KEY_COPIED: "alarm",
    journal.DELIVERY_FAILED: "warning",
    journal.DELIVERY_ABANDONED: "alarm",
    journal.FORGED: "alarm",
    journal.CONTRADICTION: "alarm",
    journal.COUNTER_JUMP: "alarm",
    journal.TAMPER: "warning",
    journal.LOW_BATTERY: "warning",
    journal.UNKNOWN_DEVICE: "warning",
    journal.MALFORMED: "warning",
    journal.COUNTER_GAP: "warning",
    journal.SHED: "warning",
    journal.UNPROCESSED: "alarm",
    journal.BROKER_LOST: "alarm",
    journal.BEARER_LOST: "warning",
    journal.COMMAND_EXPIRED: "warning",
    journal.RECEIPT_UNKNOWN: "warning",
    journal.MAINTENANCE_OPENED: "warning",
    journal.MAINTENANCE_MASS: "warning",
    journal.MAINTENANCE_CLOSED: "done",
    journal.MAINTENANCE_MASS_OVER: "done",
    journal.PERSONAL_KEY_MISSING: "alarm",
    journal.RESTORED: "warning",
    journal.CLOSED: "done",
    journal.DELIVERED: "done",
    journal.BROKER_BACK: "done",
    journal.BEARER_BACK: "done",
    journal.STORE_BACK: "done",
}


# Facts for administrators (`siaga gateway log`), not for operators; the output is the entry's actor.
UNTOLD: Final = frozenset(
    {
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
    }
)
# What goes without saying.
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
    }
)
# Facts whose values are words of ours: the group of the catalogue that has them.
WORDED: Final = {
    "disposition": "disposition",
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
}


@dataclass(frozen=True, slots=True)
class Line:
    """One journal row for people."""

    id: int
    at_ms: int
    clock: str
    kind: str
    tone: str  # plain | done | warning | alarm | duress
    title: str
    by: str | None
    extra: str | None


@dataclass(frozen=True, slots=True)
class FeedLine:
    """A row of the feed, and what it is about."""

    line: Line
    incident_id: int | None  # of a trial, or the incident during which it happened
    about: str | None  # the button's label where an incident tells it, or else its device id in hex


def line(entry: JournalEntry, language: str) -> Line:
    """Word one row; a kind or fact that this console does not know is shown as it is, never left out."""
    try:
        title = text(f"console.journal.{entry.kind}", language)
    except UnknownText:
        title = entry.kind
    return Line(
        id=entry.id,
        at_ms=entry.at_ms,
        clock=clock_time(entry.at_ms),
        kind=entry.kind,
        tone=TONES.get(entry.kind, "plain"),
        title=title,
        by=entry.actor,
        extra=None if entry.kind == journal.DELIVERED else _facts(entry.facts, language) or None,
    )


def timeline(entries: Iterable[JournalEntry], language: str) -> list[Line]:
    """An incident's rows, newest first; what several outputs took one after the other is one line."""
    lines: list[Line] = []
    for entry in entries:
        if entry.kind in journal.QUIET_KINDS:
            continue
        new = line(entry, language)
        if lines and new.kind == lines[-1].kind == journal.DELIVERED:
            takers = dict.fromkeys([*(lines[-1].by or "").split(", "), new.by or ""])
            new = replace(new, by=", ".join(filter(None, takers)))
            lines.pop()
        lines.append(new)
    return lines[::-1]


def feed(reader: JournalReader, language: str) -> list[FeedLine]:
    """The newest rows that are no part of an incident's life; blocking."""
    rows = reader.journal_last(FEED_WINDOW)
    others = [row for row in rows if row.kind not in journal.INCIDENT_KINDS | journal.QUIET_KINDS]
    lines = []
    for row in others[: -FEED_LINES - 1 : -1]:
        found = None if row.incident_id is None else reader.incident(row.incident_id)
        device = row.device_id.hex() if row.device_id else None
        lines.append(FeedLine(line(row, language), row.incident_id, found.device_label if found else device))
    return lines


def broker_lost_ms(reader: JournalReader) -> int | None:
    """Since when the broker is away, or None; blocking."""
    lost: int | None = None
    for row in reader.journal_last(BROKER_WINDOW):
        if row.kind == journal.BROKER_LOST:
            lost = row.at_ms if lost is None else lost
        elif row.kind in (journal.BROKER_BACK, journal.GATEWAY_STARTED):
            lost = None
    return lost


def _facts(facts: Mapping[str, Any], language: str) -> str:
    return " · ".join(filter(None, (_fact(name, value, language) for name, value in facts.items())))


def _fact(name: str, value: Any, language: str) -> str:
    if name in UNTOLD or value is None or value is False or (name, value) in USUAL:
        return ""
    if value is True:
        return _or_itself(f"console.fact_true.{name}", name, language)
    if name.endswith("_s") and isinstance(value, int):
        shown = duration(value, language)
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
