"""Where the button is, by whoever was asked: nothing waits for a fix; whoever wants to know asks fix()."""

from siaga.core.fix import LastFix
from siaga.drivers.clock import Clock

# A fix is fresh for so long.
STALE_MS = 10000


class Located:
    """The last fix with its age, whoever brought it. record: what saved() gave before a reset or deep sleep, ago_s
    seconds ago, -1 = nobody knows."""

    def __init__(self, clock: Clock, record: bytes = b"", ago_s: int = -1) -> None:
        self._clock = clock
        self._last = LastFix()
        self._last.restore(record, None if ago_s < 0 else clock.ms() - ago_s * 1000)

    @property
    def rejected(self) -> int:
        """Inputs refused since the start, for the check-in."""
        return 0

    def fix(self) -> "tuple[int, int, int, int, int] | None":
        """As app/board.py's fix(): latitude, longitude, accuracy, age, number. None = never known."""
        return self._last.known(self._clock.ms(), self._clock.unix())

    def moment(self) -> int:
        """The present moment by its satellites, Unix seconds; 0 = not known."""
        return self._last.moment(self._clock.ms())

    def saved(self) -> bytes:
        """The last fix for the next start; b"" = none."""
        return self._last.saved(self._clock.ms(), self._clock.unix())

    def is_fresh(self) -> bool:
        """Whether a new fix came in the last 10 s."""
        return self._last.is_fresh(self._clock.ms(), STALE_MS)
