"""The SIM in a simulated modem: a card takes a second and a half to be read, asks for its PIN, and blocks after three
wrong ones, which it remembers in any modem. Sources: 3GPP TS 27.007 8.3 (+CPIN), 9.2 (+CME ERROR); TS 31.101 and
102.221 (three tries); times and output after a start: logs of A7670E and SIM7600."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from siaga_tools.silicon.at_commands import Command, Refused

if TYPE_CHECKING:
    from siaga_tools.silicon.a7670 import A7670

# Seconds after the start-up message, or after the previous one.
FAILS_S = 0.7
BUSY_S = 0.8
MESSAGES_S = 3.0
PHONE_BOOK_S = 3.4
TRIES = 3


@dataclass
class Sim:
    """The card.

    tries: wrong PINs that it still accepts; with none left it wants its PUK
    credit: what the network answers to a short code
    """

    operator: str = "TELKOMSEL"
    number: str = "+6281100000001"
    pin: str = ""
    apn: str = "internet"
    iccid: str = "8962100000000000001"
    tries: int = TRIES
    credit: str = ""


class ModemSim:
    """The modem's SIM part.

    unlocked: whether the card may be used
    messages: whether its stored messages are known
    """

    def __init__(self, modem: A7670) -> None:
        self._modem = modem
        self.reset()

    def reset(self) -> None:
        """Reset what a start forgets."""
        self._failing = self._busy = True
        self.unlocked = False
        self.messages = False

    def usable(self) -> bool:
        return self.unlocked and "no_sim" not in self._modem.faults

    async def live(self) -> None:
        """Run from the start-up message on."""
        modem = self._modem
        await modem.wait(FAILS_S)
        self._failing = False
        await modem.wait(BUSY_S)
        self._busy = False
        self.unlocked = not modem.sim.pin
        if "no_sim" in modem.faults:
            modem.urc("+CPIN: SIM REMOVED")
            modem.urc("+CPIN: SIM REMOVED")
            await modem.until(lambda: "no_sim" not in modem.faults)
        modem.urc("+CPIN: " + self._state())
        await modem.until(lambda: self.unlocked)
        await modem.wait(MESSAGES_S)
        self.messages = True
        modem.urc("SMS DONE")
        await modem.wait(PHONE_BOOK_S)
        modem.urc("PB DONE")

    def _state(self) -> str:
        if self._failing:
            raise Refused("+CME ERROR: SIM failure")
        if "no_sim" in self._modem.faults:
            raise Refused("+CME ERROR: SIM not inserted")
        if self._busy:
            raise Refused("+CME ERROR: SIM busy")
        if self.unlocked:
            return "READY"
        return "SIM PIN" if self._modem.sim.tries else "SIM PUK"

    async def at_cpin(self, command: Command) -> None:
        state = self._state()
        sim = self._modem.sim
        if command.asks:
            self._modem.urc("+CPIN: " + state)
        elif state == "READY":
            raise Refused("+CME ERROR: operation not allowed")
        elif state == "SIM PUK":
            raise Refused("+CME ERROR: SIM PUK required")
        elif command.arguments[0] == sim.pin:
            sim.tries = TRIES
            self.unlocked = True
        else:
            sim.tries -= 1
            raise Refused("+CME ERROR: incorrect password")

    async def at_ciccid(self, command: Command) -> None:
        self._state()
        self._modem.urc(f"+ICCID: {self._modem.sim.iccid}")

    async def at_cusd(self, command: Command) -> None:
        if not self._modem.radio.has_network():
            raise Refused("+CME ERROR: no network service")
        answer = f'+CUSD: 0,"{self._modem.sim.credit}",15' if self._modem.sim.credit else "+CUSD: 4"
        self._modem.later(1.0, self._modem.urc, answer)
