"""Frames in, durably kept, then acknowledged: the one worker that turns what the bearers bring into events.

Frames wait in lanes (service/lanes.py). A batch is what waits in them, up to a limit: under load commits are shared,
alone a press waits for nobody. The order is fixed: verify, commit, acknowledge to the bearer, answer the button. While
one batch is committed, the signatures of the next are checked; a batch of urgent frames overtakes one of others that
is not committed yet. A store that fails keeps the batch waiting, unacknowledged, until there is room again; bearers are
held back once the lanes are full.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from siaga_gateway.domain.frame import encode_ack, eta_field
from siaga_gateway.service import journal
from siaga_gateway.service.check import Begun, Checked, Checker, Verifier
from siaga_gateway.service.figures import StageTimes
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.keep import House, Keeper, Kept
from siaga_gateway.service.keyring import KeyRing
from siaga_gateway.service.lanes import FORGED, UNKNOWN, Lanes, Taken
from siaga_gateway.service.log_fields import of_frame
from siaga_gateway.service.ports import AcknowledgementSender, Bell, Clock
from siaga_gateway.service.replies import Reply
from siaga_gateway.service.sampling import SampledEntry, Sampler
from siaga_gateway.service.store import Store, StoreFailing, Transaction

log = logging.getLogger(__name__)
T = TypeVar("T")

_IDLE_S: Final = 0.5
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
_REMIND_S: Final = 30.0
_SWITCH_S: Final = 0.001
_LATELY_S: Final = 5.0  # after a press another one is likely


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at a time."""

    batch: int = 500  # urgent frames
    queue: int = 20_000
    quarantine: int = 1_000
    others: int = 128  # frames in a batch of others: about what a press may have to wait for
    beside: int = 48  # the same while there are presses; a commit for fewer brings fewer check-ins through


@dataclass(slots=True)
class Counts:
    """Since the start."""

    frames: int = 0
    stored: int = 0
    duplicates: int = 0
    malformed: int = 0
    unknown: int = 0
    forged: int = 0
    contradictions: int = 0
    refused: dict[str, int] = field(default_factory=dict)  # by reason: of frame.Reason, `unknown`, `forged`


@dataclass(frozen=True, slots=True)
class _Batch:
    """Frames whose signatures are being checked."""

    frames: Sequence[InboundFrame]
    urgent: bool
    begun: Begun | None  # None: it brought out a fault
    since: float  # monotonic seconds
    since_ms: int  # the same by the clock


class _Stopped(Exception):
    """The gateway is to end; what was under way is not acknowledged and comes again."""


