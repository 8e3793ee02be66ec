"""From the outbox to the gateway and back: sign, publish, try again until the gateway's own signed acknowledgement.

The broker's PUBACK ends nothing. An acknowledgement counts if its tag verifies and its counter is one that this button
used; what it changes is on the flash before its entry leaves the outbox.
"""

import asyncio
import os

from siaga.app.board import Board
from siaga.app.identity import Identity
from siaga.app.outbox import Outbox
from siaga.core import bearers, frame
from siaga.core.bearers import Waiting
from siaga.core.errors import FrameError, SiagaError
from siaga.drivers.bearer import Bearer, Owner
from siaga.drivers.clock import Clock

_BEAT_MS = 5000
# A gateway whose clock is before this has none itself.
_EARLIEST = 1735689600
# Frames that go out again and again keep their signature, which costs 200 ms on the chip.
_KEPT_SIGNED = (frame.PRESS, frame.CANCEL, frame.ENROL)


class Delivery(Owner):
    """on_ack(entry or None, counter, stage, eta) hears every verified acknowledgement, on_command(frame) every
    verified command, on_link() every change of a bearer. rejected: inputs refused since the start. up_ms: when a
    bearer was last up."""

    def __init__(
        self,
        board: Board,
        clock: Clock,
        identity: Identity,
        outbox: Outbox,
        on_ack: "OnAck",
        on_command: "OnCommand",
        on_link: "OnLink",
    ) -> None:
        self._board = board
        self._clock = clock
        self._identity = identity
        self._outbox = outbox
        self._on_ack = on_ack
        self._on_command = on_command
        self._on_link = on_link
        self._wake = asyncio.Event()
        self.bearers = []  # type: list[Bearer]
        self.rejected = 0
        self.beat_ms = clock.ms()
        self.up_ms = clock.ms()
        self._was_up = False

    def is_up(self) -> bool:
        """Whether any bearer takes frames."""
        return any(bearer.policy.up for bearer in self.bearers)

    def in_use(self) -> "Bearer | None":
        """The bearer that is used first now."""
        for bearer in self.bearers:
            if bearer.policy.up:
                return bearer
        return None

    def kept(self, kind: int) -> None:
        """Something new is in the outbox."""
        self._wake.set()
        if kind == frame.PRESS:
            for bearer in self.bearers:
                bearer.hurry()

    async def run(self) -> None:
        """Send what is due, for ever."""
        links = [bearer.policy for bearer in self.bearers]
        while True:
            self.beat_ms = self._clock.ms()
            chosen = bearers.choose(self._outbox.entries, links, self.beat_ms)
            if chosen is None:
                self._wake.clear()
                wait_ms = bearers.wait_ms(self._outbox.entries, links, self.beat_ms, _BEAT_MS)
                try:
                    await asyncio.wait_for_ms(self._wake.wait(), max(wait_ms, 1))
                except asyncio.TimeoutError:
                    pass
                continue
            await self._send(chosen[0], chosen[1], links[chosen[1]].limit)

    async def _send(self, entry: Waiting, index: int, limit: int) -> None:
        bearer = self.bearers[index]
        bearers.sent(entry, index, self._clock.ms(), self.chance())
        signed = self._signed(entry, limit, bearer.name)
        await asyncio.sleep_ms(0)
        try:
            await bearer.send(entry.counter, signed)
        except (SiagaError, OSError) as error:
            # The bearer goes down by itself, and what waits is due again when it comes up.
            self._board.tell("log", {"what": "frame %d not sent on %s: %s" % (entry.counter, bearer.name, error)})
            return
        self._step(entry, "published", bearer.name)

    def _signed(self, entry: Waiting, limit: int, name: str) -> bytes:
        form = bearers.form(entry.kind, len(entry.body), limit)
        if form is None:
            raise SiagaError("frame %d does not fit into %d bytes" % (entry.counter, limit))
        suite, length = form
        if entry.signed is not None and suite == frame.ES256:
            return entry.signed
        signed = self._identity.signed(suite, entry.kind, entry.counter, entry.body[:length])
        if suite == frame.ES256 and entry.kind in _KEPT_SIGNED:
            entry.signed = signed
        self._step(entry, "signed", name)
        return signed

    def _step(self, entry: Waiting, step: str, name: str) -> None:
        self._board.tell("frame", {"kind": entry.kind, "counter": entry.counter, "step": step, "bearer": name})

    def on_bearer(self, bearer: Bearer, up: bool, why: str) -> None:
        now_ms = self._clock.ms()
        if up:
            bearers.renewed(self._outbox.entries, self.bearers.index(bearer), now_ms)
        if up or self._was_up:
            self.up_ms = now_ms
        self._was_up = self.is_up()
        self._wake.set()
        self._board.tell("bearer", {"bearer": bearer.name, "up": up, "why": why})
        self._on_link()

    def on_puback(self, bearer: Bearer, counter: int) -> None:
        entry = self._outbox.find(counter)
        if entry is not None:
            self._step(entry, "puback", bearer.name)

    def on_rejected(self, why: str) -> None:
        self.rejected += 1
        self._board.tell("log", {"what": "refused: " + why})

    def is_urgent(self) -> bool:
        return self._outbox.holds(frame.PRESS)

    def chance(self) -> int:
        return int.from_bytes(os.urandom(2), "big")

    def on_downlink(self, bearer: Bearer, payload: bytes) -> None:
        """A frame from the gateway, or from somebody who would like to be it."""
        try:
            down = self._identity.verified(payload)
        except FrameError as error:
            self.on_rejected("a downlink (%s): %s" % (error.reason, error))
            return
        if down.kind == frame.COMMAND:
            self._on_command(down)
        else:
            self._acknowledged(down, bearer.name)

    def _acknowledged(self, down: frame.Down, name: str) -> None:
        if not 0 < down.counter <= self._identity.counter.used:
            self.on_rejected("an acknowledgement of frame %d, which was never sent" % down.counter)
            return
        entry = self._outbox.find(down.counter)
        # Only the answer to something that still waits is fresh; an old one, played again, has an old time.
        if entry is not None and down.time >= _EARLIEST and self._clock.set_unix(down.time):
            self._board.tell("log", {"what": "clock set by the gateway: %d" % down.time})
        stage = down.stage or 0
        eta = None if down.eta == frame.UNKNOWN_ETA else down.eta
        self._board.tell("ack", {"counter": down.counter, "stage": stage, "eta": eta})
        self._on_ack(entry, down.counter, stage, eta)
        if entry is None:
            return
        try:
            if entry.kind == frame.ENROL:
                self._identity.note_enrolled()
            self._outbox.remove(entry)
        except OSError as error:
            self._board.tell("error", {"what": "the flash does not take a change: %s" % error})
        self._step(entry, "acknowledged", name)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    OnAck = Callable[["Waiting | None", int, int, "int | None"], None]
    OnCommand = Callable[[frame.Down], None]
    OnLink = Callable[[], None]
