"""Whatever waits in the gateway is woken by what it waits for. Each looks by itself only after hours here: so a wake-up
that is left out, which in life delays a call by seconds and fails nothing, ends in no delivery at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import DEFAULTS, NOW_MS, NOW_S, IngestHarness
from siaga_gateway.adapters.sms.spool import SmsSpool
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.config.sms import SmsSettings
from siaga_gateway.domain.frame import CommandCode, Kind
from siaga_gateway.domain.incident import Change, Notice
from siaga_gateway.formats.sms import text_of
from siaga_gateway.service.delivery import sender_pool
from siaga_gateway.service.delivery import worker as outbox
from siaga_gateway.service.delivery.worker import OutboxWorker, wake_all
from siaga_gateway.service.downlink import device_commands, stage_relay
from siaga_gateway.service.downlink.device_commands import CommandIssuer, CommandWorker
from siaga_gateway.service.downlink.routes import Downlinks
from siaga_gateway.service.downlink.stage_relay import StageRelay
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.ingest import worker as ingest
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.journal.watcher import JournalWatcher
from siaga_gateway.service.ports import Delivered, NotDelivered
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.scheduling.periodic_jobs import PeriodicJobs
from waiting import ENDS_S, HOURS_S, eventually, waits


@pytest.fixture(autouse=True)
def hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing looks by itself within a test."""
    for module, names in (
        (outbox, ("_LOOK_S", "_ANEW_S")),
        (sender_pool, ("_LOOK_S",)),
        (device_commands, ("_LOOK_S",)),
        (stage_relay, ("_IDLE_S",)),
        (ingest, ("_IDLE_S",)),
    ):
        for name in names:
            assert isinstance(getattr(module, name), float)
            monkeypatch.setattr(module, name, HOURS_S)


class CountingBell(JournalNotifier):
    """The real one, which also counts."""

    def __init__(self) -> None:
        super().__init__()
        self.rung = 0

    def ring(self) -> None:
        self.rung += 1
        super().ring()


class Receiver:
    """ports.Output that takes everything."""

    name = "cad"
    receives_tests = False

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.got: list[tuple[int, Change]] = []
        self.let: Callable[[], object] = lambda: None

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        self.let()
        self.got.append((notice.incident.id, notice.change))
        return Delivered("200")

    def close(self) -> None: ...


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=[1, 3])
def delivering(
    request: pytest.FixtureRequest, desk: IngestHarness
) -> Iterator[tuple[OutboxWorker, Receiver, CountingBell]]:
    """A worker with one place, and one with three, which wait."""
    receiver, notifier = Receiver(request.param), CountingBell()
    worker = OutboxWorker(desk.store, receiver, notifier, ManualClock(NOW_MS))
    worker.start()
    eventually(lambda: waits(worker._thread))
    yield worker, receiver, notifier
    receiver.let = lambda: None
    worker.stop()


Delivering = tuple[OutboxWorker, Receiver, CountingBell]


def test_a_commit_wakes_the_delivery_and_what_was_delivered_rings_the_bell(
    desk: IngestHarness, delivering: Delivering
) -> None:
    worker, receiver, notifier = delivering
    desk.take(desk.button().press(NOW_S))
    wake_all([worker])()
    eventually(lambda: receiver.got == [(1, Change.OPENED)])
    eventually(lambda: not desk.store.pending("cad"), "the end of a delivery wakes who records it")
    eventually(lambda: notifier.rung)


def test_the_end_of_a_delivery_brings_the_next_of_its_incident(desk: IngestHarness, delivering: Delivering) -> None:
    worker, receiver, _ = delivering
    button = desk.button()
    desk.take(button.press(NOW_S), button.press(NOW_S, again=True), button.press(NOW_S, again=True))
    worker.wake()
    eventually(lambda: len(receiver.got) == 3)
    assert [change for _, change in receiver.got] == [Change.OPENED, Change.PRESSED_AGAIN, Change.PRESSED_AGAIN]


def test_every_place_that_is_free_is_woken(desk: IngestHarness) -> None:
    """Three deliveries that wait for each other: a place that is not woken leaves the others waiting."""
    receiver = Receiver(3)
    together = threading.Barrier(3)
    receiver.let = lambda: together.wait(ENDS_S)
    worker = OutboxWorker(desk.store, receiver, JournalNotifier(), ManualClock(NOW_MS))
    worker.start()
    eventually(lambda: waits(worker._thread))
    desk.take(*(desk.button().press(NOW_S) for _ in range(3)))
    worker.wake()
    eventually(lambda: len(receiver.got) == 3)
    worker.stop()


def test_the_end_wakes_the_delivery_and_its_places(delivering: Delivering) -> None:
    worker, _, _ = delivering
    worker.end()
    eventually(lambda: not worker._thread.is_alive())
    eventually(lambda: not any(thread.is_alive() for thread in worker._slots._threads))


def test_a_press_goes_from_its_bearer_to_the_receiver_by_wake_ups_alone(desk: IngestHarness) -> None:
    """Real ingest, real outbox, real bell: lanes, commit, outbox, receiver."""
    receiver, notifier, answers = Receiver(1), CountingBell(), SentAnswers()
    worker = OutboxWorker(desk.store, receiver, JournalNotifier(), ManualClock(NOW_MS))
    taking = Ingest(
        store=desk.store,
        keyring=desk.keyring,
        sender=answers,
        notifier=notifier,
        clock=ManualClock(NOW_MS),
        defaults=DEFAULTS,
        limits=Limits(),
        committed=wake_all([worker]),
    )
    button = desk.button()
    worker.start()
    taking.start()
    eventually(lambda: waits(worker._thread))
    acknowledged = threading.Event()
    assert taking.offer(InboundFrame(button.press(NOW_S), NOW_MS, "mqtt", acknowledged.set), 0)
    eventually(acknowledged.is_set)
    eventually(lambda: receiver.got == [(1, Change.OPENED)])
    assert answers.of(button.device_id) and notifier.rung >= 1
    taking.stop()
    worker.stop()


