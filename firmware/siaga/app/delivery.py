"""From the outbox to the gateway and back: sign, publish, try again until the gateway's own signed acknowledgement.

The broker's PUBACK ends nothing. An acknowledgement counts if its tag verifies for the very message whose counter it
names; what it changes is on the flash before its entry leaves the outbox. Each bearer is handed its frames beside the
others: one that takes its time, or hangs, holds up none of them.

Which form an acknowledgement answers it does not say. Stages 2 to 5 come whenever an operator does something, and
an answer to the short form may come late, by any bearer. So the signature of a press counts as arrived with an ACK of
a stage that only answers a frame (1 or 7), heard after the ES256 form went out, and written by the gateway so long
after its first answer that every copy of the short form had arrived by then. The two times are the gateway's own.
"""

import asyncio
import gc
import os

from siaga.app.acked import Acked
from siaga.app.board import Board
from siaga.app.identity import Identity
from siaga.app.outbox import SETTLE_S, Outbox
from siaga.core import bearers, frame
from siaga.core.bearers import Link, Waiting
from siaga.core.errors import FrameError, SiagaError
from siaga.drivers.bearer import Bearer, Owner
from siaga.drivers.clock import Clock

_BEAT_MS = 5000
# A certificate that ends so soon is told, and counted in the check-in.
_ENDS_DAYS = 30
# A bearer has deadlines of its own (a minute at most); one that does not keep them is given up.
_SEND_MS = 75000
# A gateway whose clock is before this has none itself.
_EARLIEST = 1735689600
# Frames that go out again and again keep their signature, which costs 200 ms on the chip.
_KEPT_SIGNED = (frame.PRESS, frame.CANCEL, frame.ENROL)
# Stages that are told in answer to a frame.
_ANSWERS = (frame.STAGE_RECEIVED, frame.STAGE_REFUSED)


