"""Where the button is, by a receiver on a UART that talks NMEA 0183 by itself.

Nothing waits for a fix; whoever wants to know asks fix(). A receiver that falls silent, sends noise (a wrong bit
rate) or says the same moment again and again is started anew by whatever its board offers for that.
"""

import asyncio

from siaga.core.nmea import Decoder
from siaga.drivers.clock import Clock
from siaga.drivers.located import STALE_MS, Located

SILENT = "silent"  # no bytes
NOISE = "noise"  # bytes, but no sentence
SEARCHING = "searching"  # sentences that say that there is no fix
FROZEN = "frozen"  # a fix whose moment does not move on
FIXED = "fixed"

_CHUNK = 256
# A receiver speaks at least once a second; so long without the one or the other, and something is wrong with it.
_SILENT_MS = 5000
# The first restart, and the longest pause between two: a receiver under a roof must not lose its search to us.
_RESTART_MS = 15000
_LONGEST_RESTART_MS = 3600000


class Gnss(Located):
    """uart: any stream that asyncio can wait on. restart: does what the board can do (power off and on, the next usual
    bit rate), and is told how often it was called before."""

    def __init__(
        self,
        uart: "object",
        clock: Clock,
        record: bytes = b"",
        restart: "Callable[[int], None] | None" = None,
        ago_s: int = -1,
    ) -> None:
        super().__init__(clock, record, ago_s)
        self._reader = asyncio.StreamReader(uart)  # type: ignore[arg-type]
        self._restart = restart
        self._decoder = Decoder()
        self._heard_ms = self._sentence_ms = self._well_ms = clock.ms()
        self._has_position = False  # what the last sentence about it said
        self._restart_after_ms = _RESTART_MS
        self.restarts = self.failures = 0

    @property
    def rejected(self) -> int:
        return self._decoder.rejected + self.failures

    def state(self) -> str:
        """SILENT, NOISE, SEARCHING, FROZEN or FIXED."""
        now_ms = self._clock.ms()
        if now_ms - self._heard_ms > _SILENT_MS:
            return SILENT
        if now_ms - self._sentence_ms > _SILENT_MS:
            return NOISE
        if self._last.is_fresh(now_ms, STALE_MS):
            return FIXED
        return FROZEN if self._has_position else SEARCHING

    async def run(self) -> None:
        """Read for ever."""
        while True:
            try:
                chunk = await asyncio.wait_for_ms(self._reader.read(_CHUNK), 1000)  # type: bytes
            except (asyncio.TimeoutError, OSError):
                chunk = b""
            if chunk:
                self._take(chunk)
            else:
                await asyncio.sleep_ms(50)  # a line that is closed gives nothing at once, for ever
            self._watch()

    def _take(self, chunk: bytes) -> None:
        now_ms = self._clock.ms()
        decoder = self._decoder
        heard, positions, denials = decoder.heard, decoder.positions, decoder.denials
        for fix in decoder.feed(chunk):
            self._last.take(fix, now_ms)
        self._heard_ms = now_ms
        if decoder.heard > heard:
            self._sentence_ms = now_ms
        if decoder.denials > denials:
            self._has_position = False
        elif decoder.positions > positions:
            self._has_position = True

    def _watch(self) -> None:
        now_ms = self._clock.ms()
        if self.state() in (FIXED, SEARCHING):
            self._well_ms = now_ms
            self._restart_after_ms = _RESTART_MS
        elif self._restart is not None and now_ms - self._well_ms >= self._restart_after_ms:
            try:
                self._restart(self.restarts)
            except Exception:
                self.failures += 1  # what is heard all the same is read
            self.restarts += 1
            self._well_ms = now_ms
            self._restart_after_ms = min(self._restart_after_ms * 2, _LONGEST_RESTART_MS)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
