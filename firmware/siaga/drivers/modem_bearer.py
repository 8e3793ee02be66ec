"""The common part of a modem's bearers: a short queue, because the modem is slow with each frame and app/delivery.py
must not wait for it, and the back-off between failures."""

import asyncio

from micropython import const
from siaga.core import bearer_policy
from siaga.core.bearer_policy import Link as Policy
from siaga.core.bearer_policy import back_off_ms
from siaga.core.errors import SiagaError
from siaga.core.frame import kind_of
from siaga.drivers.bearer import Bearer
from siaga.drivers.simcom import ModemListener

LOOK_MS = const(50)
_QUEUE = const(8)
_LONGEST_URGENT_MS = const(4000)


class ModemBearer(Bearer, ModemListener):
    """A bearer over a modem. first_ms, longest_ms: the pause after a failure."""

    first_ms = 1000
    longest_ms = 60000

    def __init__(self, modem: "Modem", clock: "Clock", owner: "Owner", limit: int) -> None:
        self.policy = Policy(False, limit)
        self._modem = modem
        self._port = modem.port
        self._clock = clock
        self._owner = owner
        self._queue = []  # type: list[tuple[int, bytes]]
        self._sending = 0
        self._news = asyncio.Event()
        self._hurried = False
        self._why = ""
        modem.listeners.append(self)

    def signal(self) -> int:
        return self._modem.network.signal_dbm

    def hurry(self) -> None:
        self._hurried = True
        self._modem.hurry()

    async def send(self, counter: int, payload: bytes) -> None:
        """Queue a frame, more urgent ones first; one already being sent is not queued again."""
        if not self.policy.up:
            raise SiagaError("the modem is not connected")
        if counter == self._sending or any(waiting[0] == counter for waiting in self._queue):
            return
        if len(self._queue) >= _QUEUE:
            raise SiagaError("the modem has %d frames to send already" % _QUEUE)
        place = len(self._queue)
        rank = bearer_policy.priority(kind_of(payload))
        while place and rank < bearer_policy.priority(kind_of(self._queue[place - 1][1])):
            place -= 1
        self._queue.insert(place, (counter, payload))
        self._news.set()

    async def _send_next(self) -> int:
        """Return the counter of the frame that was sent; 0 after a moment without one. Raises what _hand_over
        raises."""
        if not self._queue:
            self._news.clear()
            try:
                await asyncio.wait_for_ms(self._news.wait(), 4 * LOOK_MS)
            except asyncio.TimeoutError:
                pass
            return 0
        counter, payload = self._queue.pop(0)
        self._sending = counter
        try:
            await self._hand_over(payload)
        finally:
            self._sending = 0
        return counter

    async def _hand_over(self, payload: bytes) -> None:
        """Send a frame; returns once something behind the modem has it."""

    def _is_up(self, why: str) -> None:
        self.policy.up = True
        self._why = ""
        self._owner.on_bearer(self, True, why)

    def _down(self, why: str) -> None:
        if self.policy.up or why != self._why:
            self.policy.up = False
            self._why = why
            self._queue.clear()
            self._owner.on_bearer(self, False, why)

    async def _pause(self, failures: int) -> None:
        began_ms = self._clock.ms()
        chance = self._owner.chance()
        self._hurried = False
        while not self._hurried:
            longest_ms = _LONGEST_URGENT_MS if self._owner.is_urgent() else self.longest_ms
            wait_ms = back_off_ms(failures, self.first_ms, longest_ms, chance)
            if self._clock.ms() - began_ms >= wait_ms * self._port.percent // 100:
                return
            await asyncio.sleep_ms(LOOK_MS)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.drivers.bearer import Owner
    from siaga.drivers.clock import Clock
    from siaga.drivers.simcom import Modem
