"""How much a stranger, and the holder of a link, may ask of the responders' page. For one event loop."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

_KEPT: Final = 10_000  # keys; those unheard the longest are dropped
GUESSES: Final = 20  # links that lead nowhere, of one address in a window
GUESS_WINDOW_S: Final = 600.0
ASKS: Final = 5  # for links to own pages, of one address
ASK_WINDOW_S: Final = 600.0
STEPS: Final = 20  # of one link in a window
STEP_WINDOW_S: Final = 60.0


class SlidingWindow:
    """Counts what happened under each key."""

    def __init__(self, allowed: int, window_s: float) -> None:
        self._allowed = allowed
        self._window_s = window_s
        self._made: OrderedDict[str, deque[float]] = OrderedDict()

    def is_full(self, key: str, now_s: float) -> bool:
        made = self._made.get(key)
        while made and now_s - made[0] >= self._window_s:
            made.popleft()
        return made is not None and len(made) >= self._allowed

    def add(self, key: str, now_s: float) -> None:
        made = self._made.setdefault(key, deque(maxlen=self._allowed))
        made.append(now_s)
        self._made.move_to_end(key)
        while len(self._made) > _KEPT:
            self._made.popitem(last=False)
