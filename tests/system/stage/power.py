"""Steps: what becomes of its current."""

from __future__ import annotations

from siaga_gateway.domain.frame import Kind
from stage.hand import HAND
from stage.scene import Scene
from stage.steps import step


class Power(Scene):
    """Its power, its mains, its cell."""

    @step("switch on")
    def switch_on(self) -> None:
        """Its power comes. The first time the registrar enrols it, by the frame that it prints."""
        self.act()
        self.button.power_on()
        self.started()

    @step("switch off, and on for a test")
    def switch_on_for_test(self) -> None:
        """With the button held, and let go; then, while the light asks for it, a touch."""
        self.act()
        self.button.holder.test()
        self.started()
        self.wait_frame(Kind.PRESS, "stored", "a test press")

    @step("the supply dips")
    def supply_dips(self) -> None:
        """For a moment, under whatever goes on: the chip starts anew and tells that as power-on, the modem too."""
        self.act()
        with self.at_pace(HAND):  # a finger may be on the button
            self.button.brown_out()
            self.started()

    @step("cut the power")
    def cut_power(self) -> None:
        """Chip, modem and module are without current at once, wherever they are."""
        self.act()
        self.button.power_cut()

    @step("the installer sets <word> to <word>")
    def install(self, name: str, value: str) -> None:
        """He switches it off, copies settings with this one changed, and switches it on."""
        self.act()
        self.button.power_cut()
        number = value.isdecimal() and not isinstance(self._settings.get(name), str)
        self._settings = {**self._settings, name: int(value) if number else value}
        self.button.offer(self._settings)
        self.button.power_on()
        self.started()

    @step("mains on")
    def mains_on(self) -> None:
        """External power comes."""
        self.act()
        self.button.mains(True)

    @step("mains off")
    def mains_off(self) -> None:
        """External power goes."""
        self.act()
        self.button.mains(False)

    @step("battery at <n> percent")
    def battery(self, percent: str) -> None:
        """Its cell's voltage is what it is at so many percent."""
        self.act()
        self.button.battery(float(percent))
