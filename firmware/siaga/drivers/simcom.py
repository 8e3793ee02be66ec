"""A SIMCom A76xx or SIM7600: from no power to registered, and back from whatever it falls into.

The bearers on top (simcom_mqtt.py, simcom_sms.py) look at `network` and `starts`, and ask for a repair by want().
A modem freezes until its power is taken (field experience): so what fails is repaired deeper and deeper, and again
from the beginning, as long as the battery lasts. Sources: SIMCom A76XX AT Command Manual V1.09, SIM7600 AT Command
Manual V3.00; A7670 hardware design (PWRKEY).
"""

import asyncio

from micropython import const
from siaga.core.at import AtError, given
from siaga.core.bearers import back_off_ms
from siaga.core.errors import SiagaError
from siaga.core.simcom import RADIO, REPAIRS, RESET, Ladder
from siaga.drivers.at_port import AtPort, AtTimeout, Listener
from siaga.drivers.bearer import Owner
from siaga.drivers.clock import Clock
from siaga.drivers.parts import Power
from siaga.drivers.simcom_network import CellularNetwork

_LOOK_MS = const(50)
_ROUSED_MS = const(60)
_GOING_MS = const(4000)  # so long it takes to go off, and hears no key meanwhile
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
    rebooted: it said so, and nobody took note yet. last_repair: for the log and the tests.
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
        self.clock = clock
        self._owner = owner
        self._access = access
        self._ladder = Ladder()
        self._wanted = -1
        self._why = ""
        self.rebooted = False
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
            await self._receive(False)
        if off:
            await simcom_sleep.switch_off(self.port)
            self._off_ms = self.clock.ms()
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
                    await self._begin()
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

    async def _begin(self) -> None:
        """From no power to ready."""
        from siaga.drivers import simcom_start

        power = self._power
        self.rebooted = False
        if power.supply is not None:
            power.supply.value(1)
        if power.sleep is not None:
            power.sleep.value(0)
            await asyncio.sleep_ms(_ROUSED_MS)
        while self.clock.ms() - self._off_ms < self.port.scaled(_GOING_MS):
            await asyncio.sleep_ms(_LOOK_MS)
        await simcom_start.wake(self, power)
        await simcom_start.prepare(self, self._access)
        self.rebooted = False
        self._moved = True
        self._ready_ms = self.clock.ms()
        self.starts += 1

    # Registered, and as long as it lasts.

    async def _watch(self) -> None:
        """Look after the registration until something is wrong, which is always an exception."""
        searching_ms = self.clock.ms()
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
            now_ms = self.clock.ms()
            if self.rebooted:
                if now_ms - self._ready_ms > self.port.scaled(_SETTLED_MS):
                    raise AtError("it restarted by itself (brown-out?)")
                self.rebooted = False
            if self._moved or now_ms >= look_ms:
                self._moved = False
                registered = await self.network.look()
                look_ms = self.clock.ms() + self.port.scaled(_WATCH_MS if registered else 1000)
                if registered:
                    searching_ms = self.clock.ms()
                    self._ladder.mended()
                elif self.clock.ms() - searching_ms > self.port.scaled(_SEARCH_MS):
                    raise AtError("no network in %d s" % (_SEARCH_MS // 1000))
            if now_ms >= locate_ms and (self.is_locating or self._locating):
                await self._locate()
                locate_ms = self.clock.ms() + self.locate_ms
            await asyncio.sleep_ms(_LOOK_MS)

    async def _locate(self) -> None:
        """GNSS on while it is wanted, and its answer handed on. Hot start aids are kept by the modem (AP flash)."""
        if self.is_locating != self._locating:
            await self._receive(self.is_locating)
        if not self._locating:
            return
        for line in await self.port.attempt("AT+CGNSSINFO", "+CGNSSINFO:"):
            if self.on_position is not None:
                self.on_position(line)

    async def _receive(self, on: bool) -> None:
        """The SIM7600 has a supply for an active antenna too, which the vendor's board feeds it by: 2.8 V."""
        self._locating = on
        words = ("AT+CGNSSPWR=1,1",) if on else ("AT+CGNSSPWR=0",)  # type: tuple[str, ...]
        if self.is_old():
            words = ("AT+CVAUXV=2800", "AT+CVAUXS=1", "AT+CGPS=1,1") if on else ("AT+CGPS=0", "AT+CVAUXS=0")
        for word in words:
            await self.port.attempt(word)

    # Repairs.

    async def _repair(self, step: int, wanted: bool) -> None:
        self._wanted = -1
        if not wanted:
            await self._pause()
        self.last_repair = step
        self._tell("modem: " + REPAIRS[step])
        from siaga.drivers import simcom_start

        try:
            await simcom_start.repair(self, self._power, step)
        except (SiagaError, OSError) as error:
            self.last_repair = max(step, RESET)
            self._tell("modem: %s failed: %s" % (REPAIRS[step], error))

    async def _switch_off(self) -> None:
        from siaga.drivers import simcom_start

        await simcom_start.switch_off(self.port, self._power)

    async def _pause(self) -> None:
        began_ms = self.clock.ms()
        chance = self._owner.chance()
        self._hurried = False
        while not self._hurried:
            longest_ms = _LONGEST_URGENT_MS if self._owner.is_urgent() else _LONGEST_MS
            wait_ms = back_off_ms(self._ladder.failures - 1, _FIRST_MS, longest_ms, chance)
            if self.clock.ms() - began_ms >= wait_ms * self.port.percent // 100:
                return
            await asyncio.sleep_ms(_LOOK_MS)

    # What it says unasked.

    def on_urc(self, line: bytes, payload: "bytes | None") -> None:
        if line.startswith(b"*ATREADY") or line == b"RDY":
            self.rebooted = True
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
