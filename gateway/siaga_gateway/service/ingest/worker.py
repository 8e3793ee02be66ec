"""The worker that turns received frames into stored events, then acknowledges them.

Frames wait in lanes (lanes.py). A batch takes what is waiting, up to a limit: under load many frames share a commit,
while a lone press waits for nobody. The order is fixed: verify, commit, acknowledge to the bearer, answer the button.
While one batch is committed, the signatures of the next are checked; an urgent batch overtakes one that is not
committed yet. While the store fails, the batch waits, unacknowledged; once the lanes are full the bearers are blocked.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.coverage import Sample
from siaga_gateway.domain.event import CALLS
from siaga_gateway.domain.frame import encode_ack, eta_field, glance
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.acknowledgements import FIRST_STAGES, Reply
from siaga_gateway.service.ingest.lanes import FORGED, UNKNOWN, Lanes, TakenBatch
from siaga_gateway.service.ingest.recording import FrameRecorder, IncidentDefaults, RecordedBatch
from siaga_gateway.service.ingest.sampled_entries import SampledEntries, write_entry
from siaga_gateway.service.ingest.store_outage import Stopping, StoreOutage
from siaga_gateway.service.ingest.stranded_frames import StrandedFrames
from siaga_gateway.service.ingest.verification import CheckedBatch, Checker, PendingBatch, Verifier, log_checked
from siaga_gateway.service.journal.sampling import Sampler
from siaga_gateway.service.ports import AcknowledgementSender, Clock, Notifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.scheduling.histograms import Counts, StageTimes
from siaga_gateway.service.store import Store, StoreDamaged, StoreFailing

log = logging.getLogger(__name__)
SendBack = Callable[[bytes, bytes, InboundFrame, bool], None]

_IDLE_S: Final = 0.5
_SWITCH_S: Final = 0.001
_LATELY_S: Final = 5.0  # after a press another one is likely


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a batch and of the queue."""

    batch: int = 500  # urgent frames
    queue: int = 20_000
    quarantine: int = 1_000
    others: int = 128  # frames in a batch of others: about what a press may have to wait for
    beside: int = 48  # the same while there are presses; with fewer, each commit lets fewer check-ins through


@dataclass(frozen=True, slots=True)
class _Batch:
    """Frames whose signatures are being checked."""

    frames: Sequence[InboundFrame]
    urgent: bool
    begun: PendingBatch | None  # None: the check hit a bug
    since: float  # monotonic seconds
    since_ms: int  # the same, Unix ms


