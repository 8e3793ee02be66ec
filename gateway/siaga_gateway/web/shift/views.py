"""A shift worded for a page and for paper. Pure: the templates only place it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from siaga_gateway.catalogue import UnknownText, text
from siaga_gateway.domain.accounts import Account, ConsoleSession, permissions_of
from siaga_gateway.domain.drill import Drill
from siaga_gateway.domain.handover import Handover, OpenCall, Receipt, ShiftFacts, ShiftNote, Wait
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.service.dispatch.place_directory import PersonLine


@dataclass(frozen=True, slots=True)
class CallRow:
    """An open call, or one that was closed in the shift."""

    id: int
    label: str  # of its button, as it is known now; a dash: erased, or it cannot be read
    state: str  # or how it ended
    level: int | None
    last: str
    last_at: str
    waits: str  # empty: for nothing
    grave: bool


@dataclass(frozen=True, slots=True)
class FactsView:
    """What a handover tells of."""

    open: tuple[CallRow, ...]
    closed: tuple[CallRow, ...]
    drills: tuple[tuple[int, str, str], ...]  # number, name, state
    cases: tuple[tuple[int, str, str, str], ...]  # number, cause, device id, since
    lines: tuple[tuple[str, str, str], ...]  # what is cut, which, since
    notes: tuple[tuple[str, str, str], ...]  # moment, author, text
    unreadable: tuple[int, ...]
    more_open: int
    more_closed: int
    more_cases: int
    waiting: int  # open calls that wait for somebody


@dataclass(frozen=True, slots=True)
class HandoverView:
    """A handover in a list, and by itself."""

    id: int
    made_by: str
    made: str
    since: str
    open: int
    closed: int
    remarks: str
    taken: tuple[tuple[str, str], ...]  # who, when


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """Somebody who is signed in."""

    name: str
    role: str
    address: str
    since: str
    state: str  # locked since, or empty


@dataclass(frozen=True, slots=True)
class StationRow:
    """Who of a station can be called now."""

    station: str
    on_duty: tuple[str, ...]  # names, with the end of the shift
    available: tuple[str, ...]


def facts_view(
    facts: ShiftFacts,
    calls: Mapping[int, Incident],
    notes: Iterable[ShiftNote],
    drills: Mapping[int, Drill],
    local: LocalTime,
    language: str,
) -> FactsView:
    """calls, drills: those that are known now, by number. notes: those that the facts name."""
    return FactsView(
        open=tuple(_open(each, calls, local, language) for each in facts.open),
        closed=tuple(
            CallRow(
                each.incident_id,
                _label(calls, each.incident_id),
                text(f"console.disposition.{each.disposition}", language) if each.disposition else "–",
                None,
                "",
                local.moment(each.closed_ms),
                "",
                False,
            )
            for each in facts.closed
        ),
        drills=tuple(
            (
                each.drill_id,
                drills[each.drill_id].name if each.drill_id in drills else "–",
                _word("drill_state", each.state, language),
            )
            for each in facts.drills
        ),
        cases=tuple(
            (each.case_id, _word("cause", each.cause, language), each.device_id, local.moment(each.opened_ms))
            for each in facts.cases
        ),
        lines=tuple(
            (_word("journal", each.kind, language), each.about, local.moment(each.since_ms)) for each in facts.lines
        ),
        notes=tuple((local.moment(each.at_ms), each.author, typed(each.text, language)) for each in notes),
        unreadable=facts.unreadable,
        more_open=facts.more_open,
        more_closed=facts.more_closed,
        more_cases=facts.more_cases,
        waiting=sum(bool(each.waits) and each.waits != Wait.PROMISED for each in facts.open),
    )


def _open(each: OpenCall, calls: Mapping[int, Incident], local: LocalTime, language: str) -> CallRow:
    waits = ""
    if each.waits:
        waits = _word("shift_waits", each.waits, language)
        if each.due_ms is not None:
            waits = f"{waits} {local.moment(each.due_ms)}"
    return CallRow(
        each.incident_id,
        _label(calls, each.incident_id),
        _word("state", each.state, language),
        each.level,
        _word("journal", each.last_kind, language),
        local.moment(each.last_ms),
        waits,
        each.waits in (Wait.RINGS, Wait.HELD, Wait.LATE),
    )


def _label(calls: Mapping[int, Incident], number: int) -> str:
    found = calls.get(number)
    return "–" if found is None else found.device_label


def _word(group: str, name: str, language: str) -> str:
    """What a later version has named is shown as it is."""
    try:
        return text(f"console.{group}.{name}", language)
    except UnknownText:
        return name


def typed(words: str | None, language: str) -> str:
    """Return what somebody typed, or why it is not there."""
    if words is None:
        return text("console.shift.forgotten", language)
    return words or text("console.shift.unreadable", language)


def handover_view(each: Handover, receipts: Sequence[Receipt], local: LocalTime, language: str) -> HandoverView:
    return HandoverView(
        each.id,
        each.made_by,
        local.moment(each.made_ms),
        local.moment(each.from_ms),
        len(each.facts.open) + each.facts.more_open,
        len(each.facts.closed) + each.facts.more_closed,
        "" if each.remarks is None else typed(each.remarks, language),
        tuple((receipt.name, local.moment(receipt.at_ms)) for receipt in receipts),
    )


def operators(
    sessions: Iterable[ConsoleSession],
    accounts: Mapping[str, Account],
    local: LocalTime,
    now_ms: int,
    language: str,
) -> list[OperatorRow]:
    """Return who is signed in, wherever, the one who came first on top. accounts: by name; none: a console without."""
    found = []
    for each in sorted(sessions, key=lambda session: (session.begun_ms, session.name)):
        account = accounts.get(each.name)
        if permissions_of(each, account, accounts=bool(accounts), now_ms=now_ms) is None:
            continue
        locked = each.locked_ms
        found.append(
            OperatorRow(
                each.name,
                "–" if account is None else text(f"console.role.{account.role}", language),
                each.address or "–",
                local.moment(each.begun_ms),
                "" if locked is None else text("console.shift.locked", language, time=local.moment(locked)),
            )
        )
    return found


def by_station(
    people: Iterable[PersonLine], stations: Mapping[str, str], local: LocalTime, language: str
) -> list[StationRow]:
    """people: those who can be called now. stations: names by key."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for each in people:
        standing = each.standing
        if standing is None or not standing.reachable:
            continue
        key = each.person.station or ""
        until = standing.until_ms
        name = each.person.name
        if until is not None:
            name = text("console.shift.until", language, name=name, time=local.moment(until))
        on_duty, available = found.setdefault(key, ([], []))
        (on_duty if standing.duty == "on_duty" else available).append(name)
    named = {key: stations.get(key) or key or text("console.shift.no_station", language) for key in found}
    return [
        StationRow(named[key], tuple(found[key][0]), tuple(found[key][1]))
        for key in sorted(found, key=lambda key: (named[key].casefold(), key))
    ]
