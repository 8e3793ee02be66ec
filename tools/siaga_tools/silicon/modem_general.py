"""A simulated modem's general commands: echo, error format, functionality, sleep, and the RI line, which pulses for a
sleeping chip. Sources: SIMCom A76XX AT Command Manual V1.09 (+CFUN, +CSCLK, +CFGRI), A7670 hardware design (RI)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siaga_tools.silicon.at_commands import Command

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670

# +CME ERROR as a number, until AT+CMEE=2 asks for text (3GPP TS 27.007 9.2.1).
NUMBERS = {
    "operation not allowed": 3,
    "SIM not inserted": 10,
    "SIM PUK required": 12,
    "SIM failure": 13,
    "SIM busy": 14,
    "incorrect password": 16,
}


class ModemGeneral:
    """The general settings and commands.

    echo, says_words, functional, sleep_mode, clock_is_set: as set since its start
    obeying: a command is in progress
    """

    def __init__(self, modem: A7670) -> None:
        self._modem = modem
        self._ringing = 0
        self.reset()

    def reset(self) -> None:
        """Reset what a start forgets."""
        self.echo = True
        self.says_words = False
        self.sleep_mode = 0
        self._rings_for_all = False
        self.obeying = False
        self.functional = 1
        self.clock_is_set = False

    def ring(self, line: str) -> None:
        """Pulse RI (A7670 hardware design; AT+CFGRI): low for 120 ms for a message, for 5.9 s of each 6 for a call, and
        for 60 ms for any other URC, if enabled."""
        if line.startswith(("+CMTI:", "+CMT:")):
            low_s = 0.12
        elif line == "RING":
            low_s = 5.9
        elif self._rings_for_all and not self.obeying:
            low_s = 0.06
        else:
            return
        self._ringing += 1
        if self._modem.on_ring is not None:
            self._modem.on_ring(True)
        self._modem.later(low_s, self._ring_over)

    def _ring_over(self) -> None:
        self._ringing -= 1
        if not self._ringing and self._modem.on_ring is not None:
            self._modem.on_ring(False)

    async def at_(self, command: Command) -> None:
        """Plain AT."""

    async def at_e(self, command: Command) -> None:
        self.echo = command.rest == "1"

    async def at_cmee(self, command: Command) -> None:
        self.says_words = command.arguments[0] == "2"

    async def at_cgmm(self, command: Command) -> None:
        self._modem.urc(self._modem.model)

    async def at_cpof(self, command: Command) -> None:
        self._modem.later(0.5, self._modem.power.turn_off)

    async def at_creset(self, command: Command) -> None:
        self._modem.later(0.1, self._modem.power.restart)

    async def at_cfun(self, command: Command) -> None:
        functional = int(command.arguments[0])
        if functional != self.functional:
            await self._modem.wait(1)
            self.functional = functional
            self._modem.radio.leave()
            if functional == 0:
                self._modem.mqtt.lose_network()

    async def at_csclk(self, command: Command) -> None:
        self.sleep_mode = int(command.arguments[0])

    async def at_cfgri(self, command: Command) -> None:
        self._rings_for_all = command.arguments[0] == "1"

    async def at_cclk(self, command: Command) -> None:
        self.clock_is_set = True
