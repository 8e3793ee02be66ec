"""The pads of a simulated ESP32: as driven by the world, by its program, and by themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

# Pads' own pulls while the chip starts or sleeps (ESP32 data sheet, strapping pins); others float.
_PULLED_UP: Final = frozenset({0, 5, 15})
# RTC pads, held individually; the others are held in sleep only if the firmware enables that.
_CLOCK_PADS: Final = frozenset({0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, *range(34, 40)})


@dataclass
class Pad:
    """One pin as set by the program."""

    is_output: bool = False
    level: int = 0
    is_held: bool = False


class ChipPads:
    """All the pads.

    levels: what the world drives; a missing pin is not driven
    holds_all: the firmware has all pads held in sleep
    listened_to: whose interrupts the program has enabled since it started
    on_pin(number, level): called with what the chip drives from now on, None = nothing
    """

    def __init__(self, on_pin: Callable[[int, int | None], None]) -> None:
        self.levels: dict[int, int] = {}
        self.holds_all = False
        self.listened_to: set[int] = set()
        self._asked: dict[int, threading.Event] = {}
        self._on_pin = on_pin
        self._pads: dict[int, Pad] = {}
        self._driven: dict[int, int | None] = {}  # as last reported

    @property
    def held(self) -> list[int]:
        """Return the pads that are held."""
        return [number for number, pad in self._pads.items() if pad.is_held]

    def ask(self, number: int, sampled: threading.Event, send: Callable[[str], None]) -> None:
        """Have `sampled` set at the program's next sample of a pin. send(line): to its process."""
        self._asked[number] = sampled
        send(f"ask {number}")

    def on_sampled(self, number: int) -> None:
        """Note that the program has sampled a pin."""
        sampled = self._asked.pop(number, None)
        if sampled is not None:
            sampled.set()

    def put(self, number: int, pad: Pad) -> None:
        """Set a pin as the program does."""
        self._pads[number] = pad
        self._tell(True)

    def let_go(self, has_power: bool = True) -> None:
        """Release every pad that is not held, as the program is gone: it follows its own pull."""
        self._pads = {number: pad for number, pad in self._pads.items() if pad.is_held}
        self._tell(has_power)

    def sleep(self) -> None:
        """As let_go(), and drop holds that deep sleep does not keep."""
        for number, pad in self._pads.items():
            if pad.is_held and number not in _CLOCK_PADS and not self.holds_all:
                pad.is_held = False
        self.let_go()

    def power_off(self, was_on: bool) -> None:
        """Cut the power. was_on: it was on until now, so that pulled-up pads still read high."""
        self._pads.clear()
        self._tell(was_on)

    def _tell(self, has_power: bool) -> None:
        for number in list({*self._driven, *self._pads, *_PULLED_UP}):
            pad = self._pads.get(number)
            if pad is not None:
                level = pad.level if pad.is_output else None
            else:
                level = 1 if number in _PULLED_UP and has_power else None
            if self._driven.get(number) != level:
                self._driven[number] = level
                self._on_pin(number, level)

    def acting(self, pins: Iterable[int], level: int) -> tuple[int, ...]:
        """Return those that read this level. The resistors on the wires are in `levels`; a missing pin reads LOW."""
        return tuple(pin for pin in pins if self.levels.get(pin, 0) == level)


def listed(numbers: Iterable[int]) -> str:
    """Return numbers of pins as the chip is told them."""
    return ",".join(str(number) for number in numbers) or "-"