class Ingest:
    """service.inbound.FrameSink, and the thread behind it."""

    def __init__(
        self,
        *,
        store: Store,
        keyring: KeyRing,
        sender: AcknowledgementSender,
        bell: Bell,
        clock: Clock,
        house: House,
        limits: Limits,
        verifier: Verifier | None = None,
        committed: Callable[[], None] = lambda: None,
        came_by: Callable[[bytes, InboundFrame], None] = lambda device_id, frame: None,
        answered: Callable[[bytes, InboundFrame], None] = lambda device_id, frame: None,
        on_health: Callable[[bool, str], None] = lambda well, why: None,
    ) -> None:
        """`committed` is called when the outbox may have grown; `came_by` for each frame that its device did make, so
        that answers find back, and `answered` for the same once they are out; `on_health` when the store begins to fail
        and when it is well again, with the reason."""
        self._store = store
        self._sender = sender
        self._bell = bell
        self._clock = clock
        self._limits = limits
        self._committed = committed
        self._came_by = came_by
        self._answered = answered
        self._on_health = on_health
        self.lanes = Lanes(limits.queue)  # with counts of what waits, went behind and was let go
        self._sampler = Sampler()
        self._checker = Checker(keyring, self._sampler, verifier, self.lanes.genuine, self.lanes.doubt)
        self._keeper = Keeper(house, store.name, self._sampler)
        self._failing = _Failing()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._beat = time.monotonic()
        self._urgent_until = 0.0  # monotonic seconds: there are presses
        self.counts = Counts()
        self.times = StageTimes()

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        """See FrameSink. False, too, when the gateway is about to end."""
        return not self._stop.is_set() and self.lanes.put(frame, timeout_s)

    def waiting(self) -> int:
        """Frames in the lanes."""
        return sum(self.lanes.depths().values())

    @property
    def store_fails(self) -> str:
        """Why nothing can be stored now; empty: it can, as far as anybody has tried."""
        return "" if self._failing.since is None else self._failing.why

    def silent_s(self) -> float:
        """Seconds since the worker last showed that it goes on; a store that fails is waited for, not hung upon."""
        return time.monotonic() - self._beat if self._thread.is_alive() else float("inf")

    def start(self) -> None:
        # Reading what the broker brings takes microseconds. By default a thread waits up to 5 ms for the interpreter
        # while another computes, and a press as long in front of the gateway.
        sys.setswitchinterval(_SWITCH_S)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the batches under way and end. What still waits was not acknowledged: it comes again."""
        self._stop.set()
        self.lanes.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        ready: _Batch | None = None
        overtaken = False
        try:
            while ready is not None or not self._stop.is_set():
                self._beat = time.monotonic()
                taken = None if self._stop.is_set() else self._take(0 if ready is not None else _IDLE_S)
                begun = None if taken is None else self._begin(taken)
                if begun is not None and ready is not None and begun.urgent and not ready.urgent and not overtaken:
                    overtaken = True  # once: it is the next
                    self._finish(begun)
                    continue
                if ready is not None:
                    overtaken = False
                    self._finish(ready)
                ready = begun
                self._note_shed()
                self._try_to_write(self._sampler.due(self._clock.now_ms()))
            self._note_shed()
            self._try_to_write(list(self._sampler.rest()))
        except _Stopped:
            log.warning("ended while the store was failing: %d frames were not acknowledged", self.waiting())

    def _take(self, timeout_s: float) -> Taken | None:
        others = self._limits.others
        if time.monotonic() < self._urgent_until:
            others = min(others, self._limits.beside)
        taken = self.lanes.take(self._limits.batch, others, timeout_s)
        if taken is not None and taken.urgent:
            self._urgent_until = time.monotonic() + _LATELY_S
        return taken

    def _begin(self, taken: Taken) -> _Batch:
        since, since_ms = time.monotonic(), self._clock.now_ms()
        try:
            begun = self._when_store_works(lambda: self._checker.begin(taken.frames))
        except _Stopped:
            raise
        except Exception:
            log.exception("a batch of %d frames brought out a fault", len(taken.frames))
            begun = None
        return _Batch(taken.frames, taken.urgent, begun, since, since_ms)

    def _finish(self, batch: _Batch) -> None:
        """A fault of ours that one frame brings out must not hold up the others, so then one by one."""
        if batch.begun is not None:
            try:
                self._process(batch.frames, batch.begun, batch.since, batch.since_ms)
                return
            except _Stopped:
                raise
            except Exception as error:
                if len(batch.frames) == 1:
                    self._give_up(batch.frames[0], error)
                    return
                log.exception("a batch of %d frames brought out a fault: taking them one by one", len(batch.frames))
        for frame in batch.frames:
            self._deal_with(frame)

    def _deal_with(self, frame: InboundFrame) -> None:
        try:
            begun = self._when_store_works(lambda: self._checker.begin([frame]))
            self._process([frame], begun, time.monotonic(), self._clock.now_ms())
        except _Stopped:
            raise
        except Exception as error:
            self._give_up(frame, error)

    def _process(self, frames: Sequence[InboundFrame], begun: Begun, since: float, since_ms: int) -> None:
        checked = self._checker.finish(begun)
        verified = time.monotonic()
        kept = self._when_store_works(lambda: self._commit(checked))
        committed = time.monotonic()
        self._keeper.committed()
        for frame in frames:
            frame.acknowledge()
        for one in checked.genuine:
            self._came_by(one.uplink.device_id, one.inbound)
        for reply in kept.replies:
            self._answer(reply)
        for one in checked.genuine:
            self._answered(one.uplink.device_id, one.inbound)
        self._count(len(frames), checked, kept)
        waited_s = [(since_ms - frame.received_ms) / 1000 for frame in frames]
        self.times.batch(waited_s, verified - since, committed - verified, time.monotonic() - committed)
        self._tell()
        _log(checked)

    def _note_shed(self) -> None:
        """Under overload: say in the journal what was let go, as often as the sampler has it."""
        for shed in self.lanes.let_go():
            facts = {"lane": shed.lane}
            entry = self._sampler.note(
                journal.SHED, shed.last.received_ms, None, facts, None, few=True, times=shed.count
            )
            if entry is not None:
                log.warning("overload: frames of the lane %r are let go unanswered; their buttons repeat", shed.lane)
                self._try_to_write([entry])

    def _commit(self, checked: Checked) -> Kept:
        with self._store.transaction() as transaction:
            self._note_recovery(transaction)
            if checked.strangers:
                gone = transaction.quarantine(checked.strangers, self._limits.quarantine)
                if gone:
                    log.warning("the quarantine is full: %d unknown devices let go, the longest unseen", gone)
            for entry in checked.entries:
                _write(transaction, entry)
            return self._keeper.keep(transaction, checked)

    def _answer(self, reply: Reply) -> None:
        now_s = min(max(self._clock.now_ms() // 1000, 0), 2**32 - 1)
        eta = eta_field(reply.eta_minutes)
        key = reply.known.key
        self._sender.send(
            key.device_id,
            encode_ack(key.mac_down, key.device_id, reply.counter, reply.digest, now_s, reply.stage, eta),
        )

    def _count(self, frames: int, checked: Checked, kept: Kept) -> None:
        counts = self.counts
        counts.frames += frames
        counts.stored += kept.stored
        counts.duplicates += kept.duplicates
        counts.contradictions += kept.contradictions
        counts.malformed += checked.malformed
        counts.unknown += checked.unknown
        counts.forged += checked.forged
        for reason, number in (*checked.reasons.items(), (UNKNOWN, checked.unknown), (FORGED, checked.forged)):
            if number:
                counts.refused[reason] = counts.refused.get(reason, 0) + number

    def _tell(self) -> None:
        self._bell.ring()
        self._committed()

    def _give_up(self, frame: InboundFrame, error: Exception) -> None:
        """Keep a frame that we cannot process as an entry of the journal. The button gets no answer and tries again."""
        log.error("a frame cannot be processed: %r", error, exc_info=error)
        facts = {"error": repr(error)[:200], "size": len(frame.raw)}
        entry = self._sampler.note(journal.UNPROCESSED, frame.received_ms, None, facts, frame.raw)
        try:
            self._write_samples([] if entry is None else [entry])
        except _Stopped:
            raise
        except Exception:
            log.exception("nor can it be kept: it is not acknowledged, and comes again")
            return
        frame.acknowledge()

    def _try_to_write(self, entries: Sequence[SampledEntry]) -> None:
        """Entries that stand for many frames; a fault in writing them must not end the worker."""
        try:
            self._write_samples(entries)
        except _Stopped:
            raise
        except Exception:
            log.exception("%d entries of the journal could not be written", len(entries))

    def _write_samples(self, entries: Sequence[SampledEntry]) -> None:
        if not entries:
            return

        def write() -> None:
            with self._store.transaction() as transaction:
                self._note_recovery(transaction)
                for entry in entries:
                    _write(transaction, entry)

        self._when_store_works(write)
        self._bell.ring()

    # A failing store

    def _when_store_works(self, work: Callable[[], T]) -> T:
        """The result of work, tried until the store takes it. Raises _Stopped when the gateway is to end instead."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                result = work()
            except StoreFailing as error:
                self._fails(str(error))
            else:
                self._works()
                return result
            self._beat = time.monotonic()
            if self._stop.wait(pause_s):
                raise _Stopped
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _fails(self, why: str) -> None:
        now = time.monotonic()
        self._failing.noted = False
        if self._failing.since is None:
            self._failing.since = now
            self._failing.why = why
            self.lanes.hold(True)
            self._on_health(False, why)
        elif now < self._failing.remind_at:
            return
        self._failing.remind_at = now + _REMIND_S
        log.error("nothing can be stored: %s. %d frames wait, none is acknowledged; trying again", why, self.waiting())

    def _works(self) -> None:
        if self._failing.noted:
            log.warning("the store works again; it failed for %d s (%s)", self._failing.seconds(), self._failing.why)
            self._failing = _Failing()
            self.lanes.hold(False)
            self._on_health(True, "")

    def _note_recovery(self, transaction: Transaction) -> None:
        if self._failing.since is not None:
            facts = {"seconds": self._failing.seconds(), "why": self._failing.why}
            transaction.note(journal.STORE_BACK, self._clock.now_ms(), facts)
            self._failing.noted = True


@dataclass(slots=True)
class _Failing:
    """Since when the store does not work; monotonic seconds."""

    since: float | None = None
    why: str = ""
    remind_at: float = 0.0
    noted: bool = False  # the journal says that it is back

    def seconds(self) -> int:
        return 0 if self.since is None else round(time.monotonic() - self.since)


def _log(checked: Checked) -> None:
    """A line for each genuine frame, for whoever looks for one; the refused ones are sampled, as in the journal."""
    for entry in checked.entries:
        log.warning("%s", entry.kind, extra=of_frame(entry.device_id, entry.facts.get("counter")))
    if log.isEnabledFor(logging.DEBUG):
        for one in checked.genuine:
            uplink = one.uplink
            log.debug("%s", uplink.kind.name.lower(), extra=of_frame(uplink.device_id, uplink.counter))


def _write(transaction: Transaction, entry: SampledEntry) -> None:
    transaction.note(entry.kind, entry.at_ms, entry.facts, device_id=entry.device_id, frame=entry.frame)