def test_an_operator_s_step_wakes_the_delivery_and_rings_the_bell(desk: IngestHarness, delivering: Delivering) -> None:
    worker, receiver, _ = delivering
    desk.take(desk.button().press(NOW_S))
    worker.wake()
    eventually(lambda: not desk.store.pending("cad"))
    eventually(lambda: waits(worker._thread))
    notifier = CountingBell()
    operator = IncidentActions(
        desk.store, desk.keyring, SentAnswers(), notifier, ManualClock(NOW_MS), outputs=["cad"], committed=worker.wake
    )
    operator.seen(1, "Rina")
    eventually(lambda: receiver.got[-1] == (1, Change.SEEN))
    assert notifier.rung == 1


def test_what_another_process_journalled_rings_the_bell_and_wakes_the_delivery(
    desk: IngestHarness, delivering: Delivering
) -> None:
    worker, receiver, _ = delivering
    notifier = CountingBell()
    watch = JournalWatcher(desk.store, notifier, worker.wake)
    watch._look()
    assert notifier.rung == 1, "the first look"
    assert watch._look() == 0.0 and notifier.rung == 1, "nothing is new"
    desk.take(desk.button().press(NOW_S))
    assert watch._look() > 0.0
    assert notifier.rung == 2
    eventually(lambda: receiver.got)


def test_a_button_that_was_heard_wakes_the_commands(desk: IngestHarness) -> None:
    clock, answers, notifier = ManualClock(NOW_MS), SentAnswers(), CountingBell()
    worker = CommandWorker(desk.store, desk.keyring, answers, notifier, clock)
    button = desk.button()
    CommandIssuer(desk.store, clock).ask(button.device_id, CommandCode.LOCATE, None, actor="Dewi")
    worker.work()  # sent once, and the device is known to have one
    assert (len(answers.of(button.device_id)), notifier.rung) == (1, 1)
    worker.start()
    eventually(lambda: waits(worker._thread))
    clock.at_ms += 60_000
    heard = button.follow(Kind.CHECKIN, NOW_S)
    worker.heard(button.device_id, InboundFrame(heard, clock.at_ms, "mqtt", lambda: None))
    eventually(lambda: len(answers.of(button.device_id)) == 2)
    worker.stop()
    assert not worker._thread.is_alive(), "the end wakes it"


class Radio:
    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send_to(self, origin: object, frame: bytes) -> None:
        self.sent.append(frame)


def test_an_operator_s_step_wakes_the_relay_to_radio_and_text_messages(tmp_path: Path) -> None:
    store: SqlStore = sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    clock, radio, keyring = ManualClock(), Radio(), KeyRing(store, sample_store.GATEWAY_KEY)
    downlinks = Downlinks(SentAnswers(), {"lorawan": radio})
    relay = StageRelay(store, keyring, downlinks, clock)
    operator = IncidentActions(
        store, keyring, SentAnswers(), JournalNotifier(), clock, outputs=(), committed=relay.wake
    )
    incident = sample_store.open_incident(store)
    heard = InboundFrame(b"", sample_store.NOW_MS, "lorawan", lambda: None, origin="radio 7")
    downlinks.came_by(sample_store.DEVICE_ID, heard)
    relay.tell()
    relay.start()
    eventually(lambda: waits(relay._turns._thread))
    operator.seen(incident.id, "Siti")
    eventually(lambda: radio.sent)
    store.close()


class Sink:
    def __init__(self) -> None:
        self.frames: list[InboundFrame] = []

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        self.frames.append(frame)
        return True


def test_an_answer_wakes_the_spool_and_so_does_a_message_that_was_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, out = tmp_path / "inbox", tmp_path / "outbox"
    inbox.mkdir()
    out.mkdir()
    settings = SmsSettings(spool="gammu", inbox=inbox, outbox=out)
    sink = Sink()
    message = inbox / "IN20261129_120000_00_+6281200000001_00.txt"
    message.write_text(text_of(bytes(99)) or "")
    spool = SmsSpool(settings, clock=ManualClock(), sink=sink, unfinished_s=0)
    spool.start()
    eventually(lambda: sink.frames)
    monkeypatch.setattr("siaga_gateway.adapters.sms.spool._LOOK_S", HOURS_S)
    spool._wake.set()  # a look that pauses as it did before ends
    eventually(lambda: not spool._wake.is_set() and waits(spool._thread))
    sink.frames[0].acknowledge()
    eventually(lambda: not message.exists(), "what is committed is removed")
    spool.send("+6281200000001", "answer", urgent=True)
    eventually(lambda: list(out.iterdir()), "an answer is written")
    spool.stop()
    assert not spool._thread.is_alive(), "the end wakes it"


def test_the_rounds_end_when_they_are_told() -> None:
    rounds = PeriodicJobs([])
    rounds.start()
    rounds.stop()
    eventually(lambda: rounds.silent_s() == float("inf"))
