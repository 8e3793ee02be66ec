"""A SIMCom A76xx or SIM7600: from no power to registered, and back from whatever it falls into.

The bearers on top (simcom_mqtt.py, simcom_sms.py) look at `network` and `starts`, and ask for a repair by want().
A modem freezes until its power is taken (field experience): so what fails is repaired deeper and deeper, and again
from the beginning, as long as the battery lasts. Sources: SIMCom A76XX AT Command Manual V1.09, SIM7600 AT Command
Manual V3.00; A7670 hardware design (PWRKEY).
"""

import asyncio

from micropython import const
from siaga.core.at import AtError, fields, given, quoted
from siaga.core.bearers import back_off_ms
from siaga.core.errors import SiagaError
from siaga.core.simcom import RADIO, REPAIRS, RESET, Ladder
from siaga.drivers.at_port import AtPort, AtTimeout, Listener
from siaga.drivers.bearer import Owner
from siaga.drivers.clock import Clock
from siaga.drivers.parts import Line, Power
from siaga.drivers.simcom_network import CellularNetwork

_LOOK_MS = const(50)
_ROUSED_MS = const(60)
_GOING_MS = const(4000)  # so long it takes to go off, and hears no key meanwhile
_PULSE_MS = const(20)
_BOOT_MS = const(30000)
_SIM_MS = const(20000)
_SEARCH_MS = const(180000)
_WATCH_MS = const(15000)
_SETTLED_MS = const(10000)
_FIRST_MS = const(2000)
_LONGEST_MS = const(600000)
_LONGEST_URGENT_MS = const(8000)


class Hearer:
    """A part that takes some of the modem's unsolicited words; nothing in it may wait."""

    def hear(self, line: bytes, payload: "bytes | None") -> bool:
        """Whether it was for this part."""
        return False


class Access:
    """What the SIM needs; "" where it needs nothing. The installer's settings have it."""

    def __init__(self, apn: str = "", user: str = "", password: str = "", pin: str = "") -> None:
        self.apn = given("apn", apn)
        self.user = given("apn_user", user)
        self.password = given("apn_password", password)
        self.pin = given("sim_pin", pin)


class _Wanted(SiagaError):
    """A bearer asked for a repair."""


class _Off(SiagaError):
    """Nobody wants it on."""


class _Roused(SiagaError):
    """It was to rest, and is wanted after all."""


