"""A satellite receiver on a UART that sends NMEA 0183 on its own.

Nothing waits for a fix; fix() returns the last one. A receiver that falls silent, sends noise (wrong bit rate) or
repeats the same fix is restarted by whatever means its board has.
"""

import asyncio

from siaga.core.nmea import Decoder
from siaga.drivers.last_fix import STALE_MS, LastKnownFix

SILENT = "silent"  # no bytes
NOISE = "noise"  # bytes, but no sentence
SEARCHING = "searching"  # sentences that report no fix
FROZEN = "frozen"  # a fix whose time does not advance
FIXED = "fixed"

_CHUNK = 256
# A receiver sends at least once a second; after this long without bytes, or without sentences, something is wrong.
_SILENT_MS = 5000
# Time to the first restart, and the longest pause between two: a receiver under a roof must not lose its search.
_RESTART_MS = 15000
_LONGEST_RESTART_MS = 3600000


class Gnss(LastKnownFix):
    """The receiver.

    uart: any stream that asyncio can wait on
    restart(before): does what the board can do (power cycle, next usual bit rate); before: how often it was called
        already
    """

    def __init__(
        self,
        uart: "object",
        clock: "Clock",
        record: bytes = b"",
        restart: "Callable[[int], None] | None" = None,
        ago_s: int = -1,
    ) -> None:
        super().__init__(clock, record, ago_s)
        self._reader = asyncio.StreamReader(uart)  # type: ignore[arg-type]
        self._restart = restart
        self._decoder = Decoder()
        self._heard_ms = self._sentence_ms = self._well_ms = clock.ms()
        self._has_position = False  # what the last position sentence said
        self._restart_after_ms = _RESTART_MS
        self.restarts = self.failures = 0

    @property
    def rejected(self) -> int:
        return self._decoder.rejected + self.failures

    def state(self) -> str:
        """Return SILENT, NOISE, SEARCHING, FROZEN or FIXED."""
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
                await asyncio.sleep_ms(50)  # a closed line returns nothing at once, for ever
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
                self.failures += 1  # what is received is read all the same
            self.restarts += 1
            self._well_ms = now_ms
            self._restart_after_ms = min(self._restart_after_ms * 2, _LONGEST_RESTART_MS)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.drivers.clock import Clock
