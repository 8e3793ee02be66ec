"""From the outbox to the gateway and back: sign, publish, retry until the gateway's own signed acknowledgement.

The broker's PUBACK settles nothing. An acknowledgement counts if its tag verifies for the very message whose counter
it names; its effect is on flash before the entry leaves the outbox. Bearers get their frames in parallel: a slow or
hanging one delays no other.

An acknowledgement does not say which form it answers. Stages 2 to 5 come whenever an operator acts, and an answer to
the short form may come late, over any bearer. So a press's signature counts as delivered with an ACK of a stage that
only answers a frame (1 or 7), heard after the ES256 form went out, and written by the gateway long enough after its
first answer that every copy of the short form had arrived by then. Both times are the gateway's own.
"""

import asyncio
import gc
import os

from siaga.app.acked_digests import Acked
from siaga.app.outbox import SETTLE_S
from siaga.core import bearer_policy, frame
from siaga.core.errors import FrameError, SiagaError
from siaga.drivers.bearer import Owner

_BEAT_MS = 5000
# A certificate that expires within this is logged, and counted in the check-in.
_ENDS_DAYS = 30
# Bearers have deadlines of their own (a minute at most); one that misses them is abandoned after this.
_SEND_MS = 75000
# A gateway whose clock is before this has no valid time.
_EARLIEST = 1735689600
# Frames that are sent again and again keep their signature: it costs 200 ms on the chip.
_KEPT_SIGNED = (frame.PRESS, frame.CANCEL, frame.ENROL)
# Stages sent only in answer to a frame.
_ANSWERS = (frame.STAGE_RECEIVED, frame.STAGE_REFUSED)


