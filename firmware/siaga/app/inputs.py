"""Button and external input, from the chip's first instruction or from the moment they woke it."""

from siaga.app.board import BUTTON, INPUT, POWER, RESET
from siaga.core import button_gestures
from siaga.core.missed_button_samples import samples

# How long the light says that a touch was too short to be a press.
_TOO_SHORT_MS = 8000


class Inputs:
    """sample(), called a hundred times a second, yields the gestures.

    held: whether the button is down
    closed: whether the external input is closed
    """

    def __init__(self, board: "Board", settings: "Settings") -> None:
        self._board = board
        causes = board.causes()
        self._woken = BUTTON in causes
        self._button = button_gestures.Button(
            settings.hold_ms,
            settings.cancel_hold_ms,
            settings.duress_hold_ms,
            settings.triple_tap,
            POWER in causes,
            self._woken,
        )
        self._contact = button_gestures.Contact(causes[0] not in (POWER, RESET), INPUT in causes)
        self._begun = False
        self._noted = False
        self._touched_ms = -_TOO_SHORT_MS

    @property
    def held(self) -> bool:
        return self._button.held

    @property
    def closed(self) -> bool:
        return self._contact.closed

    def sample(self, now_ms: int, is_open: "IsOpen") -> "Iterator[str]":
        """Yield the gestures of core/button_gestures.py as they are recognised. is_open(): whether an incident is open
        at that moment. The first call also covers what happened before it."""
        if not self._begun:
            self._begun = True
            for early in self._catch_up(now_ms, is_open):
                yield self._heard(early, now_ms)
        for word in (self._button.sample(self._board.pressed(), now_ms, is_open()), self._listen(now_ms)):
            if word is not None:
                yield self._heard(word, now_ms)
        if self._button.is_undecided != self._noted:
            self._noted = self._button.is_undecided
            self._board.note_hold(self._noted)

    def _listen(self, now_ms: int) -> "str | None":
        return self._contact.sample(self._board.alarm_input(), now_ms)

    def _catch_up(self, now_ms: int, is_open: "IsOpen") -> "Iterator[str]":
        self._noted = True  # the hold that the board noted at an earlier start is decided now, or goes on
        early = self._board.early()
        held = early is not None and early.held_ms >= self._button.hold_ms
        if early is not None and early.before_ms > 0:
            self._button.sample(True, early.lines[0][1] - early.before_ms, is_open())
        elif self._woken and not held:
            self._button.sample(True, 0, is_open())  # the hold that woke it counts from there
        if early is None:
            return
        if held:
            yield button_gestures.PRESS  # held for long enough before the chip restarted
        elif early.lost:
            yield button_gestures.TOUCH
        for number, line in enumerate(early.lines[:2]):
            for acts, ms in samples(line, now_ms):
                if number:
                    word = self._contact.sample(acts, ms)
                else:
                    word = self._button.sample(acts, ms, is_open())
                if word is not None:
                    yield word

    def _heard(self, word: str, now_ms: int) -> str:
        self._touched_ms = now_ms if word == button_gestures.TOUCH else -_TOO_SHORT_MS
        return word

    def signal(self, now_ms: int) -> str:
        """Return what the light says about the button while nothing else goes on, "" = nothing."""
        if now_ms - self._touched_ms < _TOO_SHORT_MS:
            return "press_longer"
        return "press_for_test" if self._button.asks(now_ms) else ""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from siaga.app.board import Board
    from siaga.app.settings import Settings

    IsOpen = Callable[[], bool]
