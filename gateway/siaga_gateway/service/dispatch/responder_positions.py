"""Takes the positions of responders' phones: only while somebody is on duty, available or assigned, and for days.

What is not taken is told at the console, once an hour for each person and reason; that somebody is off duty is what the
law wants, and is told nowhere.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.responders import (
    COARSE_M,
    OLDEST_MS,
    ResponderPosition,
    fix_time,
    is_possible,
    moved_on,
)
from siaga_gateway.domain.value import record
from siaga_gateway.domain.way_proof import DAY_MS
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store, StoreFailing, Transaction

log = logging.getLogger(__name__)

_ASSIGNED_MS: Final = 1_800_000  # of who is off duty, and assigned: nothing from long before
_TOLD_EVERY_MS: Final = 3_600_000
_TOLD: Final = 10_000  # persons and reasons that are remembered


class Outcome(StrEnum):
    """What became of a position."""

    TAKEN = "taken"
    NOTHING_NEW = "nothing_new"
    OFF_DUTY = "off_duty"
    OLD = "old"
    COARSE = "coarse"
    IMPOSSIBLE = "impossible"
    GONE = "gone"  # there is nobody with this key any more


@record
class PositionReport:
    """What a phone says; times are its own, but for heard_ms."""

    responder: str  # proven to be his
    latitude: int  # degrees x 10^7
    longitude: int
    accuracy_m: int | None
    told_ms: int
    made_ms: int | None
    is_ping: bool
    heard_ms: int  # when it came, by our clock; of what a broker retained: when it was made


class PositionIntake:
    """Thread-safe."""

    def __init__(self, store: Store, clock: Clock, notifier: Notifier, duty: Duty) -> None:
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._duty = duty
        self._lock = threading.Lock()
        self._telling = threading.Lock()  # its own: what is refused need not wait until what is taken is stored
        self._doubted: dict[str, ResponderPosition] = {}  # the last one of each that seemed impossible
        self._told: dict[tuple[str | None, str], int] = {}
        self._held_back: Counter[tuple[str | None, str]] = Counter()
        self.counts: Counter[Outcome] = Counter()

    def take(self, reports: Sequence[PositionReport]) -> list[Outcome]:
        """Keep what is new, durably when this returns. Raises: StoreFailing; then nothing was kept."""
        if not reports:
            return []
        with self._lock:
            now_ms = self._clock.now_ms()
            # Presses wait for a transaction, so duty is judged before it; who was removed since then stays removed.
            version = self._store.responders_version()
            judged = self._judge(reports, now_ms)
            if any(isinstance(each, ResponderPosition) for each in judged):
                doubted = dict(self._doubted)
                with self._store.transaction() as transaction:
                    if self._store.responders_version() != version:
                        judged = self._judge(reports, now_ms)
                    judged = [
                        self._taken(transaction, each, doubted, now_ms) if isinstance(each, ResponderPosition) else each
                        for each in judged
                    ]
                self._doubted = doubted
            outcomes = [each for each in judged if isinstance(each, Outcome)]
            self.counts.update(outcomes)
        refused: Counter[tuple[str, Outcome]] = Counter()
        for report, outcome in zip(reports, outcomes, strict=True):
            if outcome is Outcome.OLD and now_ms - report.heard_ms > OLDEST_MS:
                continue  # the broker kept it: each new subscription brings it, and nobody can mend that
            if outcome in (Outcome.OLD, Outcome.COARSE, Outcome.IMPOSSIBLE):
                refused[report.responder, outcome] += 1
        for (responder, outcome), count in refused.items():
            self.refused(responder, f"position_refused.{outcome}", count)
        return outcomes

    def take_told(self, told: Sequence[Sequence[object]]) -> list[str]:
        """The same for another process, in plain values; fields in their order."""
        return [str(each) for each in self.take([PositionReport(*each) for each in told])]  # type: ignore[arg-type]

    def tokens(self) -> dict[str, str]:
        """Return what lets phones in, hashed, by responder. Raises: StoreFailing."""
        return dict(self._store.token_hashes())

    def refused(self, responder: str | None, why: str, count: int = 1) -> None:
        """Tell the console that something of somebody's phone was not taken. Never raises if the store fails.

        responder: None: not known whose. why: a key of the catalogue's `errors`.
        """
        now_ms = self._clock.now_ms()
        key = responder, why
        with self._telling:
            self._held_back[key] += count
            if 0 <= now_ms - self._told.get(key, -_TOLD_EVERY_MS) < _TOLD_EVERY_MS:
                return
            if len(self._told) >= _TOLD:
                self._told.clear()
            self._told[key] = now_ms
            times = self._held_back.pop(key)
        log.warning(Localized("log.responders.refused", responder=responder or "-", why=Localized(f"errors.{why}")))
        facts = {"responder": responder, "why": why, "count": times}
        try:
            with self._store.transaction() as transaction:
                transaction.note(journal.POSITIONS_REFUSED, now_ms, facts)
        except StoreFailing:
            with self._telling:
                self._told.pop(key, None)
                self._held_back[key] += times
            return
        self._notifier.ring()

    def refused_by_name(self, name: str, why: str, count: int = 1) -> None:
        """The same, of somebody who is known by what a stranger may have typed. Never raises if the store fails."""
        try:
            known = self._duty.responder(name) is not None
        except StoreFailing:
            known = False
        self.refused(name if known else None, why, count)

    def _judge(self, reports: Sequence[PositionReport], now_ms: int) -> list[ResponderPosition | Outcome]:
        """Return the position of each that may be kept, or why not. Raises: StoreFailing."""
        assigned = self._store.assigned_responders()
        return [self._judged(each, assigned, now_ms) for each in reports]

    def _judged(self, report: PositionReport, assigned: frozenset[str], now_ms: int) -> ResponderPosition | Outcome:
        key = report.responder
        fix_ms, known = fix_time(report.told_ms, report.made_ms, report.heard_ms, is_ping=report.is_ping)
        if now_ms - fix_ms > OLDEST_MS:
            return Outcome.OLD
        if self._duty.responder(key) is None:
            return Outcome.GONE
        if not self._duty.takes_position(key, fix_ms, now_ms) and (
            key not in assigned or now_ms - fix_ms > _ASSIGNED_MS
        ):
            return Outcome.OFF_DUTY
        if (report.accuracy_m or 0) > COARSE_M:
            return Outcome.COARSE
        return ResponderPosition(
            key, report.latitude, report.longitude, report.accuracy_m, fix_ms, known, report.heard_ms
        )

    def _taken(
        self, transaction: Transaction, new: ResponderPosition, doubted: dict[str, ResponderPosition], now_ms: int
    ) -> Outcome:
        key = new.responder
        before = transaction.position(key)
        if before is not None and before.fix_ms > now_ms:
            before = None  # from before the clock was set back
            transaction.forget_position(key)
        if not is_possible(before, new):
            other = doubted.get(key)
            doubted[key] = new
            # One wild fix is an error; a second one that agrees with it says that the first we kept was.
            if other is None or other.fix_ms >= new.fix_ms or not is_possible(other, new):
                return Outcome.IMPOSSIBLE
        doubted.pop(key, None)
        after = moved_on(before, new)
        if after is None:
            return Outcome.NOTHING_NEW
        transaction.put_position(after)
        return Outcome.TAKEN


def forget_positions(store: Store, clock: Clock, days: int) -> int:
    """Forget where people were of whom nothing was heard for so many days, and what they said that long ago.

    Returns how many positions. Raises: StoreFailing.
    """
    with store.transaction() as transaction:
        gone = transaction.forget_positions(clock.now_ms() - days * DAY_MS)
    if gone:
        log.info(Localized("log.responders.forgotten", count=gone))
        store.scrub()
    return gone