class Ingest:
    """Implements service.inbound.FrameSink, with the thread behind it."""

    def __init__(
        self,
        *,
        store: Store,
        keyring: KeyRing,
        sender: AcknowledgementSender,
        notifier: Notifier,
        clock: Clock,
        defaults: IncidentDefaults,
        limits: Limits,
        verifier: Verifier | None = None,
        committed: Callable[[], None] = lambda: None,
        came_by: Callable[[bytes, InboundFrame], None] = lambda device_id, frame: None,
        answered: Callable[[bytes, InboundFrame], None] = lambda device_id, frame: None,
        on_health: Callable[[bool, str], None] = lambda well, why: None,
        on_damage: Callable[[StoreFailing, bool], None] = lambda error, call: None,
        send_back: SendBack | None = None,
        surveyed: Callable[[Sequence[Sample]], None] = lambda samples: None,
    ) -> None:
        """Make the worker.

        committed: called when the outbox may have grown. came_by: called for each new frame that is its device's
        latest, so that answers find the way back; `answered` for the same frames once their answers are out. send_back:
        sends an answer to any other frame (Downlinks.send_back); None: `sender` does. on_health: called when the store
        begins to fail, with the reason, and when it recovers. on_damage: called with the error and whether a call is
        affected. surveyed: called with what stored check-ins say of the signal.
        """
        self._store = store
        self._sender = sender
        self._notifier = notifier
        self._clock = clock
        self._limits = limits
        self._committed = committed
        self._came_by = came_by
        self._answered = answered
        self._on_damage = on_damage
        self._surveyed = surveyed
        self._stranded = StrandedFrames(limits.queue)
        self._send_back = send_back or (lambda device_id, frame, asking, repeated: sender.send(device_id, frame))
        self.lanes = Lanes(limits.queue)  # with counts of frames waiting, put behind and shed
        sampler = Sampler()
        self._checker = Checker(keyring, sampler, verifier, self.lanes.doubt)
        self._keeper = FrameRecorder(defaults, store.name, sampler)
        self._stop = threading.Event()
        self._trouble = StoreOutage(self.lanes.hold, on_health, self.waiting, self._wait, on_damage)
        self._samples = SampledEntries(store, sampler, self._trouble, notifier, clock)
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)
        self._beat = time.monotonic()
        self._urgent_until = 0.0  # monotonic seconds: there are presses
        self.counts = Counts()
        self.times = StageTimes()

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        """See FrameSink. Also False while the gateway is stopping."""
        return not self._stop.is_set() and self.lanes.put(frame, timeout_s)

    def waiting(self) -> int:
        """Return the number of frames in the lanes."""
        return sum(self.lanes.depths().values())

    @property
    def store_fails(self) -> str:
        """Why not everything can be stored now; empty: it can, as far as has been tried."""
        return self._trouble.why or self._stranded.why

    @property
    def stranded(self) -> int:
        """Return the number of frames that wait for a damaged part of the store; all others go on."""
        return len(self._stranded)

    def silent_s(self) -> float:
        """Return seconds since the worker's last sign of life. Waiting for a failing store does not count as
        hanging."""
        return time.monotonic() - self._beat if self._thread.is_alive() else float("inf")

    def start(self) -> None:
        # Reading a frame from the broker takes microseconds. By default a thread waits up to 5 ms for the interpreter
        # while another computes, and so would a press in front of the gateway.
        sys.setswitchinterval(_SWITCH_S)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the current batches and stop. What still waits is unacknowledged, and will be redelivered."""
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
                    overtaken = True  # only once: it goes next
                    self._finish(begun)
                    continue
                if ready is not None:
                    overtaken = False
                    self._finish(ready)
                ready = begun
                self._try_stranded()
                self._samples.write_shed(self.lanes)
                self._samples.write_due()
            self._samples.write_shed(self.lanes)
            self._samples.write_rest()
        except Stopping:
            log.warning(Localized("log.ingest.ended", frames=self.waiting()))

    def _wait(self, pause_s: float) -> bool:
        """Wait for a failing store, which is no hanging. Returns whether the gateway is stopping."""
        self._beat = time.monotonic()
        return self._stop.wait(pause_s)

    def _take(self, timeout_s: float) -> TakenBatch | None:
        others = self._limits.others
        if time.monotonic() < self._urgent_until:
            others = min(others, self._limits.beside)
        taken = self.lanes.take(self._limits.batch, others, timeout_s)
        if taken is not None and taken.urgent:
            self._urgent_until = time.monotonic() + _LATELY_S
        return taken

    def _begin(self, taken: TakenBatch) -> _Batch:
        since, since_ms = time.monotonic(), self._clock.now_ms()
        try:
            begun = self._trouble.retried(lambda: self._checker.begin(taken.frames))
        except Stopping:
            raise
        except StoreDamaged:
            begun = None  # singly: only one of them may be at fault
        except Exception:
            log.exception(Localized("log.ingest.fault", frames=len(taken.frames)))
            begun = None
        return _Batch(taken.frames, taken.urgent, begun, since, since_ms)

    def _finish(self, batch: _Batch) -> None:
        """Finish a batch; if one frame triggers a bug, go frame by frame, so that the others are not delayed."""
        if batch.begun is not None:
            try:
                self._process(batch.frames, batch.begun, batch.since, batch.since_ms)
                return
            except Stopping:
                raise
            except StoreDamaged as error:
                if len(batch.frames) == 1:
                    self._strand(batch.frames[0], error)
                    return
            except Exception as error:
                if len(batch.frames) == 1:
                    self._give_up(batch.frames[0], error)
                    return
                log.exception(Localized("log.ingest.one_by_one", frames=len(batch.frames)))
        for frame in batch.frames:
            self._deal_with(frame)

    def _deal_with(self, frame: InboundFrame) -> None:
        try:
            begun = self._trouble.retried(lambda: self._checker.begin([frame]))
            self._process([frame], begun, time.monotonic(), self._clock.now_ms())
        except Stopping:
            raise
        except StoreDamaged as error:
            self._strand(frame, error)
        except Exception as error:
            self._give_up(frame, error)

    def _strand(self, frame: InboundFrame, error: StoreDamaged) -> None:
        self._stranded.add(frame, error)
        self._on_damage(error, glance(frame.raw) in CALLS)

    def _try_stranded(self) -> None:
        due = self._stranded.take_due()
        for frame in due:
            self._deal_with(frame)
        if due:
            self._stranded.tried()

    def _process(self, frames: Sequence[InboundFrame], begun: PendingBatch, since: float, since_ms: int) -> None:
        checked = self._checker.finish(begun)
        verified = time.monotonic()
        # Not later than what the transaction reads: a step that commits behind it has the newer word on the stage.
        read_ms = self._clock.now_ms()
        kept = self._trouble.retried(lambda: self._commit(checked))
        committed = time.monotonic()
        self._keeper.committed()
        for one in checked.genuine:
            if one.inbound.stored is not None:
                one.inbound.stored()
        for frame in frames:
            frame.acknowledge()
        for one in kept.new:
            self.lanes.genuine(one.inbound)
        for one in kept.fresh:
            self._came_by(one.uplink.device_id, one.inbound)
        for reply in kept.replies:
            self._answer(reply, self._clock.now_ms() if reply.stage in FIRST_STAGES else read_ms)
        for one in kept.fresh:
            self._answered(one.uplink.device_id, one.inbound)
        if kept.samples:
            self._surveyed(kept.samples)
        self._count(len(frames), checked, kept)
        waited_s = [(since_ms - frame.received_ms) / 1000 for frame in frames]
        self.times.batch(waited_s, verified - since, committed - verified, time.monotonic() - committed)
        self._tell()
        log_checked(checked)

    def _commit(self, checked: CheckedBatch) -> RecordedBatch:
        try:
            return self._write(checked, drills=True)
        except StoreDamaged as error:
            if not self._keeper.drills_damaged:
                raise
            self._on_damage(error, True)
        # A press is real where nobody can read which drills there are. In a transaction of its own: PostgreSQL's has
        # ended with the error.
        return self._write(checked, drills=False)

    def _write(self, checked: CheckedBatch, *, drills: bool) -> RecordedBatch:
        with self._store.transaction() as transaction:
            self._trouble.note_recovery(transaction, self._clock.now_ms())
            if checked.strangers:
                gone = transaction.quarantine(checked.strangers, self._limits.quarantine)
                if gone:
                    log.warning(Localized("log.ingest.quarantine_full", devices=gone))
            for entry in checked.entries:
                write_entry(transaction, entry)
            return self._keeper.keep(transaction, checked, drills=drills)

    def _answer(self, reply: Reply, at_ms: int) -> None:
        at_s = min(max(at_ms // 1000, 0), 2**32 - 1)
        eta = eta_field(reply.eta_minutes)
        key = reply.known.key
        ack = encode_ack(key.mac_down, key.device_id, reply.counter, reply.digest, at_s, reply.stage, eta)
        if reply.back is None:
            self._sender.send(key.device_id, ack)
        else:
            self._send_back(key.device_id, ack, reply.back, reply.repeated)

    def _count(self, frames: int, checked: CheckedBatch, kept: RecordedBatch) -> None:
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
        self._notifier.ring()
        self._committed()

    def _give_up(self, frame: InboundFrame, error: Exception) -> None:
        """Journal a frame that we cannot process. The button gets no answer and tries again."""
        log.error(Localized("log.ingest.unprocessed", error=error), exc_info=error)
        if self._samples.write_unprocessed(frame, error):
            frame.acknowledge()
