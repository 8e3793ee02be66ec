"""Drops and reports what a sender brings beyond anything a button can send, before it is parsed.

Behind this, ingest is fair by its lanes (lanes.py). In front of it is the broker's single queue for the gateway, which
is not: whatever is read more slowly than it arrives delays all others. So frames above a sender's limit cost one look
at their topic, and a persistent sender is reported, to be shut out at the broker (service/fleet/login_suspension.py).

With the login for new buttons somebody can send under any name. So all names that are not our buttons' share one limit;
and an excess that is no single sender's flood, but more than buttons send, is reported as a crowd, for which that login
is closed.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Final

# Ten times what the lanes normally accept from a sender: nothing beyond it is read.
BURST: Final = 1_000
PER_S: Final = 50.0
# A flood: this many above the limit within the window. What a broker queued for us arrives at once too: a button left
# without an answer for a day has queued thousands of repetitions.
FLOOD: Final = 5_000
WITHIN_S: Final = 10.0
BACKLOG_S: Final = 5.0  # for so long after a new connection nothing is called a flood
# For all unknown names together: new buttons presenting their keys.
STRANGERS_BURST: Final = 5_000
STRANGERS_PER_S: Final = 1_000.0
# A crowd: this many frames in all within WITHIN_S; or above a limit for so long, with pauses of at most that.
CROWD: Final = 30_000
LASTING_S: Final = 10.0
_PAUSE_S: Final = 5.0
_AGAIN_S: Final = 2.0  # how often a continuing flood is reported
_SENDERS: Final = 50_000  # remembered; those unheard the longest are dropped first


class _Sender:
    __slots__ = ("above", "at", "burst", "last", "lasts_since", "per_s", "since", "tokens", "told_at")

    def __init__(self, now: float, burst: int = BURST, per_s: float = PER_S) -> None:
        self.burst, self.per_s = float(burst), per_s
        self.tokens = self.burst
        self.at = now
        self.above = 0  # frames above the limit, since
        self.since = now
        self.lasts_since = self.last = float("-inf")  # of being above it
        self.told_at = float("-inf")

    def take(self, count: int, now: float) -> int:
        """Return how many of so many frames are within the limit."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.per_s)
        self.at = now
        taken = min(count, int(self.tokens))
        self.tokens -= taken
        return taken


class FloodProtection:
    """For the reading thread; any thread may read the counts. Times are monotonic seconds."""

    def __init__(
        self,
        told: Callable[[Hashable, int], None] = lambda sender, frames: None,
        crowd: Callable[[int], None] = lambda frames: None,
        ours: Callable[[Hashable], bool] = lambda sender: True,
    ) -> None:
        """told: called for a flood, with its sender and how many of its frames were dropped lately. crowd: called
        for a crowd, with the number of frames. ours: whether a sender is an enrolled button. None of them raises or
        blocks."""
        self._told = told
        self._crowd = crowd
        self._ours = ours
        self._strangers = _Sender(float("-inf"), STRANGERS_BURST, STRANGERS_PER_S)
        self._all = self._all_since = 0.0
        self._crowd_at = float("-inf")
        self._senders: OrderedDict[Hashable, _Sender] = OrderedDict()
        self._quiet_until = float("-inf")
        self.let_go = 0  # frames, since the start

    def connected(self, now: float) -> None:
        """Expect what the broker queued for us."""
        self._quiet_until = now + BACKLOG_S

    def above(self, senders: Iterable[Hashable], now: float) -> dict[Hashable, int]:
        """Return, of the senders of frames received together, those above their limit: how many frames of each to
        take."""
        found: dict[Hashable, int] = {}
        for sender, count in Counter(senders).items():
            self._all += count
            known = self._of(sender, now)
            taken = known.take(count, now)
            if taken < count:
                found[sender] = taken
                self._count(sender, known, count - taken, now)
        if now - self._all_since > WITHIN_S:
            self._all_since, self._all = now, 0
        if self._all > CROWD:
            self._tell_crowd(int(self._all), now)
        return found

    def _of(self, sender: Hashable, now: float) -> _Sender:
        if not self._ours(sender):
            return self._strangers
        known = self._senders.get(sender)
        if known is None:
            known = self._senders[sender] = _Sender(now)
            if len(self._senders) > _SENDERS:
                self._senders.popitem(last=False)
        else:
            self._senders.move_to_end(sender)
        return known

    def _tell_crowd(self, frames: int, now: float) -> None:
        if now >= self._quiet_until and now - self._crowd_at >= _AGAIN_S:
            self._crowd_at = now
            self._crowd(frames)

    def _count(self, sender: Hashable, known: _Sender, count: int, now: float) -> None:
        self.let_go += count
        if now - known.since > WITHIN_S:
            known.since, known.above = now, 0
        known.above += count
        if now - known.last > _PAUSE_S:
            known.lasts_since = now
        known.last = now
        if now - known.lasts_since >= LASTING_S:
            self._tell_crowd(known.above, now)
        if known.above > FLOOD and now >= self._quiet_until and now - known.told_at >= _AGAIN_S:
            known.told_at = now
            self._told(sender, known.above)
