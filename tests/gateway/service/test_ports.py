"""One contract for each port; the real adapter and the hand-written fake both keep it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from paho.mqtt.enums import CallbackAPIVersion

from brokers import embedded_broker
from databases import ENGINES, Place
from gateway import sample_store
from gateway.fake_ports import ManualClock, RunningClock, SentAnswers
from gateway.web.console_fakes import Book, FakeBell
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.mqtt.buttons import DOWN, MqttLink
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.config.mqtt import MqttSettings
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperateError, OperatorActions, Overtaken
from siaga_gateway.service.ports import AcknowledgementSender, Clock, JournalReader, Notifier
from siaga_gateway.service.registry.keyring import KeyRing
from waiting import ENDS_S, eventually

# Clock


@pytest.mark.parametrize("clock", [WallClock(), ManualClock(), RunningClock()], ids=["wall", "manual", "console's"])
def test_a_clock_tells_unix_milliseconds_and_does_not_run_backwards(clock: Clock) -> None:
    first, second = clock.now_ms(), clock.now_ms()
    assert isinstance(first, int)
    assert 1_600_000_000_000 < first <= second < 10_000_000_000_000


# Bell


@pytest.fixture(params=[JournalNotifier, FakeBell], ids=["real", "fake"])
def notifier(request: pytest.FixtureRequest) -> Notifier:
    made: Notifier = request.param()
    return made


def test_a_ring_from_another_thread_wakes_all_who_wait(notifier: Notifier) -> None:
    async def main() -> list[bool]:
        waiting = [asyncio.create_task(notifier.wait(ENDS_S)) for _ in range(3)]
        await asyncio.sleep(0.05)
        threading.Thread(target=notifier.ring).start()
        return await asyncio.gather(*waiting)

    assert asyncio.run(main()) == [True, True, True]


def test_silence_ends_at_the_timeout(notifier: Notifier) -> None:
    assert asyncio.run(notifier.wait(0.05)) is False


def test_a_ring_between_two_waits_is_not_missed(notifier: Notifier) -> None:
    async def main() -> tuple[bool, bool]:
        notifier.ring()
        assert await notifier.wait(ENDS_S)
        notifier.ring()  # while the reader reads
        rung = await notifier.wait(ENDS_S)
        return rung, await notifier.wait(0.05)  # no deadline of a machine: nothing rings

    begun = time.monotonic()
    assert asyncio.run(main()) == (True, False)
    assert time.monotonic() - begun < ENDS_S, "the ring ended it"


def test_each_reader_hears_for_itself(notifier: Notifier) -> None:
    async def main() -> tuple[bool, bool]:
        notifier.ring()
        one = await asyncio.create_task(notifier.wait(ENDS_S))
        other = await asyncio.create_task(notifier.wait(ENDS_S))
        return one, other

    assert asyncio.run(main()) == (True, True)


# AcknowledgementSender


@dataclass
class Way:
    """A sender, what a device got by it, and how to take its bearer away."""

    sender: AcknowledgementSender
    got: Callable[[], list[bytes]]
    cut: Callable[[], None]


class Nowhere:
    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        return True


@pytest.fixture(params=["real", "fake"])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    if request.param == "fake":
        fake = SentAnswers()
        yield Way(fake, lambda: fake.of(sample_store.DEVICE_ID), lambda: setattr(fake, "up", False))
        return
    got: list[bytes] = []
    listening = threading.Event()
    with embedded_broker() as port:
        button = PahoClient(CallbackAPIVersion.VERSION2)
        button.on_message = lambda _c, _u, message: got.append(bytes(message.payload))
        button.on_subscribe = lambda *_: listening.set()
        button.connect("127.0.0.1", port)
        button.loop_start()
        button.subscribe(DOWN + sample_store.DEVICE_ID.hex(), qos=1)
        assert listening.wait(ENDS_S)
        link = MqttLink(MqttSettings(port=port), gateway="test", clock=WallClock(), sink=Nowhere())
        link.start()
        yield Way(link, lambda: got, link.stop)
        link.stop()
        button.disconnect()
        button.loop_stop()


def test_frames_reach_their_device_whole_and_in_order(way: Way) -> None:
    for number in range(20):
        way.sender.send(sample_store.DEVICE_ID, bytes([number]) * 36)
        way.sender.send(b"another!", b"not for you")
    eventually(lambda: len(way.got()) >= 20)
    assert way.got() == [bytes([number]) * 36 for number in range(20)]


def test_a_bearer_that_is_gone_neither_blocks_nor_raises(way: Way) -> None:
    way.cut()
    begun = time.monotonic()
    for _ in range(50):
        way.sender.send(sample_store.DEVICE_ID, b"into nothing")
    assert time.monotonic() - begun < 1
    assert way.got() == []


# OperatorActions and JournalReader


@dataclass
class Centre:
    """A command centre with one open incident, and one that is held."""

    operate: OperatorActions
    reader: JournalReader
    open: int
    held: int


@pytest.fixture(params=[*ENGINES, "fake"])
def centre(request: pytest.FixtureRequest, lend: Callable[[str], Place]) -> Iterator[Centre]:
    if request.param == "fake":
        book = Book(FakeBell())
        book.press(1)
        book.press(2, held=True, registration="suspended")
        yield Centre(book, book, 1, 2)
        return
    store = sample_store.new_store(lend(request.param))
    sample_store.with_device(store)
    ids = [sample_store.open_incident(store, 1).id, sample_store.open_incident(store, 2, held=True).id]
    keyring = KeyRing(store, sample_store.GATEWAY_KEY)
    operator = IncidentActions(store, keyring, SentAnswers(), JournalNotifier(), ManualClock(), outputs=())
    yield Centre(operator, store, *ids)
    store.close()


def test_an_incident_goes_step_by_step_and_each_step_is_in_its_journal(centre: Centre) -> None:
    operate, number = centre.operate, centre.open
    assert operate.seen(number, "Rina").seen_by == "Rina"
    assigned = operate.assign(number, "Rina", "Patroli 12", 7)
    assert (assigned.state, assigned.unit, assigned.eta_minutes) == (IncidentState.ASSIGNED, "Patroli 12", 7)
    assert operate.on_scene(number, "Rina").state is IncidentState.ON_SCENE
    closed = operate.close(number, "Budi", "verified", "ambulance called")
    assert (closed.state, closed.closed_by, closed.note) == (IncidentState.CLOSED, "Budi", "ambulance called")
    kinds = [entry.kind for entry in centre.reader.journal_of_incident(number) if entry.actor is not None]
    assert kinds == [journal.SEEN, journal.ASSIGNED, journal.ON_SCENE, journal.CLOSED]
    assert centre.reader.incident(number) == closed
    assert number not in [incident.id for incident in centre.reader.open_incidents()]
    assert [incident.id for incident in centre.reader.recent_incidents()] == [number]


def test_a_step_that_holds_already_changes_nothing(centre: Centre) -> None:
    centre.operate.seen(centre.open, "Rina")
    last = centre.reader.last_journal_id()
    assert centre.operate.seen(centre.open, "Budi").seen_by == "Rina"
    centre.operate.dispatch_held(centre.open, "Budi")
    assert centre.reader.last_journal_id() == last


@pytest.mark.parametrize(
    "step",
    [
        lambda operate, _: operate.seen(999, "Rina"),
        lambda operate, number: operate.on_scene(number, "Rina"),
        lambda operate, number: (operate.close(number, "Rina", "abuse", ""), operate.assign(number, "Rina", "P", None)),
    ],
    ids=["unknown incident", "on scene without a unit", "after the closing"],
)
def test_a_step_that_cannot_be_is_refused_in_a_sentence(
    centre: Centre, step: Callable[[OperatorActions, int], object]
) -> None:
    with pytest.raises(OperateError, match=r"incident"):
        step(centre.operate, centre.open)


def test_what_was_found_is_corrected_with_a_reason_and_the_closing_stands(centre: Centre) -> None:
    operate, number = centre.operate, centre.open
    with pytest.raises(OperateError, match=str(number)):
        operate.correct(number, "Rina", "accidental", "not closed yet")
    closed = operate.close(number, "Rina", "abuse", "")
    corrected = operate.correct(number, "Budi", "verified", "wound seen by the doctor", shown=closed.progress)
    assert corrected.disposition == "verified" and centre.reader.incident(number) == corrected
    assert (corrected.closed_by, corrected.closed_at_ms) == (closed.closed_by, closed.closed_at_ms)
    entry = centre.reader.journal_of_incident(number)[-1]
    told = {"disposition": "verified", "instead_of": "abuse", "reason": "wound seen by the doctor"}
    assert (entry.kind, entry.actor, entry.facts) == (journal.DISPOSITION_CORRECTED, "Budi", told)
    with pytest.raises(Overtaken):
        operate.correct(number, "Siti", "accidental", "saw abuse on her page", shown=closed.progress)
    assert operate.correct(number, "Siti", "verified", "the same", shown=closed.progress) == corrected
    assert centre.reader.journal_of_incident(number)[-1] == entry, "what holds already changes nothing"


def test_a_held_incident_is_let_go_once(centre: Centre) -> None:
    assert not centre.operate.dispatch_held(centre.held, "Rina").held
    last = centre.reader.last_journal_id()
    assert centre.reader.journal_after(last - 1)[0].kind == journal.DISPATCHED_BY_PERSON
    centre.operate.dispatch_held(centre.held, "Rina")
    assert centre.reader.last_journal_id() == last


def test_the_journal_is_read_from_any_place_in_pages(centre: Centre) -> None:
    for operator in ("Rina", "Budi"):
        centre.operate.seen(centre.open, operator)
        centre.operate.seen(centre.held, operator)
    whole = [entry.id for entry in centre.reader.journal_after(0)]
    assert whole == sorted(set(whole))
    assert whole[-1] == centre.reader.last_journal_id()
    assert [entry.id for entry in centre.reader.journal_after(whole[0], limit=1)] == whole[1:2]
    assert centre.reader.journal_after(whole[-1]) == []
    assert centre.reader.incident(12_345) is None
