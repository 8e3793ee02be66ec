"""What a frame says about the button at this moment. Nothing here waits: what is not known is sent as not known."""

from siaga.app.board import Board
from siaga.app.chosen import Settings
from siaga.core import alarm, frame
from siaga.drivers.clock import Clock

# A position that only a check-in told is news to an incident.
_OF_INCIDENT = (frame.PRESS, frame.UPDATE, frame.CANCEL)


class Reporter:
    """low_battery, tamper_open: set by the supervision, which knows how to ignore a flicker. restarted: true until
    the first frame after a start has said so."""

    def __init__(self, board: Board, clock: Clock, settings: Settings, fix: "FixOf") -> None:
        """fix() is Board.fix(), from whoever knows it."""
        self._board = board
        self._fix = fix
        self._clock = clock
        self._settings = settings
        self._sent_fix = 0
        self._sent_accuracy = frame.UNKNOWN_ACCURACY
        self.restarted = True
        self.low_battery = False
        self.tamper_open = False

    def body(self, kind: int, flags: int, opening: int) -> bytes:
        """The 21 bytes of a report. flags: FLAG_ and TRIGGER_ values of this event; the rest is added."""
        latitude, longitude, accuracy, age, number, source = self._position()
        if kind in _OF_INCIDENT:
            self._sent_fix = number
            self._sent_accuracy = accuracy
        battery = self._board.battery()
        flags |= frame.flags(
            silent=self._settings.silent,
            external_power=self._board.external_power(),
            tamper_open=self.tamper_open,
            low_battery=self.low_battery,
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
        """alarm.NO_FIX, NEW_FIX or BETTER_FIX: whether there is a fix that the incident's last frame did not tell."""
        fix = self._fix()
        if fix is None or fix[4] == self._sent_fix:
            return alarm.NO_FIX
        if not self._sent_fix or fix[2] * 2 <= self._sent_accuracy:
            return alarm.BETTER_FIX
        return alarm.NEW_FIX

    def _position(self) -> "tuple[int, int, int, int, int, int]":
        fix = self._fix()
        if fix is not None:
            return fix + (frame.SOURCE_GNSS,)
        installed = self._settings.installed_position
        if installed is None:
            unknown = frame.NO_POSITION
            return unknown, unknown, frame.UNKNOWN_ACCURACY, frame.UNKNOWN_FIX_AGE, 0, frame.SOURCE_NONE
        accuracy = installed[2] if len(installed) == 3 else frame.UNKNOWN_ACCURACY
        return installed[0], installed[1], accuracy, frame.UNKNOWN_FIX_AGE, 0, frame.SOURCE_INSTALLED


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    FixOf = Callable[[], "tuple[int, int, int, int, int] | None"]
