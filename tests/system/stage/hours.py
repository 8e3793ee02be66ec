"""Steps: time that passes."""

from __future__ import annotations

import time

from siaga_tools.simulate.chip import ChipState
from stage.scene import FAST, FASTEST, UNITS, WITHIN_S, Scene
from stage.steps import step


class Hours(Scene):
    """Fast, and in a moment where the button sleeps."""

    @step("<n> <unit> pass")
    def passes(self, number: str, unit: str) -> None:
        """Time goes by, in a moment where the button sleeps."""
        self.act()
        self._pass(float(number) * UNITS[unit])

    def _pass(self, seconds: float) -> None:
        button = self.button
        until_us = button.clock.now_us() + int(seconds * 1e6)
        button.set_speed(max(FASTEST if button.modem is None else FAST, self._pace))
        try:
            while (left_us := until_us - button.clock.now_us()) > 0:
                wakes_at_us = button.chip.wakes_at_us
                if button.life is ChipState.ASLEEP and wakes_at_us is not None:
                    ahead_us = min(left_us, max(0, wakes_at_us - button.clock.now_us()))
                    button.clock.jump(ahead_us / 1e6)
                # no wait of a test: hours go by
                time.sleep(min(0.05, max(0.005, left_us / 1e6 / button.clock.speed)))
        finally:
            button.set_speed(self._pace)

    @step("three weeks later its clock is <n> h behind")
    def weeks_asleep(self, hours: str) -> None:
        """What is left of three weeks asleep: the gateway's clock is the machine's, and so it is the button's, so many
        hours behind that one, that shows them."""
        self.until_asleep()
        ahead_s = self.button.clock.now_us() / 1e6 - time.time()
        self.button.chip.run_off(-ahead_s - float(hours) * 3600)

    @step("until it sleeps")
    def until_asleep(self) -> None:
        """Its chip is in deep sleep."""
        self.button.events.wait_life(ChipState.ASLEEP, deadline_s=WITHIN_S)

    @step("until it wakes by itself")
    def until_waking(self) -> None:
        """The time until its next waking passes in a moment, unless its modem wakes it before."""
        self.act()
        self.button.skip_sleep()
        self.wait(lambda event: event.kind == "start", "its waking")
