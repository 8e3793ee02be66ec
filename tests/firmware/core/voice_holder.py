"""A holder whose button calls: the real life of a press, and the policy of its calls beside it."""

from __future__ import annotations

from typing import Any

from siaga.core import alarm, frame
from siaga.core.voice_calls import DIAL, NOTHING, UP, Calls

CENTRE, STRANGER = "+6281200000110", "+6281200000111"


class Holder:
    """The real life of a press, the policy beside it, and a clock; what it wants done is in `wanted`."""

    def __init__(self, calls: Calls, state: alarm.State | None = None) -> None:
        self.calls = calls
        self.now = 1000
        self.counter = 0 if state is None else state.opening
        self.state = state or alarm.State()
        self.wanted: list[int] = []
        self.wants(self.calls.alarm(self.state, self.now))

    def wants(self, action: int) -> int:
        if action:
            self.wanted.append(action)
        return action

    def rings(self) -> None:
        self.calls.rings(self.now)

    def caller(self, number: str) -> int:
        return self.wants(self.calls.caller(number, self.now))

    def began(self) -> int:
        return self.wants(self.calls.began(self.now))

    def failed(self) -> int:
        return self.wants(self.calls.failed(self.now))

    def over(self, lost: bool = False) -> None:
        self.calls.over(lost, self.now)

    def step(self, *event: Any) -> int:
        self.state, _ = alarm.next_state(self.state, event, self.now)
        return self.wants(self.calls.alarm(self.state, self.now))

    def press(self, test: bool = False) -> int:
        self.counter += 1
        return self.step(alarm.STORED, frame.PRESS, self.counter, test)

    def cancel(self, forced: bool = False) -> int:
        if not alarm.is_open(self.state):
            return NOTHING
        self.counter += 1
        return self.step(alarm.STORED, frame.CANCEL, self.counter, forced)

    def acknowledge(self, stage: int = frame.STAGE_RECEIVED) -> int:
        return self.step(alarm.ACKED, frame.PRESS, self.counter, stage, None, self.now // 1000)

    def wait(self, ms: int, ready: bool = True) -> int:
        """The first thing that is wanted within so long."""
        until = self.now + ms
        while self.now < until:
            self.now = min(self.now + 250, until)
            action = self.step(alarm.TICK, alarm.NO_FIX, False) or self.wants(self.calls.tick(ready, self.now))
            if action:
                return action
        return NOTHING


def holder(dials: bool = True, allowed: bool = True) -> Holder:
    return Holder(Calls(dials, [CENTRE], allowed))


def talking() -> Holder:
    it = holder()
    it.press()
    it.acknowledge()
    assert it.wait(500) == DIAL
    it.began()
    assert it.calls.phase == UP
    return it
