"""The holder of a simulated button: the finger on it, and its other contacts."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from siaga_tools.board_wiring import Switch, Wiring
from siaga_tools.messages import Trouble
from siaga_tools.simulate.button_events import DEADLINE_S, ButtonEvents
from siaga_tools.simulate.chip import Chip
from siaga_tools.simulate.clock import SimClock
from siaga_tools.simulate.sampled_time import SampledTime

HOLD_MARGIN_S: Final = 0.15
_TOUCH_S: Final = 0.2


class Holder:
    """The holder. Thread-safe; each method returns when it has happened. Times are simulated seconds.

    name: of the button, in error messages
    power_cut(): cuts its power
    """

    def __init__(
        self,
        name: str,
        chip: Chip,
        wiring: Wiring,
        clock: SimClock,
        events: ButtonEvents,
        power_cut: Callable[[], None],
    ) -> None:
        self._name = name
        self._chip = chip
        self._wiring = wiring
        self._clock = clock
        self._events = events
        self._power_cut = power_cut
        self._sampled = SampledTime(chip, clock, wiring.button.pin)
        self._lock = threading.RLock()

    def hold(self, down: bool) -> None:
        """Press or release the button."""
        self._contact(self._wiring.button, down)

    def tamper(self, is_open: bool) -> None:
        self._contact(self._wiring.case, is_open)

    def foot_switch(self, closed: bool) -> None:
        self._contact(self._wiring.foot_switch, closed)

    def power_on(self, *, held: bool = False) -> None:
        """Switch it on. held: with the button pressed."""
        self.hold(held)
        self._chip.power_on()

    def press(self, hold_s: float = 2.0) -> None:
        """Hold it for this long after it was noticed, then release."""
        with self._lock, self._clock.paced(), self._felt():
            self._sampled.stay(hold_s + HOLD_MARGIN_S)

    def move(self, *contacts: tuple[bool, float]) -> None:
        """Close (True) or open the button's contact, each time for so many simulated seconds, as the firmware samples
        them: where the machine stands still time does too, and makes neither a gap nor a longer hold."""
        with self._lock, self._clock.paced():
            try:
                self._sampled.stay(0)
                for down, sim_s in contacts:
                    self.hold(down)
                    self._sampled.stay(sim_s)
            finally:
                self._sampled.free()

    def cancel(self, hold_s: float = 6.5) -> None:
        """Cancel: release midway between the two cancels, as a free one counts only what the chip sampled."""
        with self._at_hand_pace():
            self.press(hold_s)

    def duress(self, hold_s: float = 8.0) -> None:
        with self._at_hand_pace():
            self.press(hold_s)

    def tap(self, times: int = 3) -> None:
        """Short taps, a third of a second apart."""
        self.move(*[(True, 0.15), (False, 0.2)] * times)

    def touch(self) -> None:
        """Touch it as briefly as is noticed."""
        with self._lock, self._clock.paced(), self._at_hand_pace(), self._felt():
            pass

    def test(self) -> None:
        """Switch it off, and ask for a test during power-on."""
        self._power_cut()
        self.power_on_for_test()

    def power_on_for_test(self) -> None:
        """Switch it on with the button held, release at once, and touch it as soon as the light asks for that."""
        with self._lock, self._clock.paced(), self._at_hand_pace():
            mark = self._events.mark()
            self.power_on(held=True)
            try:
                until = time.monotonic() + DEADLINE_S
                while self._wiring.button.pin not in self._chip.pads.listened_to:
                    if time.monotonic() > until:
                        raise Trouble("button_silent", name=self._name, what="start", seconds=f"{DEADLINE_S:g}")
                    time.sleep(0.005)
                self._sleep(_TOUCH_S)
            finally:
                self.hold(False)
            self._events.wait_signal("press_for_test", after=mark)
            self.touch()

    @contextlib.contextmanager
    def _felt(self) -> Iterator[None]:
        """Press, and wait until it was noticed; released in any case."""
        mark = self._events.mark()
        self.hold(True)
        try:
            self._events.wait_down(after=mark)
            yield
        finally:
            self.hold(False)
            self._sampled.free()

    @contextlib.contextmanager
    def _at_hand_pace(self) -> Iterator[None]:
        """Run no faster than real time: on a busy machine a short touch would become a long one."""
        speed = self._clock.speed
        self._clock.set_speed(min(speed, 1.0))
        try:
            yield
        finally:
            self._clock.set_speed(speed)

    def _sleep(self, sim_s: float) -> None:
        self._clock.until(self._clock.now_us() + int(sim_s * 1_000_000))

    def _contact(self, switch: Switch, acts: bool) -> None:
        self._chip.drive(switch.pin, switch.level(acts))
