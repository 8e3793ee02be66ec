"""The satellite receiver inside a SIMCom modem: on while wanted, polled, and retried when it refuses.

It is optional: no failure or silence of it is a reason to repair the modem. Sources: SIMCom A76XX AT Command Manual
V1.09 (+CGNSSPWR, +CGNSSINFO), SIM7600 AT Command Manual V3.00 (+CGPS, +CVAUXV, +CVAUXS: the supply of an active
antenna, used by the vendor's board, 2.8 V). Plain AT+CGNSSPWR=1 is what users' logs show; there +CGNSSPWR: READY!
follows some 8 s later, on one module never.
"""

from micropython import const
from siaga.core.at import AtError, fields
from siaga.core.errors import SiagaError
from siaga.drivers.at_port import AtTimeout

_FIRST_MS = const(10000)
_LONGEST_MS = const(600000)
# A receiver that is off refuses AT+CGNSSINFO; one just switched on may.
_ERRORS = const(5)
_READY_MS = const(60000)


class ModemReceiver:
    """The receiver.

    wanted: whether it is to be on
    every_ms: how often it is polled then
    on_position(line): called with its answers, unparsed
    is_on: as far as is known
    """

    def __init__(self, port: "AtPort", clock: "Clock") -> None:
        self.wanted = False
        self.every_ms = 1000
        self.on_position = None  # type: OnPosition | None
        self.is_on = False
        self._port = port
        self._clock = clock
        self._due_ms = 0
        self._failures = 0
        self._errors = 0
        self._ready = False
        self._on_ms = 0

    def gone(self) -> None:
        """Note that the modem restarts, and the receiver with it."""
        self.is_on = False
        self._failures = 0
        self._due_ms = 0

    def hear(self, line: bytes) -> bool:
        """Return whether it was for this part."""
        if not line.startswith(b"+CGNSSPWR: READY"):
            return False
        self._ready = True
        return True

    async def step(self, old: bool) -> bool:
        """Do what is due, if anything. Returns False if the modem did not answer, which may have another reason."""
        if self._clock.ms() < self._due_ms or not (self.wanted or self.is_on):
            return True
        try:
            if not self.wanted:
                await self.switch_off(old)
            elif not self.is_on:
                await self._switch_on(old)
            else:
                await self._ask(old)
            return True
        except (SiagaError, OSError):
            self._failed()
            return False

    async def switch_off(self, old: bool) -> None:
        """Switch it off. Raises AtTimeout and OSError."""
        self.is_on = False
        for word in ("AT+CGPS=0", "AT+CVAUXS=0") if old else ("AT+CGNSSPWR=0",):
            await self._port.attempt(word)

    async def _switch_on(self, old: bool) -> None:
        self._ready = old  # the SIM7600 does not report it
        power = "CGPS" if old else "CGNSSPWR"
        if await self._is_powered(power):
            self._ready = True
        else:
            for word in ("AT+CVAUXV=2800", "AT+CVAUXS=1") if old else ():
                await self._port.attempt(word)
            try:
                await self._port.command("AT+CGPS=1,1" if old else "AT+CGNSSPWR=1")
            except AtTimeout:
                raise
            except AtError:
                if not await self._is_powered(power):
                    self._failed()
                    return
        self.is_on = True
        self._errors = 0
        self._on_ms = self._clock.ms()

    async def _is_powered(self, name: str) -> bool:
        for line in await self._port.attempt("AT+%s?" % name, "+%s:" % name):
            return fields(line)[0] == b"1"
        return False

    async def _ask(self, old: bool) -> None:
        now_ms = self._clock.ms()
        self._due_ms = now_ms + self.every_ms
        try:
            lines = await self._port.command("AT+CGNSSINFO", "+CGNSSINFO:")
        except AtTimeout:
            raise
        except AtError:
            self._errors += self._ready or now_ms - self._on_ms > self._port.scaled(_READY_MS)
            if self._errors >= _ERRORS:
                self._failed()
            return
        self._errors = 0
        for line in lines:
            if any(fields(line)[1:]):
                self._ready = True
                self._failures = 0
            if self.on_position is not None:
                self.on_position(line)
        if not self._ready and now_ms - self._on_ms > self._port.scaled(_READY_MS):
            await self.switch_off(old)
            self._failed()

    def _failed(self) -> None:
        """Retry from the beginning, with growing pauses."""
        self.is_on = False
        wait_ms = min(_FIRST_MS << self._failures, _LONGEST_MS)
        self._failures = min(self._failures + 1, 10)
        self._due_ms = self._clock.ms() + self._port.scaled(wait_ms)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.drivers.at_port import AtPort
    from siaga.drivers.clock import Clock

    OnPosition = Callable[[bytes], None]
