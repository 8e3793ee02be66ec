"""Steps: modem, networks, satellites."""

from __future__ import annotations

from collections.abc import Callable

from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.silicon.modem_sim import TRIES
from stage.scene import Scene, Trap
from stage.steps import step


class Air(Scene):
    """What it is connected to, and what it sees of the sky."""

    @step("the modem has <word>")
    def fault(self, fault: str) -> None:
        """A fault of modem, SIM or network: no_network, denied, no_data, no_sim, no_credit, hang, hang_hard,
        lost_puback, stray_words, result_first, slow_tls, noise."""
        self.act()
        self.modem.fail(Fault(fault))

    @step("the modem is well")
    def heal(self) -> None:
        """None of these any more."""
        self.act()
        self.modem.heal()

    @step("its SIM has the PIN <word>")
    def sim_pin(self, pin: str) -> None:
        """The card asks for it at each start of the modem, and locks at the third wrong one."""
        self.modem.do(lambda: setattr(self.modem.sim, "pin", pin))

    @step("its SIM was given <n> wrong PINs")
    def wrong_pins(self, wrong: str) -> None:
        """Since the last right one, whatever has restarted meanwhile."""
        assert TRIES - self.modem.sim.tries == int(wrong), f"{TRIES - self.modem.sim.tries} wrong PINs"

    @step("at its next publish: <word>")
    def trap(self, what: str) -> None:
        """When the button next asks the modem to publish, the modem hangs (hang, hang_hard: until its power goes),
        browns out (brown_out), loses its connection (connlost) or its data network (nonet)."""
        self.act()
        modem = self.modem
        acts: dict[str, Callable[[], None]] = {
            "hang": lambda: modem.faults.add(Fault.HANG),
            "hang_hard": lambda: modem.faults.add(Fault.HANG_HARD),
            "brown_out": lambda: modem.loop.call_soon(modem.power.restart),
            "connlost": lambda: modem.mqtt.lose(1),
            "nonet": modem.mqtt.lose_network,
        }
        trap = Trap(modem.asked, "AT[+]CMQTTPUB=", acts[what])
        modem.serial.asked = trap
        self._traps.append(trap)

    @step("LoRaWAN out of reach")
    def lorawan_away(self) -> None:
        """No gateway of the LoRaWAN network hears it."""
        self.act()
        self.lorawan.faults.no_coverage = True

    @step("LoRaWAN in reach")
    def lorawan_there(self) -> None:
        """It is heard again."""
        self.act()
        self.lorawan.faults.no_coverage = False

    @step("the LoRaWAN module hangs until it is reset")
    def lorawan_hangs(self) -> None:
        """It answers nothing, and its own restart hangs too; its RST helps."""
        self.act()
        self.lorawan.faults.hang_hard = True

    @step("the LoRaWAN module restarts by itself")
    def lorawan_restarts(self) -> None:
        """Its supply gave way for a moment: its session is gone."""
        self.act()
        self.lorawan.power_cycle()

    @step("Wi-Fi off")
    def wifi_off(self) -> None:
        """The access point is gone."""
        self.act()
        self.button.wifi(False)

    @step("Wi-Fi on")
    def wifi_on(self) -> None:
        """The access point is there."""
        self.act()
        self.button.wifi(True)

    @step("satellites see it at <degrees> <degrees>")
    def place(self, latitude: str, longitude: str) -> None:
        """Its receiver finds this position, in degrees."""
        self.act()
        self.button.place(float(latitude), float(longitude))

    @step("no satellites")
    def no_place(self) -> None:
        """No sky, or a jammer."""
        self.act()
        self.button.place(None)
