"""Switches a SIMCom modem on, off, to reset and to sleep: by its lines, and by commands when it listens.

Sources: SIMCom A76XX AT Command Manual V1.09 (+CPOF, +CRESET, +CFUN, +CSCLK, +CFGRI), SIM7600 AT Command Manual V3.00
(the same); A7670 hardware design (PWRKEY, RESET, DTR).
"""

import asyncio

from micropython import const
from siaga.core.errors import SiagaError
from siaga.drivers.at_port import AtTimeout

_LOOK_MS = const(50)
_PULSE_MS = const(20)
_ROUSED_MS = const(60)
_BOOT_MS = const(30000)
_RESETTING_MS = const(5000)  # by then a modem told to restart no longer answers
_OFF_MS = const(9000)
_GOING_MS = const(4000)  # how long switching off takes; PWRKEY is ignored meanwhile


class Switch:
    """The modem's power switch. greeted: a start-up message arrived that nobody handled yet."""

    def __init__(self, port: "AtPort", power: "Power", clock: "Clock") -> None:
        self.greeted = False
        self._port = port
        self._power = power
        self._clock = clock
        self._off_ms = -_GOING_MS

    async def wake(self) -> None:
        """Wake it until it answers; by PWRKEY if it is not on already: a button that restarts finds its modem running.
        Raises AtTimeout, OSError."""
        power, port, clock = self._power, self._port, self._clock
        if power.supply is not None:
            power.supply.value(1)
        if power.sleep is not None:
            power.sleep.value(0)
            await asyncio.sleep_ms(_ROUSED_MS)
        while clock.ms() - self._off_ms < port.scaled(_GOING_MS):
            await asyncio.sleep_ms(_LOOK_MS)
        self.greeted = False
        if not await port.answers(1):
            await self._pulse(power.key, power.on_ms)
            until_ms = clock.ms() + port.scaled(_BOOT_MS)
            while not self.greeted and not await port.answers(1):
                if clock.ms() > until_ms:
                    raise AtTimeout("the modem does not start (PWRKEY, supply, serial line?)")
        if not await port.answers():
            raise AtTimeout("the modem says that it started, but does not answer")

    async def radio(self) -> None:
        """Switch the radio off and on. Raises SiagaError, OSError."""
        await self._port.command("AT+CFUN=0", None, 20000)
        await self._sleep(2000)
        await self._port.command("AT+CFUN=1", None, 20000)

    async def reset(self) -> None:
        """Restart it. Raises SiagaError, OSError."""
        power = self._power
        if power.reset is not None:
            await self._pulse(power.reset, power.reset_ms)
        else:
            await self._port.attempt("AT+CRESET")
        self.greeted = False
        until_ms = self._clock.ms() + self._port.scaled(_BOOT_MS)
        asked_ms = self._clock.ms() + self._port.scaled(_RESETTING_MS)
        while not self.greeted and self._clock.ms() < until_ms:
            await asyncio.sleep_ms(_LOOK_MS)
            if self._clock.ms() >= asked_ms and await self._port.answers(1):
                return  # not every model sends a start-up message

    async def off(self) -> None:
        """Switch it off by command, else by PWRKEY, and by the supply if the board can; waking it restores the
        supply."""
        port, power = self._port, self._power
        try:
            answers = await port.answers()
            if answers:
                await port.attempt("AT+CPOF")
        except (SiagaError, OSError):
            answers = False
        if not answers:
            await self._pulse(power.key, power.off_ms)
        await self._sleep(3000)
        if power.supply is not None:
            power.supply.value(0)
            await self._sleep(2000)

    async def off_to_rest(self) -> None:
        """Switch it off by command only; it detaches and is off in a few seconds. One that does not answer is left as
        it is: its fault is repaired when it is needed."""
        try:
            await self._port.command("AT+CPOF", None, _OFF_MS)
        except (SiagaError, OSError):
            pass
        self._off_ms = self._clock.ms()

    async def fall_asleep(self) -> bool:
        """Put it to sleep, registered and connected, its serial line deaf until DTR falls, RING pulsing for calls,
        messages and results. False: the board could not wake it, so it stays awake. Raises SiagaError, OSError."""
        port = self._port
        if self._power.sleep is None:
            return False
        await port.attempt("AT+CFGRI=1")
        # A cell change is no reason to wake.
        for name in ("CREG", "CGREG", "CEREG"):
            await port.attempt("AT+%s=0" % name)
        # While nobody reads its line, messages have to be stored on the SIM, not handed over.
        await port.attempt("AT+CNMI=2,1,0,0,0")
        await port.command("AT+CSCLK=1")  # without it, DTR high has no effect
        self._power.sleep.value(1)
        return True

    async def _pulse(self, line: "Line | None", ms: int) -> None:
        if line is None:
            return
        line.value(1)
        try:
            await asyncio.sleep_ms(max(_PULSE_MS, ms * self._port.percent // 100))
        finally:
            line.value(0)

    async def _sleep(self, ms: int) -> None:
        await asyncio.sleep_ms(ms * self._port.percent // 100)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.at_port import AtPort
    from siaga.drivers.board_parts import Line, Power
    from siaga.drivers.clock import Clock
