"""A RAK3172 behind its serial line: configured, joined, asked what it carries, and recovered.

Nothing it reported stays valid: its data rate and what that carries are asked before each frame, and whether AS923's
400 ms limit still applies is tested again while it does. The stack applies that limit until the network lifts it,
whatever the settings say, and no command reports it: but it refuses the data rates that the limit forbids.
"""

import asyncio

from micropython import const
from siaga.core import lorawan, rui3
from siaga.drivers.rui3_line import RakError

# Time for its start message; a silent module is ready as well by then.
_STARTS_MS = const(4000)
_RESTARTS_MS = const(2500)
# RP002: JOIN_ACCEPT_DELAY2 is 6 s, the request at DR0 1.5 s, the answer 1.8 s.
_JOIN_MS = const(14000)
_BUSY_MS = const(1000)
_BUSY_TRIES = const(6)
# Longer duty-cycle restrictions are waited for elsewhere.
LONGEST_BUSY_MS = const(25000)
_RESET_MS = const(100)
# The fastest data rate of the three default channels.
_FASTEST = const(5)
_UNKNOWN = const(0xFFFF)


class Module:
    """The module.

    reset: drives its RST, None if not wired
    data_rate: as last asked
    limit: bytes, as last asked
    """

    def __init__(self, line: "Rui3Line", settings: "LorawanSettings", reset: "Line | None" = None) -> None:
        self.line = line
        self._settings = settings
        self._reset = reset
        self._limited = lorawan.has_dwell(settings.band)
        self.data_rate = settings.first(self._limited)
        self.limit = 0
        # The payload it refused although it should fit, and at which data rate.
        self._refused = _UNKNOWN
        self._refused_rate = 0

    @property
    def slowest(self) -> int:
        """Return the longest-range data rate that carries a press."""
        return self._settings.slowest(self._limited)

    @property
    def first(self) -> int:
        """Return the initial data rate."""
        return self._settings.first(self._limited)

    # Session

    async def start_session(self, failures: int, anew: bool) -> None:
        """Keep the present session, unless it is to be started over, else join; after a failure at the longest-range
        data rate. Raises RakError, OSError."""
        line, settings = self.line, self._settings
        self._refused = _UNKNOWN
        keep = await self._configure() and not anew and await line.ask("NJS") == b"1"
        if keep:
            # At a data rate that the limit forbids or makes useless: the network had lifted the limit.
            self._limited = lorawan.has_dwell(settings.band) and (settings.dwell or await self._asked_rate() > 2)
        else:
            self._limited = lorawan.has_dwell(settings.band)
            await self._join(failures)
        if not settings.adr and not await self.use(self.first) and not self._limited:
            self._limited = lorawan.has_dwell(settings.band)
            await self.use(self.first)
        await self.measure()

    async def _join(self, failures: int) -> None:
        rate = self.first if failures % 2 == 0 else 0
        if not await self.use(rate) and rate < lorawan.DWELL_SLOWEST:
            await self.use(lorawan.DWELL_SLOWEST)
        self.line.forget()
        await self._tell("JOIN", "1:0:8:0")
        event = await self.line.until((b"+EVT:JOINED", b"+EVT:JOIN_FAILED", b"+EVT:JOIN FAILED"), _JOIN_MS)
        if not event:
            raise RakError("the module says nothing of its join within %d ms" % _JOIN_MS)
        if event != b"+EVT:JOINED":
            raise RakError("no LoRaWAN network answered (%s)" % str(event[5:], "ascii"), event)

    async def is_joined(self) -> bool:
        """Return whether it is joined. Raises RakError, OSError."""
        return await self.line.ask("NJS") == b"1"

    async def _configure(self) -> bool:
        """Write the settings that differ, and only those: each write wears the module's flash. Returns whether an
        earlier session is still valid with them."""
        line, settings = self.line, self._settings
        same = True
        if await line.ask("NWM") != b"1":
            same = False
            await self._leave_p2p()
        wanted = [("BAND", str(settings.band)), ("NJM", "1"), ("CLASS", "A"), ("CFM", "0")]
        if settings.dev_eui:
            wanted.append(("DEVEUI", settings.dev_eui))
        elif not await self._has_eui():
            raise RakError(
                "the LoRaWAN module lost its device EUI: lorawan_dev_eui must name that on its label", rui3.OK
            )
        wanted += [("APPEUI", settings.join_eui), ("APPKEY", settings.app_key), ("ADR", "1" if settings.adr else "0")]
        for name, value in wanted:
            if (await line.ask(name)).lower() != value.lower().encode():
                try:
                    await self._tell(name, value)
                except RakError as error:
                    if error.final != rui3.NO_BAND:
                        raise
                    raise RakError("this LoRaWAN module has no band %s: it is of another type" % value, error.final)
                same = same and name in ("CLASS", "CFM", "ADR")
        await self._sleep_as_wanted()
        return same

    async def _sleep_as_wanted(self) -> None:
        """By default it stays awake, at several mA. Asleep it receives worse, and old versions hang more often."""
        wanted = b"1" if self._settings.low_power else b"0"
        try:
            if await self.line.ask("LPM") != wanted:
                await self.line.tell("LPM", str(wanted, "ascii"))
        except RakError as error:
            if not error.is_refusal:
                raise

    async def _leave_p2p(self) -> None:
        """P2P reception would keep it busy, and changing the mode restarts it."""
        try:
            await self.line.tell("PRECV", "0")
        except RakError as error:
            if not error.is_refusal:
                raise
        await self.line.begin_anew(b"AT+NWM=1", _STARTS_MS)
        if await self.line.ask("NWM") != b"1":
            raise RakError("the LoRaWAN module stays in its P2P mode", rui3.BUSY)

    async def _has_eui(self) -> bool:
        """After a power cut a module sometimes starts with zeros; another start may bring them back."""
        if (await self.line.ask("DEVEUI")).strip(b"0"):
            return True
        await self.line.begin_anew(b"ATZ", _STARTS_MS)
        return bool((await self.line.ask("DEVEUI")).strip(b"0"))

    async def _tell(self, name: str, value: str) -> None:
        """Write a setting; a transmission and its windows delay that. Raises RakError, OSError."""
        for _ in range(_BUSY_TRIES):
            try:
                return await self.line.tell(name, value)
            except RakError as error:
                if error.final not in (rui3.BUSY, rui3.ERROR) or self.line.restricted_ms > LONGEST_BUSY_MS:
                    raise
                await asyncio.sleep_ms(max(self.line.restricted_ms, _BUSY_MS))
        await self.line.tell(name, value)

    # Capacity

    async def use(self, data_rate: int) -> bool:
        """Set the data rate. Returns whether the module took it. Raises RakError, OSError."""
        if await self._asked_rate() != data_rate:
            try:
                await self._tell("DR", str(data_rate))
            except RakError as error:
                if error.final != rui3.PARAMETER:
                    raise
                return False
        return True

    async def measure(self) -> None:
        """Ask for the data rate, and derive what it carries: at least a press. Raises RakError, OSError."""
        settings = self._settings
        if self._limited and not settings.dwell and await self._is_lifted():
            self._limited = False
            await self.use(self.first)
        self._note_data_rate(await self._asked_rate())
        if self.limit < lorawan.SHORT_FORM:
            # Whoever chose or reported that data rate: a press has to fit.
            await self.use(self.first)
            self._note_data_rate(await self._asked_rate())
        if self.limit < lorawan.SHORT_FORM:
            raise RakError("the LoRaWAN module stays at DR%d, which carries no press" % self.data_rate, rui3.PARAMETER)

    def _note_data_rate(self, data_rate: int) -> None:
        if data_rate != self._refused_rate:
            self._refused = _UNKNOWN
        self.data_rate = data_rate
        fits = lorawan.payload_limit(self._settings.band, data_rate, self._limited)
        self.limit = min(fits, self._refused - 1)

    async def _is_lifted(self) -> bool:
        try:
            await self.line.tell("DR", "0")
        except RakError as error:
            if error.final not in (rui3.PARAMETER, rui3.ERROR, rui3.BUSY):
                raise
            return False
        return True

    async def refuse(self, size: int) -> None:
        """Note that it takes no payload of this size, with no MAC command in the way. Raises RakError, OSError."""
        self._limited = lorawan.has_dwell(self._settings.band)
        if size <= lorawan.SHORT_FORM:
            await self.use(max(self.first, min(self.data_rate + 1, _FASTEST)))
        else:
            self._refused, self._refused_rate = size, self.data_rate
        await self.measure()

    def forgive(self) -> None:
        """Forget refusals: the network was heard, and they may no longer hold."""
        self._refused = _UNKNOWN

    async def _asked_rate(self) -> int:
        answer = await self.line.ask("DR")
        if not answer.isdigit() or len(answer) > 2:
            raise RakError("the module says its data rate is %r" % answer, answer)
        return int(answer)

    # Recovery

    async def revive(self, silent: bool) -> bool:
        """Probe it, unless known to be silent; restart it by command, which sometimes hangs; pull its RST. Returns
        whether it answers."""
        if not silent and await self._answers():
            return True
        try:
            if await self.line.begin_anew(b"ATZ", _RESTARTS_MS):
                return True
        except (RakError, OSError):
            pass  # the next question raises it again
        if await self._answers():
            return True
        if self._reset is None:
            return False
        before = self.line.restarts
        try:
            self._reset.value(1)
            await asyncio.sleep_ms(_RESET_MS)
        finally:
            self._reset.value(0)
        return await self.line.has_started(before, _STARTS_MS) or await self._answers()

    async def _answers(self) -> bool:
        try:
            return await self.line.is_alive()
        except RakError as error:
            return error.final == rui3.RESTARTED
        except OSError:
            return False


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.core.lorawan import LorawanSettings
    from siaga.drivers.board_parts import Line
    from siaga.drivers.rui3_line import Rui3Line
