"""Acts on the inputs: samples app/inputs.py all the time and does what each gesture means."""

import asyncio
import gc

from siaga.core import alarm, button_gestures, frame

_SAMPLE_MS = 15


class InputActions:
    """run() is the task. beat_ms: when it last sampled."""

    def __init__(
        self,
        board: "Board",
        clock: "Clock",
        hand: "Inputs",
        incident: "Incident",
        outbox: "Outbox",
        sleep: "Sleep",
        faults: "Faults",
    ) -> None:
        self._board = board
        self._clock = clock
        self._hand = hand
        self._incident = incident
        self._outbox = outbox
        self._sleep = sleep
        self._faults = faults
        self._held = self._closed = False  # as last logged
        self.beat_ms = clock.ms()

    async def run(self) -> None:
        """Sample button and external input, for ever."""
        hand = self._hand
        incident = self._incident
        while True:
            now_ms = self.beat_ms = self._clock.ms()
            for word in hand.sample(now_ms, incident.is_open):
                incident.pressed_stamp = self._board.stamp_ms()
                self.on_gesture(word)
            if hand.held != self._held:
                self._held = hand.held
                self._board.tell("button", {"down": self._held})
                incident.show()
            if self._held:
                self._sleep.stir()
            if hand.closed != self._closed:
                self._closed = hand.closed
                self._board.tell("input", {"closed": self._closed})
            await asyncio.sleep_ms(_SAMPLE_MS)

    def on_gesture(self, word: str) -> None:
        """Do what the gesture means; if memory is short, release what was set aside for it."""
        try:
            self._act_on(word)
        except MemoryError:
            self._outbox.reserve = None
            self._outbox.lighten()
            gc.collect()
            self._act_on(word)

    def _act_on(self, word: str) -> None:
        step, tell = self._incident.step, self._board.tell
        if word == button_gestures.PRESS:
            step((alarm.PRESSED, frame.TRIGGER_HOLD))
        elif word == button_gestures.TAPS:
            step((alarm.PRESSED, frame.TRIGGER_TRIPLE_TAP))
        elif word == button_gestures.CLOSED:
            step((alarm.PRESSED, frame.TRIGGER_EXTERNAL))
        elif word == button_gestures.STAYS:
            tell("error", {"what": "the external input has been closed for a minute: it cannot raise an alarm now"})
        elif word == button_gestures.TEST:
            step((alarm.TESTED,))
        elif word == button_gestures.TOUCH:
            self._sleep.stir()
            self._faults.count += 1  # reported in the next check-in: somebody may have needed help
            tell("log", {"what": "the touch that woke the button was too short for a press"})
            self._incident.show()
        elif word == button_gestures.STUCK:
            tell("error", {"what": "the button has been down for a minute: is it stuck?"})
        else:
            step((alarm.CANCELLED, word == button_gestures.DURESS))


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.board import Board
    from siaga.app.board_faults import Faults
    from siaga.app.incident import Incident
    from siaga.app.inputs import Inputs
    from siaga.app.outbox import Outbox
    from siaga.app.sleep import Sleep
    from siaga.drivers.clock import Clock
