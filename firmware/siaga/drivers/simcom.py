"""A SIMCom A76xx or SIM7600: from power-off to registered, and recovery from any fault.

The bearers on top (simcom_mqtt.py, simcom_sms.py) read `network` and `starts`, and request a repair by want(). A modem
can freeze until its power is cut (field experience): so faults are repaired ever deeper, and again from the beginning,
as long as the battery lasts. What no repair fixes (a locked SIM) triggers none, and the modem's receiver is still read.
Sources: SIMCom A76XX AT Command Manual V1.09, SIM7600 AT Command Manual V3.00.
"""

import asyncio

from micropython import const
from siaga.core import simcom
from siaga.core.at import AtError
from siaga.core.bearer_policy import back_off_ms
from siaga.core.errors import SiagaError
from siaga.core.simcom import RADIO, RESET, RepairLadder, repair_name
from siaga.drivers.at_port import AtPort, AtTimeout, Listener
from siaga.drivers.simcom_gnss import ModemReceiver
from siaga.drivers.simcom_network import CellularNetwork
from siaga.drivers.simcom_power import Switch
from siaga.drivers.simcom_sim import SimCard

_LOOK_MS = const(50)
_SEARCH_MS = const(180000)
_WATCH_MS = const(15000)
# Start-up messages of a completed start come no later than this.
_SETTLED_MS = const(10000)
# A modem that restarts more often than this is faulty.
_STEADY_MS = const(60000)
_NAMINGS = const(5)  # its commands depend on the model
_SIM_MS = const(20000)
_SIM_REPAIR_MS = const(60000)
_FIRST_MS = const(2000)
_LONGEST_MS = const(600000)
_LONGEST_URGENT_MS = const(8000)


class ModemListener:
    """A part that handles some of the modem's unsolicited results; nothing in it may wait."""

    def hear(self, line: bytes, payload: "bytes | None") -> bool:
        """Return whether it was for this part."""
        return False


class _Wanted(SiagaError):
    """A bearer requested a repair."""


class _Off(SiagaError):
    """Nobody wants it on."""


class _Anew(SiagaError):
    """It has to be set up again from the beginning, but is not faulty."""


