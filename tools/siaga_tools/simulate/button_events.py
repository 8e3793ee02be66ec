"""A simulated button's events, in order, and waits for them. Deadlines are in real seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from siaga_tools.messages import Trouble
from siaga_tools.simulate.chip import ChipState
from siaga_tools.virtual_button import ButtonEvent

DEADLINE_S: Final = 300.0
_KEPT: Final = 20_000


class ButtonEvents:
    """The events. Thread-safe.

    name: of the button, in error messages
    life(): of its chip
    """

    def __init__(self, name: str, life: Callable[[], ChipState]) -> None:
        self._name = name
        self._life = life
        self._events: list[ButtonEvent] = []
        self._forgotten = 0
        self._news = threading.Condition()
        self._why = ""  # of its last change of life
        self._closed = False

    def all(self) -> list[ButtonEvent]:
        """Return the events so far; at least the last 20,000."""
        with self._news:
            return list(self._events)

    def add(self, event: ButtonEvent) -> None:
        with self._news:
            self._events.append(event)
            if len(self._events) > 2 * _KEPT:
                self._forgotten += _KEPT
                del self._events[:_KEPT]
            self._news.notify_all()

    def on_life(self, why: str) -> None:
        """Note that its chip's life has changed."""
        with self._news:
            self._why = why
            self._news.notify_all()

    def close(self) -> None:
        """End all waits."""
        with self._news:
            self._closed = True
            self._news.notify_all()

    def mark(self) -> int:
        """Return a position in the stream of events: wait_for(after=mark) sees only later ones."""
        with self._news:
            return self._forgotten + len(self._events)

    def wait_for(
        self,
        wanted: Callable[[ButtonEvent], bool],
        *,
        after: int = 0,
        deadline_s: float = DEADLINE_S,
        what: str = "event",
    ) -> ButtonEvent:
        """Return the first matching event from `after` on. Raises Trouble: `button_silent` at the deadline,
        `button_ended` if its program ended."""
        until = time.monotonic() + deadline_s
        at = after
        with self._news:
            while True:
                for event in self._events[max(0, at - self._forgotten) :]:
                    if wanted(event):
                        return event
                at = self._forgotten + len(self._events)
                if self._closed or self._life() is ChipState.STOPPED:
                    raise Trouble("button_ended", name=self._name, code=self._why, why=self.last_error())
                self._wait(until, deadline_s, what)

    def wait_state(self, state: str, *, after: int = 0, deadline_s: float = DEADLINE_S) -> ButtonEvent:
        """Wait until it reports this state: armed, sending, received, ..."""
        return self.wait_for(
            lambda event: event.kind == "state" and event.facts["state"] == state,
            after=after,
            deadline_s=deadline_s,
            what=state,
        )

    def wait_signal(self, signal: str, *, after: int = 0, deadline_s: float = DEADLINE_S) -> ButtonEvent:
        """Wait until it shows this signal."""
        return self.wait_for(
            lambda event: event.kind == "indicator" and event.facts["signal"] == signal,
            after=after,
            deadline_s=deadline_s,
            what=signal,
        )

    def wait_bearer(
        self, bearer: str, up: bool = True, *, after: int = 0, deadline_s: float = DEADLINE_S
    ) -> ButtonEvent:
        """Wait until this bearer is up, or down."""
        return self.wait_for(
            lambda event: event.kind == "bearer" and event.facts["bearer"] == bearer and event.facts["up"] is up,
            after=after,
            deadline_s=deadline_s,
            what=f"bearer {bearer}",
        )

    def wait_down(self, *, after: int = 0) -> ButtonEvent:
        """Wait until it has noticed the finger."""
        return self.wait_for(lambda event: event.kind == "button" and event.facts["down"] is True, after=after)

    def wait_life(self, life: ChipState, *, deadline_s: float = DEADLINE_S) -> None:
        """Wait until its chip is in this state."""
        until = time.monotonic() + deadline_s
        with self._news:
            while self._life() is not life:
                if self._closed:
                    raise self._silent(life, deadline_s)
                self._wait(until, deadline_s, life)

    def _wait(self, until: float, deadline_s: float, what: str) -> None:
        """Wait for news, a second at most. Raises Trouble at the deadline."""
        left_s = until - time.monotonic()
        if left_s <= 0:
            raise self._silent(what, deadline_s)
        self._news.wait(min(left_s, 1.0))

    def _silent(self, what: str, deadline_s: float) -> Trouble:
        return Trouble("button_silent", name=self._name, what=what, seconds=f"{deadline_s:g}")

    def last_error(self) -> str:
        """Return the last error that it reported."""
        for event in reversed(self._events):
            if event.kind == "error":
                return str(event.facts.get("what", ""))
        return "-"
