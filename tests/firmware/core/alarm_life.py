"""The life of a press by hand, for its tests."""

from __future__ import annotations

import struct

from siaga.app.restore import restore
from siaga.core import frame
from siaga.core.alarm import (
    ACKED,
    NO_FIX,
    PRESSED,
    SAVE,
    SEND,
    STORED,
    TICK,
    State,
    next_state,
    signal,
    state_name,
)

NO_ACK_MS = 20000


class Life:
    """Does what device.py does with the actions, with a flash that is a dictionary."""

    def __init__(self) -> None:
        self.state = State()
        self.now = 1000
        self.counter = 1
        self.sent: list[tuple[int, int, int, int]] = []  # kind, counter, flags, opening counter
        self.outbox: dict[int, tuple[int, bytes]] = {}
        self.saved: bytes | None = None
        self.told_s = 0

    def step(self, *event: object) -> Life:
        self.state, actions = next_state(self.state, event, self.now)
        for action in actions:
            if action[0] == SAVE:
                self.saved = self.state.saved()
            else:
                assert action[0] == SEND
                self.keep(*action[1:])
        return self

    def keep(self, kind: int, flags: int, opening: int) -> None:
        self.counter += 1
        body = bytes(17) + struct.pack(">HH", flags, self.counter - opening if opening else 0)
        self.outbox[self.counter] = kind, body
        self.sent.append((kind, self.counter, flags, opening))
        marked = bool(flags & (frame.FLAG_TEST if kind == frame.PRESS else frame.FLAG_DURESS))
        self.step(STORED, kind, self.counter, marked)

    def press(self) -> int:
        self.step(PRESSED, frame.TRIGGER_HOLD)
        return self.counter

    def ack(self, counter: int, stage: int, eta: int | None = None, told_s: int | None = None) -> Life:
        """The gateway's word about something that was sent, whether it still waits or not; as a rule a newer one."""
        self.told_s += 1
        ((kind, flags),) = [(kind, flags) for kind, sent, flags, _ in self.sent if sent == counter]
        is_test = kind == frame.PRESS and flags & frame.FLAG_TEST
        self.step(ACKED, 0 if is_test else kind, counter, stage, eta, self.told_s if told_s is None else told_s)
        self.outbox.pop(counter, None)
        return self

    def wait(self, ms: int, news: int = NO_FIX, floor: bool = False) -> Life:
        for _ in range(0, ms, 250):
            self.now += 250
            self.step(TICK, news, floor)
        return self

    def restart(self) -> Life:
        entries = [(kind, counter, body) for counter, (kind, body) in self.outbox.items()]
        self.state = restore(self.saved, entries, self.now)
        return self

    @property
    def name(self) -> str:
        return state_name(self.state)

    @property
    def signal(self) -> str:
        return signal(self.state, self.now, NO_ACK_MS)