class Modem(Listener):
    """The modem.

    network: what it is registered for
    card: its SIM
    receiver: its satellite receiver
    starts: how often it was set up; a bearer that sees it change starts over
    is_wanted: set it to False to switch the modem off
    is_calling: a call is up, or being made
    carries_messages: an SMS bearer is up, which a repair would interrupt
    model: as it reports itself
    last_repair: for the log and the tests
    on_told(what): called with what happens
    on_complaint(what): called with what a person has to fix
    """

    def __init__(self, stream: object, power: "Power", clock: "Clock", owner: "Owner", access: "Access") -> None:
        self.port = AtPort(stream, clock, self)
        self.listeners = []  # type: list[ModemListener]
        self.on_told = None  # type: OnTold | None
        self.on_complaint = None  # type: OnTold | None
        self.is_wanted = True
        self.is_calling = False
        self.carries_messages = False
        self.network = CellularNetwork(self.port, clock, self._tell)
        self.card = SimCard(self.port, clock, access)
        self.receiver = ModemReceiver(self.port, clock)
        self.starts = 0
        self.model = ""
        self.last_repair = -1
        self.clock = clock
        self._switch = Switch(self.port, power, clock)
        self._owner = owner
        self._access = access
        self._ladder = RepairLadder()
        self._wanted = -1
        self._why = ""
        self._complaint = ""
        self._moved = False
        self._hurried = False
        self._ready_ms = 0
        self._fell_ms = -_STEADY_MS
        self._rests = False
        self._roused = False

    async def rest(self, off: bool) -> bool:
        """Leave it off, or asleep and registered, before the chip sleeps. Returns whether that was achieved."""
        self._rests = True
        if self.receiver.is_on:
            await self.receiver.switch_off(self.is_old())
        if off:
            await self._switch.off_to_rest()
            return True
        return await self._switch.fall_asleep()

    def rouse(self) -> None:
        """Undo rest(): the chip stays awake after all."""
        self._rests = False
        self._roused = True

    def is_old(self) -> bool:
        """Return whether it is of the SIM7500/SIM7600 kind, with some different commands."""
        return "SIM7600" in self.model or "SIM7500" in self.model

    def want(self, step: int, why: str) -> None:
        """Request a repair from RADIO on; everything is down while it runs. Ignored while a call is up: the network may
        carry no data then, and whoever still needs the repair asks again."""
        if self.is_calling:
            return
        self._wanted = max(step, self._wanted)
        self._why = why

    def check(self) -> None:
        """Check at once whether the modem answers: something did not."""
        self._moved = True

    def hurry(self) -> None:
        """Cut pauses short: a press is pending."""
        self._hurried = True

    async def run(self) -> None:
        """Stay registered whenever possible; never returns."""
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
                    await self._switch.off()
                    continue
                except _Anew as error:
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
        self.receiver.gone()
        self.port.abandon("")
        self._tell("modem: " + why)

    def _tell(self, what: str) -> None:
        if self.on_told is not None:
            self.on_told(what)

    async def _begin(self) -> None:
        """Go from power-off to ready."""
        switch = self._switch
        await switch.wake()
        for _ in range(3):
            switch.greeted = False
            await self._prepare()
            if not switch.greeted:
                break  # else it restarted meanwhile, and has lost its setup
        self._moved = True
        self._roused = False
        self._ready_ms = self.clock.ms()
        self.starts += 1

    async def _prepare(self) -> None:
        """Set what a modem loses at each start, or may have been left with."""
        port = self.port
        await port.attempt("ATE0")
        port.parser.echoed = False
        await port.attempt("AT+CMEE=2")
        await port.attempt("AT+CMGF=0")  # before anybody's message can arrive
        for _ in range(_NAMINGS):
            self.model = simcom.model(await port.attempt("AT+CGMM", ""))
            if self.model:
                break
            await port.answers()  # that OK was the answer to something else
        if await self.card.open(_SIM_MS):
            await self.network.use(self._access)
        await self.network.prepare()
        await port.attempt("AT+CFUN=1", None, 20000)
        self._complain(self.card.why)

    def _complain(self, why: str) -> None:
        """Report once what only a person can fix."""
        if why == self._complaint:
            return
        self._complaint = why
        if why and self.card.locked and self.on_complaint is not None:
            self.on_complaint(why)
        elif why:
            self._tell("modem: " + why)

    # Registered

    async def _watch(self) -> None:
        """Monitor the registration until something fails, always with an exception."""
        searching_ms = self.clock.ms()
        look_ms = 0
        while True:
            if not self.is_wanted:
                raise _Off("off")
            if self._wanted >= 0:
                raise _Wanted(self._why)
            if self._roused:
                raise _Anew("roused")
            if self._rests:
                await asyncio.sleep_ms(_LOOK_MS)
                continue
            if self._switch.greeted:
                self._switch.greeted = False
                await self._check_start()
            if self._moved or self.clock.ms() >= look_ms:
                self._moved = False
                if self.card.why:
                    await self._look_at_card()
                    searching_ms = self.clock.ms()
                registered = await self.network.look()
                look_ms = self.clock.ms() + self.port.scaled(_WATCH_MS if registered or self.card.why else 1000)
                if registered:
                    searching_ms = self.clock.ms()
                    self._ladder.mended()
                elif self.clock.ms() - searching_ms > self.port.scaled(_SEARCH_MS):
                    raise AtError("no network in %d s" % (_SEARCH_MS // 1000))
            if not await self.receiver.step(self.is_old()):
                self._moved = True
            await asyncio.sleep_ms(_LOOK_MS)

    async def _check_start(self) -> None:
        """Handle a start-up message: a late one of the completed start, or it restarted and has lost everything."""
        now_ms = self.clock.ms()
        if now_ms - self._ready_ms < self.port.scaled(_SETTLED_MS) and not self.port.parser.echoed:
            try:
                if await self.network.is_prepared():
                    return
            except AtTimeout:
                pass
        fell_ms, self._fell_ms = self._fell_ms, now_ms
        if now_ms - fell_ms < self.port.scaled(_STEADY_MS):
            raise AtError("it restarts by itself again and again (brown-out?)")
        raise _Anew("it restarted by itself (brown-out?)")

    async def _look_at_card(self) -> None:
        """An unusable SIM may have been fixed; an unreadable one is worth a repair now and then."""
        if await self.card.open(0):
            raise _Anew("the SIM can be used now")
        self._complain(self.card.why)
        wait_ms = min(_SIM_REPAIR_MS << min(self._ladder.failures, 8), _LONGEST_MS)
        if not self.card.locked and self.clock.ms() - self._ready_ms > self.port.scaled(wait_ms):
            self._wanted = RADIO
            raise _Wanted(self.card.why)

    # Repairs

    async def _repair(self, step: int, wanted: bool) -> None:
        self._wanted = -1
        if not wanted:
            self._switch.greeted = False
            await self._pause()
            if self._switch.greeted:
                return  # it has just restarted by itself
        self.last_repair = step
        self._tell("modem: %s" % repair_name(step))
        switch = self._switch
        try:
            await (switch.radio if step == RADIO else switch.reset if step == RESET else switch.off)()
        except (SiagaError, OSError) as error:
            self.last_repair = max(step, RESET)
            self._tell("modem: %s failed: %s" % (repair_name(step), error))

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

    # Unsolicited results

    def on_urc(self, line: bytes, payload: "bytes | None") -> None:
        if line.startswith(b"*ATREADY") or line == b"RDY":
            self._switch.greeted = True
        elif line.startswith((b"+CREG:", b"+CGREG:", b"+CEREG:", b"+CPIN:")):
            self._moved = True
        elif not self.receiver.hear(line):
            for hearer in self.listeners:
                if hearer.hear(line, payload):
                    return

    def on_trouble(self, why: str) -> None:
        self._tell("modem: " + why)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.drivers.bearer import Owner
    from siaga.drivers.board_parts import Power
    from siaga.drivers.clock import Clock
    from siaga.drivers.simcom_sim import Access

    OnTold = Callable[[str], None]