class Modem(Listener):
    """network: what it is registered for. starts: how often it was made ready; a bearer that sees it change begins
    anew. is_wanted: set it to False to have the modem off. is_calling: a call is up, or being made. model: as it says.
    last_repair: for the log and the tests.
    on_position(line) gets its GNSS answers as they are, every locate_ms, while is_locating."""

    def __init__(self, stream: object, power: Power, clock: Clock, owner: Owner, access: Access) -> None:
        self.port = AtPort(stream, clock, self)
        self.hearers = []  # type: list[Hearer]
        self.on_position = None  # type: OnPosition | None
        self.on_told = None  # type: OnTold | None
        self.is_wanted = True
        self.is_locating = False
        self.is_calling = False
        self.locate_ms = 1000
        self.network = CellularNetwork(self.port, clock, self._tell)
        self.starts = 0
        self.model = ""
        self.last_repair = -1
        self._power = power
        self._clock = clock
        self._owner = owner
        self._access = access
        self._ladder = Ladder()
        self._wanted = -1
        self._why = ""
        self._rebooted = False
        self._moved = False
        self._hurried = False
        self._locating = False
        self._ready_ms = 0
        self._rests = False
        self._roused = False
        self._off_ms = -_GOING_MS

    async def rest(self, off: bool) -> bool:
        """Leave it to itself before the chip sleeps: off, or asleep and registered. Whether it is as was wanted."""
        from siaga.drivers import simcom_sleep

        self._rests = True
        if self._locating:
            self._locating = False
            await self.port.attempt("AT+CGPS=0" if self.is_old() else "AT+CGNSSPWR=0")
        if off:
            await simcom_sleep.switch_off(self.port)
            self._off_ms = self._clock.ms()
            return True
        return await simcom_sleep.fall_asleep(self.port, self._power)

    def rouse(self) -> None:
        """The chip stays awake after all."""
        self._rests = False
        self._roused = True

    def is_old(self) -> bool:
        """Whether this is of the SIM7500/SIM7600 kind, whose commands differ here and there."""
        return "SIM7600" in self.model or "SIM7500" in self.model

    def want(self, step: int, why: str) -> None:
        """Ask for a repair from RADIO on; everything goes down for as long as it takes. Not heard while a call is up:
        its network may carry no data, and whoever still wants it afterwards asks again."""
        if self.is_calling:
            return
        self._wanted = max(step, self._wanted)
        self._why = why

    def check(self) -> None:
        """Something did not answer: look at once whether the modem does."""
        self._moved = True

    def hurry(self) -> None:
        """A press waits: no long pauses."""
        self._hurried = True

    async def run(self) -> None:
        """Be registered whenever that is possible; never returns."""
        reading = asyncio.create_task(self.port.run())
        try:
            while True:
                least = RADIO
                try:
                    while not self.is_wanted:
                        await asyncio.sleep_ms(_LOOK_MS)
                    await self._wake()
                    await self._prepare()
                    await self._watch()
                except _Off:
                    self._gone("off")
                    await self._switch_off()
                    continue
                except _Roused as error:
                    self._gone(str(error))
                    continue
                except _Wanted as error:
                    least, why = self._wanted, str(error)
                except (AtTimeout, OSError) as error:
                    least, why = RESET, str(error) or repr(error)
                except SiagaError as error:
                    why = str(error)
                self._gone(why)
                await self._repair(self._ladder.failed(least), least == self._wanted)
        finally:
            reading.cancel()
            self._gone("stopped")

    def _gone(self, why: str) -> None:
        self.network.gone()
        self._locating = False
        self.port.abandon("")
        self._tell("modem: " + why)

    def _tell(self, what: str) -> None:
        if self.on_told is not None:
            self.on_told(what)

    # From no power to registered.

    async def _wake(self) -> None:
        """On, by PWRKEY if it is not on already: a button that restarts finds its modem running."""
        power = self._power
        self._rebooted = False
        if power.supply is not None:
            power.supply.value(1)
        if power.sleep is not None:
            power.sleep.value(0)
            await asyncio.sleep_ms(_ROUSED_MS)
        while self._clock.ms() - self._off_ms < self.port.scaled(_GOING_MS):
            await asyncio.sleep_ms(_LOOK_MS)
        if not await self.port.answers(1):
            await self._pulse(power.key, power.on_ms)
            until_ms = self._clock.ms() + self.port.scaled(_BOOT_MS)
            while not self._rebooted and not await self.port.answers(1):
                if self._clock.ms() > until_ms:
                    raise AtTimeout("the modem does not start (PWRKEY, supply, serial line?)")
        if not await self.port.answers():
            raise AtTimeout("the modem says that it started, but does not answer")

    async def _pulse(self, line: "Line | None", ms: int) -> None:
        if line is None:
            return
        line.value(1)
        await asyncio.sleep_ms(max(_PULSE_MS, ms * self.port.percent // 100))
        line.value(0)

    async def _prepare(self) -> None:
        """What a modem forgets at each start, or may have been left with."""
        command = self.port.command
        await command("ATE0")
        await command("AT+CMEE=2")
        self.model = b"".join(await command("AT+CGMM", "")).decode()
        await self._unlock()
        if self._access.apn:
            await self._use_apn()
        await self.network.prepare()
        await command("AT+CFUN=1", None, 20000)
        self._rebooted = False
        self._moved = True
        self._ready_ms = self._clock.ms()
        self.starts += 1

    async def _unlock(self) -> None:
        until_ms = self._clock.ms() + self.port.scaled(_SIM_MS)
        tried = False
        while True:
            said = b"".join(await self.port.attempt("AT+CPIN?", "+CPIN:"))
            if said == b"+CPIN: READY":
                return
            if said == b"+CPIN: SIM PIN" and self._access.pin and not tried:
                tried = True  # never twice: the third wrong one locks the SIM
                await self.port.command("AT+CPIN=" + quoted(self._access.pin))
            elif self._clock.ms() > until_ms:
                raise AtError("the SIM cannot be used: %s" % (said.decode() or "none is found"))
            await self._sleep(500)

    async def _use_apn(self) -> None:
        """The APN belongs to the attach: a change needs the radio off and on (TS 27.007 10.1.1)."""
        access = self._access
        for line in await self.port.attempt("AT+CGDCONT?", "+CGDCONT:"):
            parts = fields(line)
            if len(parts) > 2 and parts[0] == b"1" and parts[2].decode().lower() == access.apn.lower():
                return
        await self.port.command('AT+CGDCONT=1,"IP",' + quoted(access.apn))
        if access.user:
            await self.port.command("AT+CGAUTH=1,1,%s,%s" % (quoted(access.password), quoted(access.user)))
        await self.port.command("AT+CFUN=0", None, 20000)

    # Registered, and as long as it lasts.

    async def _watch(self) -> None:
        """Look after the registration until something is wrong, which is always an exception."""
        searching_ms = self._clock.ms()
        look_ms = locate_ms = 0
        while True:
            if not self.is_wanted:
                raise _Off("off")
            if self._wanted >= 0:
                raise _Wanted(self._why)
            if self._roused:
                self._roused = False
                raise _Roused("roused")
            if self._rests:
                await asyncio.sleep_ms(_LOOK_MS)
                continue
            now_ms = self._clock.ms()
            if self._rebooted:
                if now_ms - self._ready_ms > self.port.scaled(_SETTLED_MS):
                    raise AtError("it restarted by itself (brown-out?)")
                self._rebooted = False
            if self._moved or now_ms >= look_ms:
                self._moved = False
                registered = await self.network.look()
                look_ms = self._clock.ms() + self.port.scaled(_WATCH_MS if registered else 1000)
                if registered:
                    searching_ms = self._clock.ms()
                    self._ladder.mended()
                elif self._clock.ms() - searching_ms > self.port.scaled(_SEARCH_MS):
                    raise AtError("no network in %d s" % (_SEARCH_MS // 1000))
            if now_ms >= locate_ms and (self.is_locating or self._locating):
                await self._locate()
                locate_ms = self._clock.ms() + self.locate_ms
            await asyncio.sleep_ms(_LOOK_MS)

    async def _locate(self) -> None:
        """GNSS on while it is wanted, and its answer handed on. Hot start aids are kept by the modem (AP flash)."""
        old = self.is_old()
        if self.is_locating and not self._locating:
            await self.port.attempt("AT+CGPS=1,1" if old else "AT+CGNSSPWR=1,1")
            self._locating = True
        elif not self.is_locating:
            await self.port.attempt("AT+CGPS=0" if old else "AT+CGNSSPWR=0")
            self._locating = False
            return
        for line in await self.port.attempt("AT+CGNSSINFO", "+CGNSSINFO:"):
            if self.on_position is not None:
                self.on_position(line)

    # Repairs.

    async def _repair(self, step: int, wanted: bool) -> None:
        self._wanted = -1
        if not wanted:
            await self._pause()
        self.last_repair = step
        self._tell("modem: " + REPAIRS[step])
        try:
            if step == RADIO:
                await self.port.command("AT+CFUN=0", None, 20000)
                await self._sleep(2000)
                await self.port.command("AT+CFUN=1", None, 20000)
            elif step == RESET:
                if self._power.reset is not None:
                    await self._pulse(self._power.reset, self._power.reset_ms)
                else:
                    await self.port.attempt("AT+CRESET")
                await self._until_started()
            else:
                await self._switch_off()
        except (SiagaError, OSError) as error:
            self.last_repair = max(step, RESET)
            self._tell("modem: %s failed: %s" % (REPAIRS[step], error))

    async def _switch_off(self) -> None:
        """By its own word, else by PWRKEY, and by the supply where a board has that; _wake() puts it on again."""
        power = self._power
        try:
            answers = await self.port.answers()
            if answers:
                await self.port.attempt("AT+CPOF")
        except (SiagaError, OSError):
            answers = False
        if not answers:
            await self._pulse(power.key, power.off_ms)
        await self._sleep(3000)
        if power.supply is not None:
            power.supply.value(0)
            await self._sleep(2000)

    async def _until_started(self) -> None:
        self._rebooted = False
        until_ms = self._clock.ms() + self.port.scaled(_BOOT_MS)
        while not self._rebooted and self._clock.ms() < until_ms:
            await asyncio.sleep_ms(_LOOK_MS)

    async def _pause(self) -> None:
        began_ms = self._clock.ms()
        chance = self._owner.chance()
        self._hurried = False
        while not self._hurried:
            longest_ms = _LONGEST_URGENT_MS if self._owner.is_urgent() else _LONGEST_MS
            wait_ms = back_off_ms(self._ladder.failures - 1, _FIRST_MS, longest_ms, chance)
            if self._clock.ms() - began_ms >= wait_ms * self.port.percent // 100:
                return
            await asyncio.sleep_ms(_LOOK_MS)

    async def _sleep(self, ms: int) -> None:
        await asyncio.sleep_ms(ms * self.port.percent // 100)

    # What it says unasked.

    def on_urc(self, line: bytes, payload: "bytes | None") -> None:
        if line.startswith(b"*ATREADY") or line == b"RDY":
            self._rebooted = True
        elif line.startswith((b"+CREG:", b"+CGREG:", b"+CEREG:")):
            self._moved = True
        else:
            for hearer in self.hearers:
                if hearer.hear(line, payload):
                    return

    def on_trouble(self, why: str) -> None:
        self._tell("modem: " + why)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    OnPosition = Callable[[bytes], None]
    OnTold = Callable[[str], None]
