"""How the button goes to sleep: checks whether anybody needs it awake, puts its radios to rest, stores what it has to
remember."""

import asyncio

from siaga.app.board import RESTART, SLEEP


class SleepEntry:
    """Call begin() as soon as app/sleep.py says so, finish() when no task runs any more.

    over: set when the button is to stop
    end(why): stops it
    """

    def __init__(
        self,
        board: "Board",
        identity: "Identity",
        memory: "RtcMemory",
        reporter: "Reporter",
        supervision: "Supervision",
        hand: "Inputs",
        radios: "Radios",
        sleep: "Sleep",
        incident: "Incident",
        over: asyncio.Event,
        end: "End",
        modem_off: bool,
    ) -> None:
        self._board = board
        self._counter = identity.counter
        self._memory = memory
        self._reporter = reporter
        self._supervision = supervision
        self._hand = hand
        self._radios = radios
        self._sleep = sleep
        self._incident = incident
        self._over = over
        self._end = end
        self._modem_off = modem_off
        self._plan = 0, False, 0  # seconds, whether the modem stays connected, the last counter used

    def is_idle(self) -> bool:
        """Return whether nobody needs this button awake."""
        state = self._incident.state
        if state.opening or state.test or state.notice or self._hand.held or self._board.pressed():
            return False
        return not self._board.alarm_input() and not self._radios.calling and not self._over.is_set()

    async def begin(self, seconds: int) -> None:
        """End this run for a sleep this long, unless something happens while the radios are put to rest."""
        self._board.tell("log", {"what": "asleep for %d s" % seconds})
        connected = await self._radios.rest()
        if not self.is_idle():
            self._radios.rouse()
            self._board.tell("log", {"what": "awake: something came up"})
            return
        self._plan = seconds, connected, self._counter.used
        self._end(SLEEP)

    def finish(self) -> None:
        """Take the last step before deep sleep, when no task is left that could use another counter."""
        board = self._board
        seconds, connected, used = self._plan
        if self._counter.used != used:
            board.ended = RESTART  # an input came before the sleep did
            return
        reporter = self._reporter
        self._memory.low, self._memory.at_floor = reporter.low.on, reporter.floor.on
        self._sleep.remember(seconds, self._supervision.due_ms, connected, reporter.tamper_open, used + 1)
        board.sleep_ms = seconds * 1000
        board.modem_sleeps = not self._modem_off


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.app.board import Board
    from siaga.app.identity import Identity
    from siaga.app.incident import Incident
    from siaga.app.inputs import Inputs
    from siaga.app.radios import Radios
    from siaga.app.rtc_memory import RtcMemory
    from siaga.app.sleep import Sleep
    from siaga.app.status_report import Reporter
    from siaga.app.supervision import Supervision

    End = Callable[[str], None]
