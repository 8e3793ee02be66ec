"""The journal in words: an incident's timeline and the feed of everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    journal.DELIVERY_FAILED: "warning",
    journal.DELIVERY_ABANDONED: "alarm",
    journal.FORGED: "alarm",
    journal.CONTRADICTION: "alarm",
    journal.TAMPER: "warning",
    journal.LOW_BATTERY: "warning",
    journal.UNKNOWN_DEVICE: "warning",
    journal.MALFORMED: "warning",
    journal.COUNTER_GAP: "warning",
    journal.BROKER_LOST: "alarm",
    journal.CLOSED: "done",
    journal.DELIVERED: "done",
    journal.BROKER_BACK: "done",
    journal.STORE_BACK: "done",
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
        extra=_facts(entry.facts, language) or None,
    )


def timeline(entries: Iterable[JournalEntry], language: str) -> list[Line]:
    """An incident's rows, newest first."""
    return [line(entry, language) for entry in entries][::-1]


def feed(reader: JournalReader, language: str) -> list[tuple[Line, str | None]]:
    """The newest rows that belong to no incident, each with its device id in hex; blocking."""
    rows = reader.journal_after(max(0, reader.last_journal_id() - FEED_WINDOW), FEED_WINDOW)
    others = [row for row in rows if row.incident_id is None and row.kind not in journal.INCIDENT_KINDS]
    return [
        (line(row, language), row.device_id.hex() if row.device_id else None) for row in others[: -FEED_LINES - 1 : -1]
    ]


def broker_lost_ms(reader: JournalReader) -> int | None:
    """Since when the broker is away, or None; blocking."""
    lost: int | None = None
    after = max(0, reader.last_journal_id() - BROKER_WINDOW)
    while rows := reader.journal_after(after, 500):
        after = rows[-1].id
        for row in rows:
            if row.kind == journal.BROKER_LOST:
                lost = row.at_ms if lost is None else lost
            elif row.kind in (journal.BROKER_BACK, journal.GATEWAY_STARTED):
                lost = None
    return lost


def _facts(facts: Mapping[str, Any], language: str) -> str:
    return " · ".join(filter(None, (_fact(name, value, language) for name, value in facts.items())))


def _fact(name: str, value: Any, language: str) -> str:
    if value is None or value is False or value == "":
        return ""
    shown = str(value)
    if name.endswith("_s") and isinstance(value, int):
        shown = duration(value, language)
    elif name == "accuracy_m" and isinstance(value, int):
        shown = distance(value, language)
    elif name in ("disposition", "registration"):
        shown = _or_itself(f"console.{name}.{value}", shown, language)
    elif value is True:
        return _or_itself(f"console.fact_true.{name}", name, language)
    return _or_itself(f"console.fact.{name}", f"{name}: {shown}", language, value=shown)


def _or_itself(key: str, otherwise: str, language: str, **values: object) -> str:
    try:
        return text(key, language, **values)
    except UnknownText:
        return otherwise
