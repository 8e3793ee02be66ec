"""What a frame reports about the button right now. Nothing here waits: what is unknown is sent as unknown."""

from siaga.core import alarm, frame
from siaga.core.hysteresis import BatteryThreshold
from siaga.drivers.battery import percent_above

# A position that only a check-in reported is news to an incident.
_OF_INCIDENT = (frame.PRESS, frame.UPDATE, frame.CANCEL)
# Sources from worst to best: cell tower, installed position, satellites.
_RANK = (frame.SOURCE_NONE, frame.SOURCE_NETWORK, frame.SOURCE_INSTALLED, frame.SOURCE_GNSS)
# How fast a holder may have moved since the fix, m/s; the gateway assumes the same.
_PACE = 5
# How far above the mark a cell has to be to count as charged again.
_RECOVERED_MV = 100


class Reporter:
    """Makes the reports.

    tamper_open: set by the supervision, which debounces it
    low, floor: whether the battery is below the settings' two marks
    restarted: true until the first frame after a start has reported it
    """

    def __init__(self, board: "Board", clock: "Clock", settings: "Settings", fix: "FixOf") -> None:
        """fix(): as Board.fix(), from whoever knows it."""
        self._board = board
        self._fix = fix
        self._clock = clock
        self._settings = settings
        self._sent_fix = 0
        self._sent_circle = 0
        self._sent_source = frame.SOURCE_NONE
        self.low = _threshold(settings.low_battery)
        self.floor = _threshold(settings.battery_floor - 1)
        self.restarted = True
        self.tamper_open = False

    def body(self, kind: int, flags: int, opening: int) -> bytes:
        """Return the 21 bytes of a report. flags: FLAG_ and TRIGGER_ values of this event; the others are added."""
        latitude, longitude, accuracy, age, number, source = self._position()
        if kind in _OF_INCIDENT:
            self._sent_fix = number
            self._sent_circle = accuracy + _PACE * age
            self._sent_source = source
        battery = self._board.battery()
        flags |= frame.flags(
            silent=self._settings.silent,
            external_power=self._board.external_power(),
            tamper_open=self.tamper_open,
            low_battery=self.low.on,
            restarted=self.restarted,
            source=source,
        )
        self.restarted = False
        return frame.encode_report(
            self._clock.unix(),
            latitude,
            longitude,
            accuracy,
            age,
            frame.UNKNOWN_BATTERY if battery is None else battery,
            flags,
            opening,
        )

    def news(self) -> int:
        """Return alarm.NO_FIX, NEW_FIX or BETTER_FIX: whether there is a fix that the incident's last frame did not
        have."""
        _, _, accuracy, age, number, source = self._position()
        if not number or number == self._sent_fix:
            return alarm.NO_FIX
        better = _RANK.index(source) - _RANK.index(self._sent_source)
        if better > 0 or better == 0 and (accuracy + _PACE * age) * 2 <= self._sent_circle:
            return alarm.BETTER_FIX
        return alarm.NEW_FIX

    def at_floor(self) -> bool:
        """Return whether the rest of the battery is reserved for the press: no more positions, and few repeats."""
        return self.floor.on and not self._board.external_power()

    def look_at_battery(self, now_ms: int, quiet: bool) -> bool:
        """Sample the battery; call it a few times a second. quiet: no radio is sending. Returns whether it became low,
        or recovered."""
        was = self.low.on
        percent = self._board.battery()
        self.low.look(now_ms, percent, quiet)
        self.floor.look(now_ms, percent, quiet)
        return self.low.on != was

    def _position(self) -> "tuple[int, int, int, int, int, int]":
        """Return latitude, longitude, accuracy, age, number (0 = no receiver fix) and source of the best position."""
        fix = self._fix()
        source = frame.SOURCE_GNSS if fix is None or len(fix) == 5 else fix[5]
        installed = self._settings.installed_position
        if fix is not None and (installed is None or source == frame.SOURCE_GNSS):
            return fix[:5] + (source,)
        if installed is None:
            unknown = frame.NO_POSITION
            return unknown, unknown, frame.UNKNOWN_ACCURACY, frame.UNKNOWN_FIX_AGE, 0, frame.SOURCE_NONE
        accuracy = installed[2] if len(installed) == 3 else frame.UNKNOWN_ACCURACY
        return installed[0], installed[1], accuracy, frame.UNKNOWN_FIX_AGE, 0, frame.SOURCE_INSTALLED


def _threshold(percent: int) -> BatteryThreshold:
    return BatteryThreshold(percent, percent_above(percent, _RECOVERED_MV))


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.app.board import Board
    from siaga.app.settings import Settings
    from siaga.drivers.clock import Clock

    FixOf = Callable[[], "tuple[int, int, int, int, int] | None"]
