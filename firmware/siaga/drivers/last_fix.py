"""The last known fix, from any receiver: nothing waits for a fix; fix() returns the last one."""

from siaga.core.fix import LastFix

# A fix is fresh for this long.
STALE_MS = 10000


class LastKnownFix:
    """Holds the last known fix with its age. record: what saved() returned before a reset or deep sleep, ago_s seconds
    ago, -1 = unknown."""

    def __init__(self, clock: "Clock", record: bytes = b"", ago_s: int = -1) -> None:
        self._clock = clock
        self._last = LastFix()
        self._last.restore(record, None if ago_s < 0 else clock.ms() - ago_s * 1000)

    @property
    def rejected(self) -> int:
        """Return the number of inputs refused since the start, for the check-in."""
        return 0

    def fix(self) -> "tuple[int, int, int, int, int] | None":
        """Return latitude, longitude, accuracy, age, number, as app/board.py's fix(). None = never known."""
        return self._last.known(self._clock.ms(), self._clock.unix())

    def moment(self) -> int:
        """Return the present time from its satellites, Unix seconds; 0 = unknown."""
        return self._last.moment(self._clock.ms())

    def saved(self) -> bytes:
        """Return the last fix as bytes for the next start; b"" = none."""
        return self._last.saved(self._clock.ms(), self._clock.unix())

    def is_fresh(self) -> bool:
        """Return whether a new fix came in the last 10 s."""
        return self._last.is_fresh(self._clock.ms(), STALE_MS)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.clock import Clock
