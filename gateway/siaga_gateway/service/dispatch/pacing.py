"""When a message may go: within its way's budget, first notices before repeats. Pure.

Times are monotonic milliseconds, passed in. A message has a rank: a first notice (`first`) tells a person of an
incident for the first time. Half of a burst is left for these: repeats of one incident never use up what the first
notice of the next one needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from siaga_gateway.service.dispatch.ways import Budget

_REMEMBERED: Final = 1_000  # people, before those whose time is over are forgotten


class Waiting(Protocol):
    """A message that waits for its turn."""

    @property
    def person(self) -> str:
        """Who gets it: his key or his address, always the same for one person."""
        ...

    @property
    def first(self) -> bool: ...

    @property
    def since_ms(self) -> int:
        """Since when it waits, on any one clock."""
        ...


W = TypeVar("W", bound=Waiting)


class Pacing:
    """What a way has sent lately, and so what may go now. For one thread at a time.

    It starts with a whole burst, also after a restart: a service that has had one lately answers 429, and is heeded.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._spent_until = 0  # when the whole burst will be there again
        self._held_until = 0  # the service wants nothing before
        self._people: dict[str, int] = {}  # when each may be sent the next one
        self._held: dict[str, int] = {}  # until when messages to each are held because the service asked for it

    def wait_ms(self, person: str, now_ms: int, *, first: bool) -> int:
        """Return in how many milliseconds a message may begin; 0: now."""
        budget = self._budget
        room = budget.burst if first else budget.burst - budget.burst // 2
        at_ms = max(
            self._spent_until - (room - 1) * budget.interval_ms,
            self._people.get(person, 0),
            self._held.get(person, 0),
            self._held_until,
        )
        return max(0, at_ms - now_ms)

    def begun(self, person: str, now_ms: int) -> None:
        """Record that a message has begun, delivered or not: the service counts both."""
        self._spent_until = max(self._spent_until, now_ms) + self._budget.interval_ms
        if self._budget.person_ms:
            self._people[person] = now_ms + self._budget.person_ms
            if len(self._people) > _REMEMBERED:
                self._people = _still(self._people, now_ms)

    def hold(self, person: str, now_ms: int, asked_ms: int) -> None:
        """Record that the service asked to wait (429, 503), as its answer to a message to this person.

        Some mean the one chat, some everybody, and most do not say which. So it holds for the person, and for
        everybody once a second person's message is answered in the same way meanwhile. Afterwards one message goes at
        a time until the burst has grown again.
        """
        self._held = _still(self._held, now_ms)
        self._held[person] = max(self._held.get(person, 0), now_ms + asked_ms)
        if len(self._held) > 1:
            self._held_until = max(self._held_until, min(self._held.values()))
            whole = (self._budget.burst - 1) * self._budget.interval_ms
            self._spent_until = max(self._spent_until, self._held_until + whole)

    def choose(self, waiting: Iterable[W], now_ms: int) -> W | int | None:
        """Return which message goes now: of those that may, a first notice, then the one that has waited longest; or in
        how many milliseconds one of them may; None: there are none."""
        best: W | None = None
        soonest: int | None = None
        for each in waiting:
            wait_ms = self.wait_ms(each.person, now_ms, first=each.first)
            if wait_ms:
                soonest = wait_ms if soonest is None else min(soonest, wait_ms)
            elif best is None or (not each.first, each.since_ms) < (not best.first, best.since_ms):
                best = each
        return soonest if best is None else best


def _still(until: dict[str, int], now_ms: int) -> dict[str, int]:
    return {person: at_ms for person, at_ms in until.items() if at_ms > now_ms}