class Delivery(Owner):
    """Delivers the outbox over the bearers.

    on_ack(entry or None, kind, counter, stage, eta, time): called for every verified acknowledgement (kind 0: of a test
    PRESS no longer pending)
    on_command(frame): called for every verified command
    on_link(): called whenever a bearer goes up or down
    acked: digests of acknowledged messages
    rejected: inputs refused since the start
    up_ms: when a bearer was last up
    sparse: the battery is nearly empty, so even a press is repeated rarely
    """

    def __init__(
        self,
        board: "Board",
        clock: "Clock",
        identity: "Identity",
        outbox: "Outbox",
        proof: "CheckinProof",
        on_ack: "OnAck",
        on_command: "OnCommand",
        on_link: "OnLink",
    ) -> None:
        self._board = board
        self._clock = clock
        self._identity = identity
        self._outbox = outbox
        self._proof = proof
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
        """Return the milliseconds since a radio last sent a frame."""
        return 0 if self._sending else now_ms - self._sent_ms

    def is_up(self) -> bool:
        """Return whether any bearer takes frames."""
        return any(bearer.policy.up for bearer in self.bearers)

    def in_use(self) -> "Bearer | None":
        """Return the bearer that is currently preferred."""
        for bearer in self.bearers:
            if bearer.policy.up:
                return bearer
        return None

    def kept(self, kind: int) -> None:
        """Note a new entry in the outbox."""
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
                chosen = bearer_policy.choose(outbox.entries, links, now_ms) or bearer_policy.choose(
                    outbox.owed, links, now_ms
                )
                if chosen is None:
                    self._wake.clear()
                    wait_ms = bearer_policy.wait_ms(outbox.entries, links, now_ms, _BEAT_MS)
                    wait_ms = bearer_policy.wait_ms(outbox.owed, links, now_ms, wait_ms)
                    try:
                        await asyncio.wait_for_ms(self._wake.wait(), max(wait_ms, 1))
                    except asyncio.TimeoutError:
                        pass
                    continue
                entry, index = chosen
                link = links[index]
                bearer_policy.sent(entry, index, link, now_ms, self.chance(), self.sparse)
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

    def _done(self, index: int, link: "Link") -> None:
        self._sending.pop(index, None)
        self._sent_ms = self._clock.ms()
        link.busy = False
        self._wake.set()

    async def _send(self, entry: "Waiting", index: int, link: "Link") -> None:
        """Hand one frame to one bearer, in parallel with the others."""
        bearer = self.bearers[index]
        try:
            signed = self._signed(entry, link.limit, bearer.name)
            await asyncio.sleep_ms(0)
            if entry.first_ms == bearer_policy.NEVER:
                entry.first_ms = self._clock.ms()
            await bearer.send(entry.counter, signed)
            self._step(entry, "published", bearer.name)
        except (SiagaError, OSError) as error:
            # The bearer goes down by itself; what is pending is due again when it comes up.
            self._board.tell("log", {"what": "frame %d not sent on %s: %s" % (entry.counter, bearer.name, error)})
        except MemoryError:
            self._outbox.lighten()
            self.on_rejected("no memory for a frame: positions and check-ins were let go")
        except Exception as error:
            self._board.tell("error", {"what": "bearer %s failed over a frame: %s" % (bearer.name, repr(error))})
        self._done(index, link)

    def _signed(self, entry: "Waiting", limit: int, name: str) -> bytes:
        # Without a gateway's key there is no MAC.
        by_mac = entry.kind == frame.CHECKIN and self._identity.mac_up != b"" and not self._proof.signs(entry)
        form = bearer_policy.form(entry.kind, len(entry.body), limit, by_mac)
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
            # A signature needs twenty kilobytes, the short form hardly any: the gateway accepts it too, and the
            # signature follows.
            self._starved = entry.short = True
            signed = self._identity.signed(frame.HS256_64, entry.kind, entry.counter, entry.body)
            suite = frame.HS256_64
        if suite == frame.ES256 and entry.kind in _KEPT_SIGNED and entry.owed < 0:
            entry.signed = signed
        self._step(entry, "signed", name)
        return signed

    def _step(self, entry: "Waiting", step: str, name: str) -> None:
        self._board.tell("frame", {"kind": entry.kind, "counter": entry.counter, "step": step, "bearer": name})

    def on_bearer(self, bearer: "Bearer", up: bool, why: str) -> None:
        now_ms = self._clock.ms()
        if up:
            index = self.bearers.index(bearer)
            bearer_policy.renewed(self._outbox.entries, index, bearer.policy, now_ms)
            bearer_policy.renewed(self._outbox.owed, index, bearer.policy, now_ms)
        if up or self._was_up:
            self.up_ms = now_ms
        self._was_up = self.is_up()
        self._wake.set()
        self._board.tell("bearer", {"bearer": bearer.name, "up": up, "why": why})
        self._on_link()

    def on_puback(self, bearer: "Bearer", counter: int) -> None:
        entry = self._outbox.find(counter) or self._outbox.find_owed(counter)
        if entry is not None:
            bearer_policy.taken(entry, self.bearers.index(bearer))
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

    def on_downlink(self, bearer: "Bearer", payload: bytes) -> None:
        """Handle a frame that claims to be from the gateway."""
        try:
            down = self._identity.verified(payload, self._digest_of)
        except FrameError as error:
            if error.reason == "message" and 0 < frame.counter_of(payload) <= self._identity.counter.used:
                # Usually the answer to a repeat. Nobody can tell whose it is, and it changes nothing.
                self._board.tell("log", {"what": "not looked at: %s" % error})
            else:
                self.on_rejected("a downlink (%s): %s" % (error.reason, error))
            return
        if down.kind == frame.COMMAND:
            try:
                self._on_command(down)
            except MemoryError:
                # It would be redelivered with every connection; the gateway sends it again when memory is less tight.
                self.on_rejected("a command for which there is no memory")
        else:
            try:
                self._acknowledged(down, bearer.name)
            except MemoryError:
                self._outbox.lighten()
                gc.collect()
                self._acknowledged(down, bearer.name)

    def _digest_of(self, counter: int) -> "bytes | None":
        """Return the digest of the message with this counter, while it is held."""
        entry = self._outbox.find(counter) or self._outbox.find_owed(counter)
        if entry is not None:
            return frame.event_digest(entry.kind, counter, entry.body)
        item = self.acked.find(counter)
        return None if item is None else item[2]

    def _acknowledged(self, down: frame.Down, name: str) -> None:
        entry = self._outbox.find(down.counter)
        held = entry or self._outbox.find_owed(down.counter)
        if held is not None:
            self.acked.note(0 if bearer_policy.is_test(held) else held.kind, held.counter, held.body)
        # Only the answer to a pending entry is fresh; a replayed one has an old time.
        if entry is not None and down.time >= _EARLIEST and self._clock.set_unix(down.time, self._age_ms(entry)):
            self._board.tell("log", {"what": "clock set by the gateway: %d" % down.time})
        stage = down.stage or 0
        eta = None if down.eta == frame.UNKNOWN_ETA else down.eta
        self._board.tell("ack", {"counter": down.counter, "stage": stage, "eta": eta})
        item = self.acked.find(down.counter)
        self._on_ack(entry, item[0] if item is not None else 0, down.counter, stage, eta, down.time)
        try:
            if entry is None:
                self._witnessed(down, name)
            elif entry.short and bearer_policy.is_evidence(entry) and self._may_owe():
                self._outbox.owe(entry, down.time, self._clock.ms())
                self._wake.set()
            else:
                if entry.kind == frame.ENROL:
                    self._identity.note_enrolled()
                elif entry.kind == frame.CHECKIN:
                    self._proof.on_acknowledged(entry)
                self._outbox.remove(entry)
        except OSError as error:
            self._board.tell("error", {"what": "the flash does not take a change: %s" % error})
        if entry is not None:
            self._step(entry, "acknowledged", name)

    def _age_ms(self, entry: "Waiting") -> int:
        """Return for how long an answer to it may have existed, ms; -1 = unknown: an earlier run may have sent it."""
        if entry.first_ms < 0 or entry.kind == frame.ENROL:
            return -1
        return self._clock.ms() - entry.first_ms

    def _may_owe(self) -> bool:
        """Return whether this button may send the short form at all."""
        return self._starved or any(one.policy.narrow for one in self.bearers)

    def _witnessed(self, down: frame.Down, name: str) -> None:
        """Handle an acknowledgement of an entry no longer pending: it may confirm the signature."""
        owed = self._outbox.find_owed(down.counter)
        if owed is None or down.stage not in _ANSWERS or down.time < owed.owed + SETTLE_S or not any(owed.attempts):
            return
        self._outbox.remove(owed)
        self._step(owed, "witnessed", name)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.app.board import Board
    from siaga.app.checkin_proof import CheckinProof
    from siaga.app.identity import Identity
    from siaga.app.outbox import Outbox
    from siaga.core.bearer_policy import Link, Waiting
    from siaga.drivers.bearer import Bearer
    from siaga.drivers.clock import Clock

    OnAck = Callable[["Waiting | None", int, int, int, "int | None", int], None]
    OnCommand = Callable[[frame.Down], None]
    OnLink = Callable[[], None]
