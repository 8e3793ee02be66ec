"""Supervision: finds devices that need an installer and keeps a case for each cause; closes it when the cause is gone.

One worker does it for all, in its rounds. Whoever asks why a device that is silent has no case finds the answer in
`listen`: what came while the gateway or its broker was away could not be heard, and is held against nobody.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from siaga_gateway.domain.report import Bearer
from siaga_gateway.domain.status import DeviceStatus
from siaga_gateway.domain.supervision import (
    Case,
    Cause,
    Deaf,
    Verdict,
    Wanted,
    due_since,
    judge,
    merged,
    problems,
    silence_allowed_ms,
)
from siaga_gateway.service import journal
from siaga_gateway.service.ports import Bell, Clock
from siaga_gateway.service.store import Sieve, Store, Transaction, Watched

log = logging.getLogger(__name__)

EVERY_S: Final = 15.0
_LOOK_MS: Final = 60_000
# A look at a million devices takes a while: never more than this share of the time.
_SHARE: Final = 20
_PAGE: Final = 1000
_TOGETHER: Final = 200  # cases in one commit: presses wait for it
# Two signs that a way was heard are EVERY_S apart; what is more than this was a time in which it was not.
_DEAF_MS: Final = 60_000
_LATELY_MS: Final = 10 * 60_000  # cases of one cause, opened in so short a time, have one reason
T = TypeVar("T")
MAIN_WAY: Final = "mqtt"
_WAY_OF: Final[Mapping[Bearer, str]] = {Bearer.LORAWAN: "lorawan", Bearer.SMS: "sms"}
_FOREVER_MS: Final = 40 * 24 * 3600 * 1000
_LONGEST_NOTE: Final = 2_000
_LONGEST_NAME: Final = 80


class MaintenanceError(Exception):
    """A case that cannot be closed so; the text says why."""


@dataclass(slots=True)
class _Changes:
    """What one look found."""

    opened: dict[Cause, list[tuple[Watched, int]]] = field(default_factory=dict)
    gone: list[tuple[Watched, Case]] = field(default_factory=list)

    def add(self, watched: Watched, verdict: Verdict) -> None:
        for cause, level in verdict.opened.items():
            self.opened.setdefault(cause, []).append((watched, level))
        self.gone.extend((watched, case) for case in verdict.gone)


class Supervisor:
    """`work` in the rounds, every EVERY_S seconds, by one worker at a time."""

    def __init__(
        self,
        store: Store,
        bell: Bell,
        clock: Clock,
        wanted: Wanted,
        *,
        ways: Callable[[], Mapping[str, bool]],
        mass: int = 20,
    ) -> None:
        """ways: by name whether each way in works, the buttons' own broker as MAIN_WAY. mass: so many cases of one
        cause within minutes are one notice."""
        self._store = store
        self._bell = bell
        self._clock = clock
        self._wanted = wanted
        self._ways = ways
        self._mass = mass
        self._next_ms = 0

    def work(self) -> None:
        """Note which ways are heard and, once a minute, look at the devices. Raises StoreFailing."""
        now_ms = self._clock.now_ms()
        if self.listen(now_ms) and not 0 <= self._next_ms - now_ms < _LOOK_MS * _SHARE:
            begun = time.monotonic()
            self.look(now_ms)
            took_ms = round((time.monotonic() - begun) * 1000)
            self._next_ms = now_ms + max(_LOOK_MS, took_ms * _SHARE)

    def listen(self, now_ms: int) -> bool:
        """Note that each way that works was heard until now, and when one was not. Whether the main way is heard."""
        ways = self._ways()
        with self._store.transaction() as transaction:
            for way, up in ways.items():
                if not up:
                    continue
                before = self._store.remembered(_heard(way))
                # The first time: whatever was before, nobody knows whether it was heard.
                until_ms = 0 if before is None else int(before)
                if now_ms - until_ms > _DEAF_MS:
                    transaction.add_deafness(way, until_ms, now_ms)
                transaction.remember(_heard(way), str(now_ms))
        return ways.get(MAIN_WAY, False)

    def look(self, now_ms: int) -> None:
        """Open and close what has to be, in commits of a few hundred. Raises StoreFailing."""
        deaf = merged(self._store.deafness([MAIN_WAY], now_ms - _FOREVER_MS))
        changes = self._changes(now_ms, deaf)
        folds = {fold.cause: fold for fold, _ in self._store.open_folds()}
        self._put_gone(changes.gone, now_ms)
        for cause, found in changes.opened.items():
            fold = folds.get(cause)
            lately = [] if fold is not None else self._store.opened_since(cause, now_ms - _LATELY_MS)
            if fold is None and len(found) + len(lately) >= self._mass:
                fold = self._open_fold(cause, lately, found, now_ms)
            self._open(cause, found, fold, now_ms)
        self._close_folds(now_ms)
        if changes.opened or changes.gone:
            self._bell.ring()

    def _changes(self, now_ms: int, deaf: Deaf) -> _Changes:
        wanted = self._wanted
        intervals = {wanted.checkin_s, *self._store.intervals()}
        silent_before_ms = {
            checkin_s: due_since(now_ms, silence_allowed_ms(checkin_s, wanted), deaf) for checkin_s in intervals
        }
        sieve = Sieve(now_ms, wanted, silent_before_ms)
        changes, after = _Changes(), b""
        while page := self._store.suspects(sieve, after, _PAGE):
            for watched in page:
                standing = frozenset(case.cause for case in watched.standing)
                its_deaf = self._deaf_of(watched.status, deaf, now_ms)
                found = problems(watched.device, watched.status, now_ms, wanted, its_deaf, standing)
                changes.add(watched, judge(found, watched.standing, wanted))
            after = page[-1].device.device_id
        return changes

    def _deaf_of(self, status: DeviceStatus | None, deaf: Deaf, now_ms: int) -> Deaf:
        """When a device could not be heard: one that is on LoRaWAN or SMS also while that way was away."""
        bearer = Bearer.UNKNOWN if status is None or status.health is None else status.health.bearer_in_use
        way = _WAY_OF.get(bearer)
        if way is None:
            return deaf
        ways = {name: up for name, up in self._ways().items() if name.startswith(way)}
        now_away = [(int(self._store.remembered(_heard(name)) or 0), now_ms) for name, up in ways.items() if not up]
        return merged([*deaf, *self._store.deafness(ways.keys(), now_ms - _FOREVER_MS), *now_away])

    # What changes

    def _put_gone(self, gone: Sequence[tuple[Watched, Case]], now_ms: int) -> None:
        told = [case for _, case in gone if case.closed_ms is None and case.fold is None]
        sums = {cause: count for cause, count in Counter(case.cause for case in told).items() if count >= self._mass}
        for chunk in _chunks(gone):
            with self._store.transaction() as transaction:
                for _, case in chunk:
                    transaction.put_case(replace(case, stands=False, closed_ms=case.closed_ms or now_ms))
                    if case.closed_ms is None and case.fold is None and case.cause not in sums:
                        _note(transaction, journal.MAINTENANCE_CLOSED, case, now_ms, None)
        if sums:
            with self._store.transaction() as transaction:
                for cause, count in sums.items():
                    facts = {"cause": str(cause), "devices": count}
                    transaction.note(journal.MAINTENANCE_CLOSED, now_ms, facts)

    def _open(self, cause: Cause, found: Sequence[tuple[Watched, int]], fold: Case | None, now_ms: int) -> None:
        for chunk in _chunks(found):
            with self._store.transaction() as transaction:
                number = transaction.next_case_id()
                for offset, (watched, level) in enumerate(chunk):
                    fold_id = None if fold is None else fold.id
                    device_id = watched.device.device_id
                    case = Case(number + offset, device_id, cause, level, now_ms, fold=fold_id)
                    transaction.put_case(case)
                    if fold is None:
                        _note(transaction, journal.MAINTENANCE_OPENED, case, now_ms, None, **_facts(watched, case))

    def _open_fold(
        self, cause: Cause, lately: Sequence[Case], found: Sequence[tuple[Watched, int]], now_ms: int
    ) -> Case:
        devices = len(lately) + len(found)
        facts: dict[str, object] = {"cause": str(cause), "devices": devices}
        bearers = Counter(_bearer(watched.status) for watched, _ in found)
        bearer, most = bearers.most_common(1)[0]
        if bearer is not None and most >= 0.8 * len(found):
            facts["bearer"] = bearer
        with self._store.transaction() as transaction:
            fold = Case(transaction.next_case_id(), None, cause, devices, now_ms)
            transaction.put_case(fold)
            for case in lately:
                transaction.put_case(replace(case, fold=fold.id))
            transaction.note(journal.MAINTENANCE_MASS, now_ms, {"case": fold.id, **facts})
        log.warning("%d devices at once: %s", devices, cause)
        return fold

    def _close_folds(self, now_ms: int) -> None:
        """A fold ends when few of its devices are left; these are listed by themselves from then on."""
        for fold, members in self._store.open_folds():
            if 2 * members >= self._mass:
                continue
            with self._store.transaction() as transaction:
                transaction.release_members(fold.id)
                transaction.put_case(replace(fold, stands=False, closed_ms=now_ms))
                facts = {"case": fold.id, "cause": str(fold.cause), "left": members}
                transaction.note(journal.MAINTENANCE_MASS_OVER, now_ms, facts)
            self._bell.ring()


def close_case(store: Store, clock: Clock, wanted: Wanted, case_id: int, actor: str, note: str) -> Case:
    """A person says that a case is dealt with, or need not be; of a fold: all of its cases. Raises MaintenanceError."""
    actor, note = " ".join(actor.split()), note.strip()
    if not 0 < len(actor) <= _LONGEST_NAME:
        raise MaintenanceError(f"a name has 1 to {_LONGEST_NAME} characters")
    if not 0 < len(note) <= _LONGEST_NOTE:
        raise MaintenanceError(f"say in a note of 1 to {_LONGEST_NOTE} characters what was done or found")
    now_ms = clock.now_ms()
    with store.transaction() as transaction:
        case = transaction.case(case_id)
        if case is None:
            raise MaintenanceError(f"there is no case {case_id}")
        if case.closed_ms is not None:
            raise MaintenanceError(f"case {case_id} was closed by {case.closed_by or 'the gateway'}")
        if case.device_id is not None:
            transaction.lock([case.device_id])
            case = replace(case, level=_level_now(transaction, case, store, now_ms, wanted))
        case = replace(case, closed_ms=now_ms, closed_by=actor, note=note, stands=case.device_id is not None)
        transaction.put_case(case)
        if case.device_id is None:
            transaction.put_members(case)
        _note(transaction, journal.MAINTENANCE_CLOSED, case, now_ms, actor)
    return case


def _level_now(transaction: Transaction, case: Case, store: Store, now_ms: int, wanted: Wanted) -> int:
    """How bad it is as the person closes it; an opening of the housing is done with then."""
    assert case.device_id is not None
    enrolled = store.enrolled([case.device_id]).get(case.device_id)
    status = transaction.statuses([case.device_id]).get(case.device_id)
    if enrolled is None or status is None:
        return case.level
    if case.cause is Cause.TAMPER:
        transaction.put_status(replace(status, tampered_ms=None))
    found = problems(enrolled.device, status, now_ms, wanted, (), frozenset({case.cause}))
    return max(case.level, found.get(case.cause, 0))


def _note(transaction: Transaction, kind: str, case: Case, at_ms: int, actor: str | None, **facts: object) -> None:
    told = {"case": case.id, "cause": str(case.cause), **facts}
    transaction.note(kind, at_ms, told, device_id=case.device_id, actor=actor)


def _facts(watched: Watched, case: Case) -> dict[str, object]:
    """What is worth a line of the journal about a case that opens."""
    match case.cause:
        case Cause.SILENT:
            return {"silent_s": case.level}
        case Cause.LOW_BATTERY:
            return {"battery": None if watched.status is None else watched.status.battery}
        case Cause.OLD_VERSION if watched.status is not None and watched.status.health is not None:
            return {"version": ".".join(map(str, watched.status.health.version))}
        case Cause.COUNTER_GAP:
            return {"missing": case.level}
        case Cause.RESTARTS | Cause.REJECTED:
            return {"lately": case.level}
        case _:
            return {}


def _bearer(status: DeviceStatus | None) -> str | None:
    if status is None or status.health is None or status.health.bearer_in_use is Bearer.UNKNOWN:
        return None
    return status.health.bearer_in_use.name.lower()


def _heard(way: str) -> str:
    return f"heard.{way}"


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + _TOGETHER] for start in range(0, len(items), _TOGETHER))
