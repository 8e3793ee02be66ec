"""What one way has sent and answered lately: its budget, whether its quota is used up, whether it works at all.

A circuit breaker that never opens for good: a way that has failed for a minute is tried once a second, so that it is
known when it works again, and another way of the same kind has the messages meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.notification import Outcome
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.pacing import Pacing
from siaga_gateway.service.dispatch.ways import Budget, HandedOver, WatchedWay, Way
from siaga_gateway.service.ports import NotDelivered

_IN_A_ROW: Final = 5
_FOR_MS: Final = 60_000
_PROBE_MS: Final = 1_000
_OLD_MS: Final = 3_600_000  # after an hour without a try nobody knows any more
_SPENT_MS: Final = 3_600_000  # a service that does not say for how long


class FaultKind(StrEnum):
    FAILING = "failing"  # nothing was taken for a minute
    SPENT = "spent"  # the service takes no more from us today


@record
class WayFault:
    kind: FaultKind
    why: str  # in the service's words, as far as it has any


class WayTraffic:
    """Thread-safe. Times are monotonic milliseconds, passed in."""

    def __init__(self, budget: Budget, *, proves: bool = True, stops: Callable[[], bool] = lambda: False) -> None:
        """proves: whether a message that was not taken says something of the way. A call that nobody takes does not.
        stops: whether who looks after the way knows that it takes nothing now; tells of it himself."""
        self._proves = proves
        self._stops = stops
        self._lock = threading.Lock()
        self._pacing = Pacing(budget)
        self._spent_until = 0
        self._failures = 0  # in a row, of whatever address
        self._failing_since = 0
        self._failed_at = 0
        self._probe_at = 0
        self._why = ""

    def wait_ms(self, person: str, now_ms: int, *, first: bool) -> int:
        """Return in how many milliseconds a message may begin; 0: now."""
        with self._lock:
            wait_ms = self._pacing.wait_ms(person, now_ms, first=first)
            return max(wait_ms, self._probe_at - now_ms) if self._is_failing(now_ms) else wait_ms

    def begun(self, person: str, now_ms: int) -> None:
        with self._lock:
            self._pacing.begun(person, now_ms)
            self._probe_at = now_ms + _PROBE_MS

    def ended(self, person: str, now_ms: int, outcome: Outcome) -> None:
        """Record what came of a try. A dead address, or one that has to wait, says nothing of the way."""
        with self._lock:
            if outcome.handed_over:
                self._failures = self._spent_until = 0
            elif outcome.exhausted:
                self._spent_until = now_ms + (outcome.retry_after_ms or _SPENT_MS)
                self._why = outcome.detail
            elif outcome.retry_after_ms is not None:
                self._pacing.hold(person, now_ms, outcome.retry_after_ms)
            elif self._proves and not outcome.dead:
                if not self._failures or now_ms - self._failed_at >= _OLD_MS:
                    self._failures, self._failing_since = 0, now_ms
                self._failures += 1
                self._failed_at, self._why = now_ms, outcome.detail

    def is_spent(self, now_ms: int) -> bool:
        """Whether the service takes nothing more for now, from nobody of us."""
        with self._lock:
            return now_ms < self._spent_until

    def is_sound(self, now_ms: int) -> bool:
        """Whether it may be chosen while there is another."""
        return self.fault(now_ms) is None and not self._stops()

    def takes(self, now_ms: int) -> bool:
        """Whether it may take something now, as far as anybody knows: what can wait for that should."""
        return not self.is_spent(now_ms) and not self._stops()

    def fault(self, now_ms: int) -> WayFault | None:
        """Return what somebody has to see to; None: nothing."""
        with self._lock:
            if now_ms < self._spent_until:
                return WayFault(FaultKind.SPENT, self._why)
            return WayFault(FaultKind.FAILING, self._why) if self._is_failing(now_ms) else None

    def _is_failing(self, now_ms: int) -> bool:
        lasting = self._failures >= _IN_A_ROW and self._failed_at - self._failing_since >= _FOR_MS
        return lasting and now_ms - self._failed_at < _OLD_MS


def traffic_of(way: Way, stops: Callable[[], bool] = lambda: False) -> WayTraffic:
    """Return it for a way; one that looks after itself tells of its own faults. stops: see WayTraffic."""
    return WayTraffic(way.budget, proves=not isinstance(way, WatchedWay), stops=stops)


def by_turn(ways: Sequence[Way], traffic: Mapping[str, WayTraffic], turn: int, now_ms: int) -> list[Way]:
    """Return which of these ways of one kind to choose from, the one whose turn it is first: those that work; where
    there are none, those whose service takes more from us today."""
    first = turn % len(ways)
    able = [way for way in (*ways[first:], *ways[:first]) if not traffic[way.name].is_spent(now_ms)]
    return [way for way in able if traffic[way.name].is_sound(now_ms)] or able


def outcome_of(result: HandedOver | NotDelivered) -> Outcome:
    """Return what a way said of a message."""
    if isinstance(result, HandedOver):
        return Outcome(True, result.detail, result.reference)
    return Outcome(
        False,
        result.detail,
        dead=result.permanent,
        retry_after_ms=None if result.retry_after_s is None else round(result.retry_after_s * 1000),
        exhausted=result.exhausted,
    )
