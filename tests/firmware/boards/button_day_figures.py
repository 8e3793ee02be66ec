"""What a day of a button is judged by: what it told, its heap each minute, what the gateway got."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from siaga_gateway.domain.frame import Kind
from siaga_tools.simulate.button import ButtonListener
from siaga_tools.virtual_button import ButtonEvent


class Ear(ButtonListener):
    """What of its events the day is judged by; the button itself forgets."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.pressed: list[int] = []
        self.acknowledged: list[int] = []
        self.starts = 0
        self.downs: dict[str, int] = {}

    def on_event(self, event: ButtonEvent) -> None:
        facts = event.facts
        if event.kind == "error":
            self.errors.append(str(facts["what"]))
        elif event.kind == "start":
            self.starts += 1
        elif event.kind == "bearer" and not facts["up"]:
            name = str(facts["bearer"])
            self.downs[name] = self.downs.get(name, 0) + 1
        elif event.kind == "frame" and facts["kind"] == Kind.PRESS:
            if facts["step"] == "stored":
                self.pressed.append(int(facts["counter"]))
            elif facts["step"] == "acknowledged":
                self.acknowledged.append(int(facts["counter"]))


@dataclass(frozen=True)
class Sample:
    """minute: of the day. used, free, largest: bytes after a collection. calm: armed, with nothing else going on."""

    minute: int
    used: int
    free: int
    largest: int
    calm: bool


@dataclass
class Figures:
    """What a day came to."""

    board: str
    heap: str
    samples: list[Sample] = field(default_factory=list)
    simulated_s: float = 0.0
    real_s: float = 0.0
    skipped_s: float = 0.0
    pressed: list[int] = field(default_factory=list)
    half_seen: int = 0  # presses that were meant to take one back
    acknowledged: list[int] = field(default_factory=list)
    received: set[int] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    downs: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    waiting: int = -1  # frames in its outbox, as its last check-in told
    restarts: int = 0
    frames: int = 0
    unseen: list[str] = field(default_factory=list)  # what an operator did and the button never showed

    def low_water(self, part: int, of: int) -> int:
        """The least free heap in one of so many parts of the day, all alike; the first minutes are warm-up."""
        return min(sample.free for sample in self._part(part, of))

    def calm_water(self, part: int, of: int) -> int:
        """The same while nothing was going on."""
        return min(sample.free for sample in self._part(part, of) if sample.calm)

    def calm_usual(self, part: int, of: int) -> float:
        """The median while nothing was going on: one look may catch what is under way, half of them do not."""
        return statistics.median(sample.free for sample in self._part(part, of) if sample.calm)

    def _part(self, part: int, of: int) -> list[Sample]:
        warm = self.samples[2:]
        return warm[len(warm) * part // of : len(warm) * (part + 1) // of]

    @property
    def memory_errors(self) -> list[str]:
        return [error for error in self.errors if "MemoryError" in error or "memory allocation" in error]

    @property
    def deaths(self) -> list[str]:
        return [error for error in self.errors if error.startswith("task ")]
