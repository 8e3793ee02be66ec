"""When the button sleeps, and for how long: applies core/power_profile.py's rule to what goes on."""

from siaga.app.board import TIMER
from siaga.core import frame
from siaga.core.power_profile import sleep_s

# A check-in searches for a fix for this long, so that the next press has a fresh one.
_LOCATE_MS = 45000
_URGENT = (frame.PRESS, frame.CANCEL, frame.TAMPER)


class Sleep:
    """tick() says when to sleep; stir() notes activity."""

    def __init__(
        self, board: "Board", clock: "Clock", profile: "Profile", memory: "RtcMemory", outbox: "Outbox", checkin_s: int
    ) -> None:
        self._board = board
        self._clock = clock
        self._profile = profile
        self._memory = memory
        self._outbox = outbox
        self._checkin_s = checkin_s
        self._began_ms = self._stirred_ms = clock.ms()
        self.locates = profile.sleeps and board.woke_by() == TIMER

    def stir(self) -> None:
        """Note activity: an input, an answer, a command, a frame stored."""
        self._stirred_ms = self._clock.ms()

    def tick(self, idle: bool, at_floor: bool, due_ms: int, knows_place: bool) -> int:
        """Return how many seconds to sleep now, -1 = stay awake. due_ms: when the next check-in is due. knows_place:
        searching for a fix is pointless."""
        now_ms = self._clock.ms()
        if self.locates and (knows_place or now_ms - self._began_ms > _LOCATE_MS):
            self.locates = False
        entries = self._outbox.entries
        return sleep_s(
            self._profile,
            idle and not self.locates and not self._board.external_power(),
            now_ms - self._began_ms,
            now_ms - self._stirred_ms,
            bool(entries),
            any(entry.kind in _URGENT for entry in entries),
            at_floor,
            (due_ms - now_ms) // 1000,
            self._memory.failures,
            self._checkin_s,
        )

    def remember(self, seconds: int, due_ms: int, connected: bool, case_open: bool, counter: int) -> None:
        """Store the record, just before the sleep."""
        now_ms = self._clock.ms()
        memory = self._memory
        failures = memory.failures + 1 if self._outbox.entries else 0
        due_s = self._board.rtc.seconds() + max(due_ms - now_ms, 0) // 1000
        memory.sleep(due_s, memory.up_s + now_ms // 1000 + seconds, failures, connected, case_open, counter)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.board import Board
    from siaga.app.outbox import Outbox
    from siaga.app.rtc_memory import RtcMemory
    from siaga.core.power_profile import Profile
    from siaga.drivers.clock import Clock
