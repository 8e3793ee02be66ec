"""Limits attempts. An attempt counts before it is checked, so that concurrent ones cannot exceed the limit; a
successful one is given back."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

_KEPT: Final = 10_000  # keys of one limit; those unheard the longest are dropped


@dataclass(frozen=True, slots=True)
class Limit:
    """The number of attempts in a sliding window, ms."""

    name: str
    allowed: int
    window_ms: int


class Attempts:
    """In memory: a restart resets it. Thread-safe."""

    def __init__(self, never_forgotten: Callable[[Hashable], bool] = lambda key: False) -> None:
        """never_forgotten: whether a flood of others cannot displace this key. Never blocks."""
        self._fixed = never_forgotten
        self._lock = threading.Lock()
        self._made: dict[str, OrderedDict[Hashable, deque[int]]] = {}

    def take(self, wanted: Sequence[tuple[Limit, Hashable]], now_ms: int) -> int:
        """Count an attempt under all of these limits and return 0; or count none, and return the milliseconds until one
        is possible."""
        with self._lock:
            wait_ms = max(self._wait_ms(limit, key, now_ms) for limit, key in wanted)
            if wait_ms == 0:
                for limit, key in wanted:
                    self._of(limit, key).append(now_ms)
            return wait_ms

    def give_back(self, taken: Sequence[tuple[Limit, Hashable]], at_ms: int) -> None:
        """Uncount an attempt made at `at_ms`: it was no failure."""
        with self._lock:
            for limit, key in taken:
                made = self._of(limit, key)
                if at_ms in made:
                    made.remove(at_ms)

    def _wait_ms(self, limit: Limit, key: Hashable, now_ms: int) -> int:
        made = self._of(limit, key)
        # A clock that was set back makes nobody wait longer than the window.
        while made and not 0 <= now_ms - made[0] < limit.window_ms:
            made.popleft()
        return made[0] + limit.window_ms - now_ms if len(made) >= limit.allowed else 0

    def _of(self, limit: Limit, key: Hashable) -> deque[int]:
        keys = self._made.setdefault(limit.name, OrderedDict())
        made = keys.setdefault(key, deque())
        keys.move_to_end(key)
        if len(keys) > _KEPT:
            for old in keys:
                if not self._fixed(old):
                    del keys[old]
                    break
        return made
