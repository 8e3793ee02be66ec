"""The hand: button and external input, from the chip's first line or from the moment in which they woke it."""

from siaga.app.board import BUTTON, INPUT, POWER, RESET, Board
from siaga.app.chosen import Settings
from siaga.core import button
from siaga.core.replay import samples

# How long the light says that a touch was too short to be a press.
_TOO_SHORT_MS = 8000


class Hand:
    """feel() a hundred times a second says what was meant. held: whether the button is down. closed: whether the
    external input is."""

    def __init__(self, board: Board, settings: Settings) -> None:
        self._board = board
        causes = board.causes()
        self._woken = BUTTON in causes
        self._button = button.Button(
            settings.hold_ms,
            settings.cancel_hold_ms,
            settings.duress_hold_ms,
            settings.triple_tap,
            POWER in causes,
            self._woken,
        )
        self._contact = button.Contact(causes[0] not in (POWER, RESET), INPUT in causes)
        self._begun = False
        self._noted = False
        self._touched_ms = -_TOO_SHORT_MS

    @property
    def held(self) -> bool:
        return self._button.held

    @property
    def closed(self) -> bool:
        return self._contact.closed

    def feel(self, now_ms: int, is_open: "IsOpen") -> "Iterator[str]":
        """The words of core/button.py, as they are understood; is_open() tells whether an incident is open at each. The
        first time also for what happened before."""
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
        self._noted = True  # what the board has noted of a start before this one is decided now, or goes on
        early = self._board.early()
        held = early is not None and early.held_ms >= self._button.hold_ms
        if early is not None and early.before_ms > 0:
            self._button.sample(True, early.lines[0][1] - early.before_ms, is_open())
        elif self._woken and not held:
            self._button.sample(True, 0, is_open())  # the hold that woke it counts from there
        if early is None:
            return
        if held:
            yield button.PRESS  # held for long enough before the chip started anew
        elif early.lost:
            yield button.TOUCH
        for number, line in enumerate(early.lines[:2]):
            for acts, ms in samples(line, now_ms):
                if number:
                    word = self._contact.sample(acts, ms)
                else:
                    word = self._button.sample(acts, ms, is_open())
                if word is not None:
                    yield word

    def _heard(self, word: str, now_ms: int) -> str:
        self._touched_ms = now_ms if word == button.TOUCH else -_TOO_SHORT_MS
        return word

    def signal(self, now_ms: int) -> str:
        """What the light says of the hand while nothing else goes on: "" = nothing."""
        if now_ms - self._touched_ms < _TOO_SHORT_MS:
            return "press_longer"
        return "press_for_test" if self._button.asks(now_ms) else ""


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    IsOpen = Callable[[], bool]
