"""Steps: what a hand does to the button."""

from __future__ import annotations

from siaga_gateway.domain.frame import Kind
from siaga_tools.simulate.chip import ChipState
from stage.scene import Scene
from stage.steps import step

HAND = 2.5  # where a hold must not become a longer one on a busy machine
TAPS = 0.7
_OPEN = ("sending", "received", "refused", "seen", "assigned", "on_scene")


class Hand(Scene):
    """Presses, cancels, taps; the case and the foot switch."""

    @step("press")
    def press(self) -> None:
        """Hold the button until it takes it for a press; during an incident for 2.5 s, as a cancel is longer."""
        self.act()
        if self._is_in_incident():
            with self.at_pace(HAND):
                self._hold(2.5)
        else:
            self.button.holder.hold(True)
            self.wait_frame(Kind.PRESS, "stored", "a press")
            self.button.holder.hold(False)
        self.wait_frame(Kind.PRESS, "stored", "a press")
        self.wait_down(False)

    def _is_in_incident(self) -> bool:
        return self.button.state in _OPEN and self.button.life is ChipState.RUNNING

    def _hold(self, seconds: float) -> None:
        self.button.holder.press(seconds)
        self.wait_down(False)

    @step("press, and cut the power when it is <word>")
    def press_and_cut(self, moment: str) -> None:
        """Hold it, and take its power in the moment in which the press is stored, signed, published or puback."""
        self.act()
        if self._is_in_incident():
            with self.at_pace(HAND):
                self._hold(2.5)
        else:
            self.button.holder.hold(True)
        self.wait_frame(Kind.PRESS, moment)
        self.button.power_cut()
        self.button.holder.hold(False)

    @step("cancel")
    def cancel(self) -> None:
        """Hold it for 6.5 s, and let go."""
        self.act()
        with self.at_pace(HAND):
            self._hold(6.5)
        self.wait_frame(Kind.CANCEL, "stored", "a cancel")

    @step("cancel under force")
    def duress(self) -> None:
        """Hold it until it shows that it is cancelled, which is after 8 s."""
        self.act()
        with self.at_pace(HAND):
            self.button.holder.hold(True)
            self.wait_frame(Kind.CANCEL, "stored", "a cancel")
            self.button.holder.hold(False)
        self.wait_down(False)

    @step("tap three times")
    def tap(self) -> None:
        """Three short taps, a third of a second apart."""
        self.act()
        with self.at_pace(TAPS):
            self.button.holder.tap()
        self.wait_frame(Kind.PRESS, "stored", "a press by taps")

    @step("hold the button down")
    def hold_down(self) -> None:
        """A finger, or something that has fallen onto it."""
        self.act()
        self.button.holder.hold(True)

    @step("hold on for <n> s")
    def hold_on(self, seconds: str) -> None:
        """The finger stays so long, at a pace at which a busy machine makes no minute of it."""
        with self.at_pace(HAND):
            self.button.sleep(float(seconds))

    @step("hold a worn contact for <n> s")
    def hold_worn(self, seconds: str) -> None:
        """A finger that holds on; the contact opens for 50 ms each half second."""
        self.act()
        with self.at_pace(TAPS):
            self.button.holder.move(*[(True, 0.45), (False, 0.05)] * int(float(seconds) * 2))
        self.wait_down(False)

    @step("let go")
    def let_go(self) -> None:
        """Nobody touches the button."""
        self.act()
        self.button.holder.hold(False)
        self.wait_down(False)

    @step("open the case")
    def open_case(self) -> None:
        """The tamper switch opens."""
        self.act()
        self.button.holder.tamper(True)

    @step("shut the case")
    def shut_case(self) -> None:
        """The tamper switch closes."""
        self.act()
        self.button.holder.tamper(False)

    @step("step on the foot switch")
    def foot_switch(self) -> None:
        """The external input closes, until the press is taken."""
        self.act()
        self.button.holder.foot_switch(True)
        self.wait_frame(Kind.PRESS, "stored", "a press by the foot switch")
        self.button.holder.foot_switch(False)
