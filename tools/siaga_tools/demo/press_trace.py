"""One press on its way: when it reached which hop. Pure: times are arguments, Unix milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final


class Hop(StrEnum):
    """The path of a press, in order. Each hop has its texts in the catalogue under `hop.`."""

    PRESSED = "pressed"  # the button recognised the hold
    KEPT = "kept"  # the event is on the button's flash
    SIGNED = "signed"
    PUBLISHED = "published"  # handed to the bearer
    BROKER = "broker"  # the broker's PUBACK has arrived
    GATEWAY = "gateway"  # the gateway has it from the broker, still unverified
    STORED = "stored"  # verified and committed: another process reads event and incident from the store
    WEBHOOK = "webhook"  # the receiver has it, with a valid signature
    CAP = "cap"  # the CAP file is in its folder
    CONSOLE = "console"  # a client of the console's live stream has the event
    ACK = "ack"  # the button has verified the gateway's acknowledgement and shows it


# The hop that each hop waits for. After the commit four things go on independently.
CAUSES: Final = {
    Hop.KEPT: Hop.PRESSED,
    Hop.SIGNED: Hop.KEPT,
    Hop.PUBLISHED: Hop.SIGNED,
    Hop.BROKER: Hop.PUBLISHED,
    Hop.GATEWAY: Hop.PUBLISHED,
    Hop.STORED: Hop.GATEWAY,
    Hop.WEBHOOK: Hop.STORED,
    Hop.CAP: Hop.STORED,
    Hop.CONSOLE: Hop.STORED,
    Hop.ACK: Hop.STORED,
}
# A test press opens no incident, and nobody is notified.
TEST_HOPS: Final = tuple(hop for hop in Hop if hop not in (Hop.WEBHOOK, Hop.CAP))

_AFTER_THE_COMMIT: Final = (Hop.STORED, Hop.WEBHOOK, Hop.CAP, Hop.CONSOLE, Hop.ACK)


@dataclass(slots=True)
class PressTrace:
    """A press by one button.

    button: its number
    counter: the press's
    times: when each hop was first reached
    """

    button: int
    counter: int
    test: bool = False
    times: dict[Hop, int] = field(default_factory=dict)
    journal_id: int | None = None  # row of the gateway's journal for this press

    @property
    def hops(self) -> tuple[Hop, ...]:
        """Return the hops that this press must reach."""
        return TEST_HOPS if self.test else tuple(Hop)

    def reach(self, hop: Hop, at_ms: int) -> None:
        """Note a hop; a repeat (the same frame sent again, a delivery retried) changes nothing.

        STORED is when an observer first saw the row. If a consequence of the commit was noted earlier, the observer was
        late, and that time bounds the commit better.
        """
        self.times.setdefault(hop, at_ms)
        if Hop.STORED in self.times:
            self.times[Hop.STORED] = min(self.times[after] for after in _AFTER_THE_COMMIT if after in self.times)

    def passed(self, hop: Hop) -> bool:
        """Return whether it has reached this hop, or never will."""
        return hop in self.times or hop not in self.hops

    def since_press(self, hop: Hop) -> int | None:
        """Return milliseconds from the recognised press to this hop, or None."""
        if hop not in self.times or Hop.PRESSED not in self.times:
            return None
        return self.times[hop] - self.times[Hop.PRESSED]

    @property
    def complete(self) -> bool:
        return all(hop in self.times for hop in self.hops)

    @property
    def missing(self) -> tuple[Hop, ...]:
        return tuple(hop for hop in self.hops if hop not in self.times)

    def took(self, hop: Hop) -> int | None:
        """Return milliseconds from the hop that it waits for, or None. Not below 0: two processes note the times."""
        cause = CAUSES.get(hop)
        if cause is None or cause not in self.times or hop not in self.times:
            return None
        return max(0, self.times[hop] - self.times[cause])

    def facts(self) -> dict[str, Any]:
        """Return the JSON form: button, counter, test, `hops` in ms since the press, total_ms."""
        hops = {str(hop): self.since_press(hop) for hop in self.hops}
        return {
            "button": self.button,
            "counter": self.counter,
            "test": self.test,
            "hops": hops,
            "total_ms": self.total_ms,
        }

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> PressTrace:
        """Parse what facts() wrote, with the press at time 0."""
        times = {Hop(name): ms for name, ms in facts["hops"].items() if ms is not None}
        return cls(facts["button"], facts["counter"], facts["test"], times)

    @property
    def total_ms(self) -> int | None:
        """Return milliseconds from the recognised press to the acknowledgement shown."""
        return self.since_press(Hop.ACK)
