"""A chip with a board's contacts and nothing else: what its program says, and what its pins do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

from micropython import micropython
from siaga_tools.board_wiring import Wiring
from siaga_tools.silicon.pty_line import PtyLine
from siaga_tools.simulate.chip import Chip, ChipListener, ChipParts, ChipState
from siaga_tools.simulate.clock import SimClock
from siaga_tools.simulate.flash_image import BLOCKS
from siaga_tools.simulate.sampled_time import SampledTime
from waiting import ENDS_S

DEADLINE_S = ENDS_S


class BareChip(ChipListener):
    """said: lines. moves: (pin, level) in their order."""

    def __init__(
        self,
        image: Path,
        wiring: Wiring,
        *,
        speed: float = 1.0,
        heap: str = "512k",
        psram: bool = True,
        dark_ms: int = 0,
        load_ms: int = 0,
        sleep_ppm: int = 0,
    ) -> None:
        self.wiring = wiring
        self.said: list[str] = []
        self.moves: list[tuple[int, int | None]] = []
        self.lives: list[tuple[ChipState, str]] = []
        self.clock = SimClock(speed)
        self._news = threading.Condition()
        self._stack = ExitStack()
        pairs = [wiring.lorawan, wiring.gnss, wiring.modem and (wiring.modem.tx, wiring.modem.rx)]
        self.lines = {pins: self._stack.enter_context(PtyLine()) for pins in pairs if pins is not None}
        wires = {pins: line.path for pins, line in self.lines.items()}
        parts = ChipParts(
            micropython(),
            image,
            BLOCKS,
            heap,
            psram=psram,
            wires=wires,
            sleep_ppm=sleep_ppm,
            dark_ms=dark_ms,
            load_ms=load_ms,
        )
        self.chip = Chip(parts, self.clock, self)

    def __enter__(self) -> Self:
        self._stack.enter_context(self.chip)
        for switch in (self.wiring.button, self.wiring.foot_switch, self.wiring.case, self.wiring.mains):
            self.chip.drive(switch.pin, switch.level(False))
        if self.wiring.modem is not None:
            self.chip.drive(self.wiring.modem.ring, 1)
        self.chip.power_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def on_console(self, line: str) -> None:
        with self._news:
            self.said.append(line)
            self._news.notify_all()

    def on_pin(self, number: int, level: int | None) -> None:
        self.moves.append((number, level))

    def on_life(self, life: ChipState, why: str) -> None:
        with self._news:
            self.lives.append((life, why))
            self._news.notify_all()

    def level(self, pin: int) -> int | None:
        """What the chip last drove on a pin."""
        return next((level for number, level in reversed(self.moves) if number == pin), None)

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        until = time.monotonic() + DEADLINE_S
        with self._news:
            while not (found := holds()):
                left_s = until - time.monotonic()
                assert left_s > 0, f"no {what} within {DEADLINE_S} s; it said {self.said[-20:]}"
                self._news.wait(min(left_s, 0.5))
        return found

    def line(self, beginning: str, number: int = 1) -> str:
        """The rest of the nth line that begins so."""

        def found() -> list[str]:
            lines = [line.removeprefix(beginning).strip() for line in self.said if line.startswith(beginning)]
            return lines[number - 1 :]

        return str(self.until(found, beginning)[0])

    @contextmanager
    def seen_until(self, sim_us: int) -> Iterator[None]:
        """From then on, as the chip has lived it, and with time standing still."""
        time_seen = SampledTime(self.chip, self.clock)
        time_seen.until(sim_us)
        try:
            yield
        finally:
            time_seen.free()

    def samples(self, pin: int) -> None:
        """Once its program has read this pin in a round that it began from now on, and what it said before is here."""
        assert self.chip.ask_sample(pin).wait(DEADLINE_S), f"pin {pin} was not read within {DEADLINE_S} s"
        for _ in range(2):  # the console is read in the round of the chip's loop after the one that told of the sample
            self.chip.do(lambda: None)

    def asleep(self) -> None:
        self.until(lambda: self.chip.life is ChipState.ASLEEP, "sleep")

    def goes_to_sleep(self) -> None:
        """Where its program waits for mains before it sleeps: switch that on, and off once it does."""
        mains = self.wiring.mains
        self.chip.drive(mains.pin, mains.level(True))
        self.asleep()
        self.chip.drive(mains.pin, mains.level(False))
