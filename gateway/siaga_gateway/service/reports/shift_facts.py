"""What the gateway knows of a shift, gathered from the store for its handover."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Final

from siaga_gateway.domain.escalation_state import Escalation
from siaga_gateway.domain.handover import (
    MOST_CASES,
    MOST_CLOSED,
    MOST_OPEN,
    CaseLine,
    ClosedCall,
    DrillLine,
    LineFault,
    OpenCall,
    ShiftFacts,
    ShiftNote,
    Wait,
    wait_of,
)
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Store

Sees = Callable[[str, Incident], bool]  # station, call: whether a dispatcher of it sees the call
_ORDER: Final = {wait: number for number, wait in enumerate(Wait)}
_LINE_ENTRIES: Final = 50_000  # of lines, since the last start: one that comes and goes brings thousands in a year
_NOTES_MS: Final = 7 * 86_400_000  # a note that no handover took is no news after that
# What cuts a line, what mends it, and the fact that names the line.
_LINES: Final = (
    (journal.BROKER_LOST, journal.BROKER_BACK, ""),
    (journal.BEARER_LOST, journal.BEARER_BACK, "bearer"),
    (journal.WAY_LOST, journal.WAY_BACK, "way"),
    (journal.LINE_FAULT, journal.LINE_RESTORED, "output"),
    (journal.STANDBY_LOST, journal.STANDBY_BACK, ""),
)
# What machines do over and over is no step of a call.
_NO_STEP: Final = frozenset(
    {
        *(journal.POSITION, journal.DELIVERED, journal.DELIVERY_FAILED, journal.DELIVERY_SUPERSEDED),
        *(journal.PERSONAL_READ, journal.SIGNATURE_ADDED, journal.CLUSTERED),
    }
)


def gather(store: Store, station: str | None, sees: Sees, from_ms: int, now_ms: int) -> ShiftFacts:
    """Return what there is to hand over. station: a dispatcher's, who sees his calls alone; None: the room's.

    Raises: StoreFailing.
    """
    opened = [each for each in store.open_incidents() if station is None or sees(station, each)]
    known = {each.incident_id: each for each in store.open_escalations()}
    alarms = store.alarms([each.id for each in opened])
    waits = {each.id: wait_of(each, known.get(each.id), now_ms) for each in opened}
    opened.sort(key=lambda each: (_ORDER[waits[each.id][0]], each.opened_at_ms, each.id))
    closed, more_closed = _closed(store, station, sees, from_ms)
    of_room = station is None
    cases = list(_cases(store)) if of_room else []
    return ShiftFacts(
        open=tuple(_open(store, each, known, alarms, waits[each.id]) for each in opened[:MOST_OPEN]),
        closed=closed,
        drills=tuple(_drills(store, from_ms, now_ms)) if of_room else (),
        cases=tuple(cases[:MOST_CASES]),
        lines=tuple(line_faults(store.journal_of_lines(_LINE_ENTRIES))) if of_room else (),
        notes=tuple(each.id for each in _notes(store, station, from_ms, now_ms)),
        unreadable=tuple(each.id for each in store.unreadable_calls({each.id for each in opened})) if of_room else (),
        more_open=max(0, len(opened) - MOST_OPEN),
        more_closed=more_closed,
        more_cases=max(0, len(cases) - MOST_CASES),
    )


def _closed(store: Store, station: str | None, sees: Sees, from_ms: int) -> tuple[tuple[ClosedCall, ...], int]:
    """Return the calls that were closed since then, the last first, and how many more there are: too many, or of those
    that cannot be read."""
    told = list[ClosedCall]()
    more, numbers = 0, store.closed_since(from_ms)
    for first in range(0, len(numbers), MOST_CLOSED):
        page = numbers[first : first + MOST_CLOSED]
        if station is None and first:  # whose they are does not matter
            return tuple(told), more + len(numbers) - first
        found = store.incidents(page)
        for number in page:
            each = found.get(number)
            if each is not None and station is not None and not sees(station, each):
                continue
            if each is None or len(told) == MOST_CLOSED:
                more += 1
            else:
                told.append(ClosedCall(number, str(each.disposition or ""), each.closed_at_ms or 0))
    return tuple(told), more


def _open(
    store: Store,
    incident: Incident,
    known: Mapping[int, Escalation],
    alarms: Mapping[int, Alarm],
    waits: tuple[Wait, int | None],
) -> OpenCall:
    steps = [each for each in store.journal_of_incident(incident.id) if each.kind not in _NO_STEP]
    last = steps[-1] if steps else None
    alarm = alarms.get(incident.id)
    return OpenCall(
        incident.id,
        str(incident.state),
        None if alarm is None else alarm.level,
        journal.INCIDENT_OPENED if last is None else last.kind,
        incident.opened_at_ms if last is None else last.at_ms,
        str(waits[0]),
        waits[1],
    )


def _drills(store: Store, from_ms: int, now_ms: int) -> Iterable[DrillLine]:
    """Those that ran in the shift, run now, or are planned."""
    for each in store.drills():
        if each.ended_ms is None or each.ended_ms > from_ms:
            yield DrillLine(each.id, str(each.state_at(now_ms)))


def _notes(store: Store, station: str | None, from_ms: int, now_ms: int) -> Iterable[ShiftNote]:
    """Those since then, and those above the last that somebody took: the clocks of two machines differ, and a note
    with an earlier time than a handover may be written after it."""
    return store.shift_notes(station, from_ms, store.last_taken_note(station), now_ms - _NOTES_MS)


def _cases(store: Store) -> Iterable[CaseLine]:
    folds = [fold for fold, _ in store.open_folds()]
    for each in (*folds, *store.open_cases(limit=2 * MOST_CASES)):
        device = "" if each.device_id is None else each.device_id.hex()
        yield CaseLine(each.id, str(each.cause), device, each.opened_ms)


def line_faults(entries: Iterable[JournalEntry]) -> list[LineFault]:
    """Return the lines that are cut, by the journal's entries of lines, oldest first. A start of the gateway forgets
    what a broker or a way was before it: what is still cut is told anew. Pure."""
    lost: dict[tuple[str, str], LineFault] = {}
    for entry in entries:
        if entry.kind == journal.GATEWAY_STARTED:
            lost.clear()
        for cut, mended, fact in _LINES:
            if entry.kind not in (cut, mended):
                continue
            about = str(entry.facts.get(fact) or "") if fact else ""
            if entry.kind == mended:
                lost.pop((cut, about), None)
            else:
                lost.setdefault((cut, about), LineFault(cut, about, entry.at_ms))
    return list(islice(lost.values(), MOST_CASES))
