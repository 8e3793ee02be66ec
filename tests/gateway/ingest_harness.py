"""The real ingest on a real store, driven batch by batch, for tests of what becomes of frames."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from databases import Place
from gateway import sample_store
from pressing_button import PressingButton
from siaga_gateway.domain.coverage import Sample
from siaga_gateway.domain.event import Timing
from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.domain.incident import Incident, Mode
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.acknowledgements import Reply
from siaga_gateway.service.ingest.recording import FrameRecorder, IncidentDefaults
from siaga_gateway.service.ingest.verification import Checker, Verifier
from siaga_gateway.service.journal.sampling import Sampler
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.registry.keyring import KeyRing

NOW_MS = 1_790_000_000_000
NOW_S = NOW_MS // 1000
DEFAULTS = IncidentDefaults("siaga.test", Mode.ACTUAL, Timing(), ("cad", "trainer"), ("trainer",))


class IngestHarness:
    """Checker and FrameRecorder as ingest uses them, without its thread; one owner, any number of buttons."""

    def __init__(
        self,
        where: Path | Place,
        house: IncidentDefaults = DEFAULTS,
        *,
        beside: IngestHarness | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        """`beside`: the other worker of the same gateway, on the same store."""
        self.store = sample_store.new_store(where)
        self.gateway_key = GatewayKey.generate() if beside is None else beside.gateway_key
        self.now_ms = NOW_MS
        self.keyring = KeyRing(self.store, self.gateway_key)
        self.sampler = Sampler()
        self.samples: list[Sample] = []  # what the survey of the signal would take
        self.checker = Checker(self.keyring, self.sampler, verifier)
        self.keeper = FrameRecorder(house, self.store.name, self.sampler)
        if beside is not None:
            return
        with self.store.transaction() as transaction:
            owner = Owner(0, "Contoh Wati", "9900000000000001", "+620000000001", "Jl. Contoh 1, Bandar Lampung")
            self.owner_id = transaction.add_owner(owner, NOW_MS)

    @classmethod
    def again(cls, before: IngestHarness) -> IngestHarness:
        """On the same store with nothing remembered: the gateway restarted, or its other worker."""
        made = copy.copy(before)
        made.keyring = KeyRing(made.store, made.gateway_key)
        made.sampler = Sampler()
        made.checker = Checker(made.keyring, made.sampler)
        made.keeper = FrameRecorder(DEFAULTS, made.store.name, made.sampler)
        return made

    def button(
        self,
        state: RegistrationState = RegistrationState.ACTIVE,
        installed: tuple[int, int] | None = None,
        valid_until_ms: int | None = None,
    ) -> PressingButton:
        """A new button, enrolled."""
        button = PressingButton().meet(self.gateway_key)
        latitude, longitude = installed or (None, None)
        with self.store.transaction() as transaction:
            transaction.add_device(
                Device(
                    button.device_id,
                    button.public_xy,
                    self.owner_id,
                    state,
                    "Toko Contoh, kasir",
                    NOW_MS,
                    valid_until_ms,
                    latitude,
                    longitude,
                )
            )
        return button

    def take(self, *frames: bytes) -> list[Reply]:
        """One batch: what ingest would answer after its commit."""
        inbound = [InboundFrame(raw, self.now_ms, "mqtt", lambda: None) for raw in frames]
        checked = self.checker.check(inbound)
        with self.store.transaction() as transaction:
            transaction.quarantine(checked.strangers, 5)
            for entry in checked.entries:
                transaction.note(entry.kind, entry.at_ms, entry.facts, device_id=entry.device_id, frame=entry.frame)
            kept = self.keeper.keep(transaction, checked)
        self.keeper.committed()
        self.samples += kept.samples
        return kept.replies

    def stages(self, *frames: bytes) -> list[tuple[int, Stage]]:
        return [(reply.counter, reply.stage) for reply in self.take(*frames)]

    def only(self) -> Incident:
        """The one incident that is open."""
        (incident,) = self.store.open_incidents()
        return incident

    def journal(self, kind: str | None = None) -> Sequence[JournalEntry]:
        return [entry for entry in self.store.journal_after(0, 10_000) if kind is None or entry.kind == kind]

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.journal()]

    def told(self, output: str = "cad") -> list[tuple[int, str]]:
        """(incident, change) of each notice for an output, in order."""
        return [(one.incident_id, str(one.change)) for one in self.store.pending(output)]

    def close(self) -> None:
        self.store.close()


@contextmanager
def checking_in(desk: IngestHarness, buttons: Sequence[PressingButton]) -> Iterator[None]:
    """Meanwhile others write: one batch after the other, each with a check-in of each button."""
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            desk.take(*(button.follow(Kind.CHECKIN, NOW_S) for button in buttons))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()
