"""Which call is open at which console, so that two operators see who is at what.

A page says what it shows, when that changes and every few seconds: a console that dies falls silent. It is kept in
memory, and told to the consoles of other machines by whatever is passed in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from typing import Final, Protocol

HEARD_S: Final = 20.0  # a page says it twice as often: one that missed a turn is still there
_LOOK_S: Final = 0.5  # at most so often
_MOST: Final = 400  # consoles of one machine

Looks = Mapping[int, tuple[str, ...]]  # names of operators, by incident


class OtherConsoles(Protocol):
    def exchange(self, own: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
        """See service.incidents.console_presence."""
        ...


class Presence:
    """Thread-safe."""

    def __init__(self, others: OtherConsoles | None = None) -> None:
        """others: of other machines; None: there are none."""
        self._others = others
        self._lock = threading.Lock()
        self._consoles: dict[str, tuple[str, int, float]] = {}  # operator, incident, when it was heard (monotonic)
        self._looks: Looks = {}
        self._number = 0  # of the last change
        self._looked: float | None = None  # monotonic
        self._looking = False

    def shows(self, console: str, operator: str, incident: int | None) -> None:
        """Note what a page shows. console: drawn by the page. incident: None: none, or it is in the background."""
        with self._lock:
            self._consoles.pop(console, None)
            if incident is not None:
                while len(self._consoles) >= _MOST:
                    del self._consoles[next(iter(self._consoles))]  # the one that was heard first
                self._consoles[console] = (operator, incident, time.monotonic())
            self._looked = None

    def since(self, number: int | None) -> tuple[int, Looks | None]:
        """Return the number of the last change, and who is where; None: nothing has changed since that number.

        Blocking; all streams of this process share one look. While it hangs the others get what is known.
        """
        with self._lock:
            now = time.monotonic()
            due = not self._looking and (self._looked is None or now - self._looked >= _LOOK_S)
            if due:
                self._looked, self._looking = now, True
                self._consoles = {key: each for key, each in self._consoles.items() if now - each[2] < HEARD_S}
            own = {(incident, operator) for operator, incident, _ in self._consoles.values()}
        if due:
            self._look(own)
        with self._lock:
            return self._number, None if number == self._number else self._looks

    def _look(self, own: Collection[tuple[int, str]]) -> None:
        """Ask the others without the lock: a store may hang."""
        everywhere = set(own)
        try:
            if self._others is not None:
                everywhere |= self._others.exchange(own)
        except BaseException:
            with self._lock:
                self._looking = False
            raise
        looks: dict[int, tuple[str, ...]] = {}
        for incident, operator in sorted(everywhere):
            looks[incident] = (*looks.get(incident, ()), operator)
        with self._lock:
            self._looking = False
            if looks != self._looks:
                self._looks = looks
                self._number += 1