class Delivery(Owner):
    """on_ack(entry or None, kind, counter, stage, eta) hears every verified acknowledgement (kind 0: of a test PRESS
    that waits no more), on_command(frame) every verified command, on_link() every change of a bearer. acked: digests of
    what was acknowledged. rejected: inputs refused since the start. up_ms: when a bearer was last up. sparse: the
    battery is nearly empty, so that even a press is repeated seldom."""

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
        self.acked = Acked()
        self._on_ack = on_ack
        self._on_command = on_command
        self._on_link = on_link
        self._wake = asyncio.Event()
        self.bearers = []  # type: list[Bearer]
        self.rejected = 0
        self.beat_ms = clock.ms()
        self.up_ms = clock.ms()
        self._was_up = False
        self.sparse = False
        self._starved = False
        self._ends = 0
        self._sent_ms = clock.ms() - _BEAT_MS
        self._sending = {}  # type: dict[int, tuple[asyncio.Task[None], int]]

    def sent_ago_ms(self, now_ms: int) -> int:
        """How long no radio has been sending a frame."""
        return 0 if self._sending else now_ms - self._sent_ms

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
        outbox = self._outbox
        try:
            while True:
                now_ms = self.beat_ms = self._clock.ms()
                self._give_up(links, now_ms)
                chosen = bearers.choose(outbox.entries, links, now_ms) or bearers.choose(outbox.owed, links, now_ms)
                if chosen is None:
                    self._wake.clear()
                    wait_ms = bearers.wait_ms(outbox.entries, links, now_ms, _BEAT_MS)
                    wait_ms = bearers.wait_ms(outbox.owed, links, now_ms, wait_ms)
                    try:
                        await asyncio.wait_for_ms(self._wake.wait(), max(wait_ms, 1))
                    except asyncio.TimeoutError:
                        pass
                    continue
                entry, index = chosen
                link = links[index]
                bearers.sent(entry, index, link, now_ms, self.chance(), self.sparse)
                link.busy = True
                self._sending[index] = (asyncio.create_task(self._send(entry, index, link)), now_ms)
                await asyncio.sleep_ms(0)
        except asyncio.CancelledError:
            for task, _ in self._sending.values():
                task.cancel()
            raise

    def _give_up(self, links: "list[Link]", now_ms: int) -> None:
        for index, sending in list(self._sending.items()):
            if now_ms - sending[1] >= _SEND_MS:
                self._board.tell("error", {"what": "bearer %s hangs over a frame" % self.bearers[index].name})
                sending[0].cancel()
                self._done(index, links[index])

    def _done(self, index: int, link: Link) -> None:
        self._sending.pop(index, None)
        self._sent_ms = self._clock.ms()
        link.busy = False
        self._wake.set()

    async def _send(self, entry: Waiting, index: int, link: Link) -> None:
        """Hand one frame to one bearer, beside whatever the others do."""
        bearer = self.bearers[index]
        try:
            signed = self._signed(entry, link.limit, bearer.name)
            await asyncio.sleep_ms(0)
            if entry.first_ms == bearers.NEVER:
                entry.first_ms = self._clock.ms()
            await bearer.send(entry.counter, signed)
            self._step(entry, "published", bearer.name)
        except (SiagaError, OSError) as error:
            # The bearer goes down by itself, and what waits is due again when it comes up.
            self._board.tell("log", {"what": "frame %d not sent on %s: %s" % (entry.counter, bearer.name, error)})
        except MemoryError:
            self._outbox.lighten()
            self.on_rejected("no memory for a frame: positions and check-ins were let go")
        except Exception as error:
            self._board.tell("error", {"what": "bearer %s failed over a frame: %s" % (bearer.name, repr(error))})
        self._done(index, link)

    def _signed(self, entry: Waiting, limit: int, name: str) -> bytes:
        form = bearers.form(entry.kind, len(entry.body), limit)
        if form is None:
            raise SiagaError("frame %d does not fit into %d bytes" % (entry.counter, limit))
        suite, length = form
        if suite == frame.HS256_64:
            if entry.owed >= 0:
                raise SiagaError("the signature of frame %d does not fit any more" % entry.counter)
            entry.short = True
        if entry.signed is not None and suite == frame.ES256:
            return entry.signed
        try:
            signed = self._identity.signed(suite, entry.kind, entry.counter, entry.body[:length])
        except MemoryError:
            if entry.kind == frame.ENROL or entry.owed >= 0:
                raise
            # A signature takes twenty kilobytes, the short form hardly any: the gateway knows it as well, and the
            # signature follows.
            self._starved = entry.short = True
            signed = self._identity.signed(frame.HS256_64, entry.kind, entry.counter, entry.body)
            suite = frame.HS256_64
        if suite == frame.ES256 and entry.kind in _KEPT_SIGNED and entry.owed < 0:
            entry.signed = signed
        self._step(entry, "signed", name)
        return signed

    def _step(self, entry: Waiting, step: str, name: str) -> None:
        self._board.tell("frame", {"kind": entry.kind, "counter": entry.counter, "step": step, "bearer": name})

    def on_bearer(self, bearer: Bearer, up: bool, why: str) -> None:
        now_ms = self._clock.ms()
        if up:
            index = self.bearers.index(bearer)
            bearers.renewed(self._outbox.entries, index, bearer.policy, now_ms)
            bearers.renewed(self._outbox.owed, index, bearer.policy, now_ms)
        if up or self._was_up:
            self.up_ms = now_ms
        self._was_up = self.is_up()
        self._wake.set()
        self._board.tell("bearer", {"bearer": bearer.name, "up": up, "why": why})
        self._on_link()

    def on_puback(self, bearer: Bearer, counter: int) -> None:
        entry = self._outbox.find(counter) or self._outbox.find_owed(counter)
        if entry is not None:
            bearers.taken(entry, self.bearers.index(bearer))
            self._step(entry, "puback", bearer.name)

    def on_rejected(self, why: str) -> None:
        self.rejected += 1
        self._board.tell("log", {"what": "refused: " + why})

    def on_certificate(self, ends: int, depth: int) -> None:
        whose = "authority" if depth else "broker"
        self._board.tell("certificate", {"ends": ends, "of": whose})
        left = (ends - max(self._clock.unix(), self._clock.floor)) // 86400
        if left < _ENDS_DAYS and self._ends != ends:
            self._ends = ends
            self.rejected += 1
            what = "the certificate of the %s ends in %d days: no link after that" % (whose, left)
            self._board.tell("error", {"what": what})

    def is_urgent(self) -> bool:
        return self._outbox.holds(frame.PRESS)

    def chance(self) -> int:
        return int.from_bytes(os.urandom(2), "big")

    def on_downlink(self, bearer: Bearer, payload: bytes) -> None:
        """A frame from the gateway, or from somebody who would like to be it."""
        try:
            down = self._identity.verified(payload, self._digest_of)
        except FrameError as error:
            if error.reason == "message" and 0 < int.from_bytes(payload[10:14], "big") <= self._identity.counter.used:
                # An answer to a repetition, as a rule. Whose it is nobody can tell, and it changes nothing.
                self._board.tell("log", {"what": "not looked at: %s" % error})
            else:
                self.on_rejected("a downlink (%s): %s" % (error.reason, error))
            return
        if down.kind == frame.COMMAND:
            try:
                self._on_command(down)
            except MemoryError:
                # It would come again with every connection; the gateway sends it again when it matters less.
                self.on_rejected("a command for which there is no memory")
        else:
            try:
                self._acknowledged(down, bearer.name)
            except MemoryError:
                self._outbox.lighten()
                gc.collect()
                self._acknowledged(down, bearer.name)

    def _digest_of(self, counter: int) -> "bytes | None":
        """Of the message with this counter, while it is held."""
        entry = self._outbox.find(counter) or self._outbox.find_owed(counter)
        if entry is not None:
            return frame.event_digest(entry.kind, counter, entry.body)
        item = self.acked.find(counter)
        return None if item is None else item[2]

    def _acknowledged(self, down: frame.Down, name: str) -> None:
        entry = self._outbox.find(down.counter)
        held = entry or self._outbox.find_owed(down.counter)
        if held is not None:
            self.acked.note(0 if bearers.is_test(held) else held.kind, held.counter, held.body)
        # Only the answer to something that still waits is fresh; an old one, played again, has an old time.
        if entry is not None and down.time >= _EARLIEST and self._clock.set_unix(down.time, self._age_ms(entry)):
            self._board.tell("log", {"what": "clock set by the gateway: %d" % down.time})
        stage = down.stage or 0
        eta = None if down.eta == frame.UNKNOWN_ETA else down.eta
        self._board.tell("ack", {"counter": down.counter, "stage": stage, "eta": eta})
        item = self.acked.find(down.counter)
        self._on_ack(entry, item[0] if item is not None else 0, down.counter, stage, eta)
        try:
            if entry is None:
                self._witnessed(down, name)
            elif entry.short and bearers.is_evidence(entry) and self._may_owe():
                self._outbox.owe(entry, down.time, self._clock.ms())
                self._wake.set()
            else:
                if entry.kind == frame.ENROL:
                    self._identity.note_enrolled()
                self._outbox.remove(entry)
        except OSError as error:
            self._board.tell("error", {"what": "the flash does not take a change: %s" % error})
        if entry is not None:
            self._step(entry, "acknowledged", name)

    def _age_ms(self, entry: Waiting) -> int:
        """For how long there can have been an answer to it, -1 = nobody knows: an earlier run may have sent it."""
        if entry.first_ms < 0 or entry.kind == frame.ENROL:
            return -1
        return self._clock.ms() - entry.first_ms

    def _may_owe(self) -> bool:
        """Whether a short form goes out of this button at all."""
        return self._starved or any(one.policy.narrow for one in self.bearers)

    def _witnessed(self, down: frame.Down, name: str) -> None:
        """Whether an acknowledgement of something that no longer waits answers its signature."""
        owed = self._outbox.find_owed(down.counter)
        if owed is None or down.stage not in _ANSWERS or down.time < owed.owed + SETTLE_S or not any(owed.attempts):
            return
        self._outbox.remove(owed)
        self._step(owed, "witnessed", name)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    OnAck = Callable[["Waiting | None", int, int, int, "int | None"], None]
    OnCommand = Callable[[frame.Down], None]
    OnLink = Callable[[], None]
