"""Limits how many answers a bearer that costs money sends to one receiver."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Final

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_REMEMBERED: Final = 20_000


class ReplyBudget:
    """Counts answers for each receiver, over the last minute and the last hour. Thread-safe."""

    def __init__(self, per_minute: int, per_hour: int, remembered: int = _REMEMBERED) -> None:
        """remembered: limit of receivers; those longest without an answer are forgotten."""
        self._per_minute = per_minute
        self._per_hour = per_hour
        self._remembered = remembered
        self._sent: OrderedDict[Hashable, deque[int]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, receivers: tuple[Hashable, ...], now_ms: int) -> bool:
        """Whether one more answer may go; it then counts for each of these receivers (a number, a device)."""
        with self._lock:
            moments = [self._recent(receiver, now_ms) for receiver in receivers]
            if any(self._used_up(sent, now_ms) for sent in moments):
                return False
            for receiver, sent in zip(receivers, moments, strict=True):
                sent.append(now_ms)
                self._sent[receiver] = sent
                self._sent.move_to_end(receiver)
            while len(self._sent) > self._remembered:
                self._sent.popitem(last=False)
            return True

    def _recent(self, receiver: Hashable, now_ms: int) -> deque[int]:
        sent = self._sent.get(receiver)
        if sent is None:
            return deque()
        # A clock that was set back must not block anybody.
        while sent and not 0 <= now_ms - sent[0] < _HOUR_MS:
            sent.popleft()
        return sent

    def _used_up(self, sent: deque[int], now_ms: int) -> bool:
        lately = sum(1 for moment in sent if 0 <= now_ms - moment < _MINUTE_MS)
        return len(sent) >= self._per_hour or lately >= self._per_minute
