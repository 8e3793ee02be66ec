"""A button that was heard by radio or text message is told of steps at any console: by who has that way, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from databases import Place
from gateway import sample_store
from gateway.fake_ports import ManualClock, SentAnswers
from pressing_button import is_bound
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation_state import FactKind
from siaga_gateway.domain.frame import Stage
from siaga_gateway.domain.incident import Answered, Mode
from siaga_gateway.domain.value import copied
from siaga_gateway.service.downlink.routes import Downlinks
from siaga_gateway.service.downlink.stage_relay import StageRelay
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import StoreFailing
from waiting import eventually


class Radio:
    """A bearer that answers where a frame came from."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, bytes]] = []

    def send_to(self, origin: object, frame: bytes) -> None:
        self.sent.append((origin, frame))

    def stages(self) -> list[tuple[int, Stage, int]]:
        """(counter, stage, ETA) of all that was sent."""
        answers = SentAnswers()
        answers.frames = [(sample_store.DEVICE_ID, frame) for _, frame in self.sent]
        return answers.stages()


class Machine:
    """One process on the store: what it hears by radio, and a console."""

    def __init__(self, store: SqlStore, clock: ManualClock, *, apart: bool = False) -> None:
        """apart: it has a broker of its own."""
        self.radio, self.mqtt = Radio(), SentAnswers()
        keyring = KeyRing(store, sample_store.GATEWAY_KEY)
        self.downlinks = Downlinks(self.mqtt, {"lorawan": self.radio}, apart=apart)
        self.relay = StageRelay(store, keyring, self.downlinks, clock)
        self.operator = IncidentActions(
            store, keyring, self.mqtt, JournalNotifier(), clock, outputs=(), committed=self.relay.wake
        )
        self.relay.tell()

    def hears(self) -> None:
        frame = InboundFrame(b"", sample_store.NOW_MS, "lorawan", lambda: None, origin="radio 7")
        self.downlinks.came_by(sample_store.DEVICE_ID, frame)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place("postgresql", tmp_path) as made:
        yield made


@pytest.fixture
def machines(place: Place) -> Iterator[tuple[Machine, Machine]]:
    """Two on one store, each with a link of its own to it."""
    one, other = sample_store.new_store(place), place.open(sample_store.NOW_MS)
    sample_store.with_device(one)
    clock = ManualClock()
    yield Machine(one, clock), Machine(other, clock)
    one.close()
    other.close()


def test_who_has_the_way_tells_of_steps_at_any_console(machines: tuple[Machine, Machine]) -> None:
    radio, console = machines
    incident = sample_store.open_incident(radio.relay._store)
    radio.hears()
    console.operator.seen(incident.id, "Siti")
    radio.relay.tell()
    console.operator.assign(incident.id, "Siti", "Patroli 12", 6)
    radio.operator.on_scene(incident.id, "Budi")
    radio.relay.tell()
    console.relay.tell()
    radio.relay.tell()
    assert radio.radio.sent[0][0] == "radio 7"
    # Two steps in a row are told once; over MQTT each goes from its own console.
    assert radio.radio.stages() == [(1, Stage.SEEN, 255), (1, Stage.ON_SCENE, 255)]
    assert all(is_bound(sample_store.BUTTON.mac_down, frame, sample_store.press(1)) for _, frame in radio.radio.sent)
    assert console.radio.sent == []
    assert [stage for _, stage, _ in console.mqtt.stages()] == [Stage.SEEN, Stage.ASSIGNED]
    assert [stage for _, stage, _ in radio.mqtt.stages()] == [Stage.ON_SCENE]


def test_with_a_broker_on_each_machine_the_one_that_heard_the_button_tells_of_steps_at_the_other(place: Place) -> None:
    one, other = sample_store.new_store(place), place.open(sample_store.NOW_MS)
    sample_store.with_device(one)
    clock = ManualClock()
    hears, console = Machine(one, clock, apart=True), Machine(other, clock, apart=True)
    incident = sample_store.open_incident(one)
    console.operator.seen(incident.id, "Siti")
    for machine in (hears, console):
        machine.relay.tell()
    assert hears.mqtt.stages() == [], "it has not heard the button"
    heard = InboundFrame(sample_store.press(1), sample_store.NOW_MS, "mqtt", lambda: None, sender="x")
    hears.downlinks.came_by(sample_store.DEVICE_ID, heard)
    console.operator.assign(incident.id, "Siti", "Patroli 12", 6)
    for machine in (hears, console):
        machine.relay.tell()
    assert hears.mqtt.stages() == [(1, Stage.ASSIGNED, 6)]
    # An hour without a word: it has gone to the other broker, and nothing is left waiting for it at this one.
    later = InboundFrame(b"", sample_store.NOW_MS + 3_600_001, "mqtt", lambda: None, sender="y")
    hears.downlinks.came_by(b"\1" * 8, later)
    assert not hears.downlinks.knows_a_way(sample_store.DEVICE_ID)
    one.close()
    other.close()


def test_a_unit_s_eta_is_told_and_what_was_before_the_start_is_not(machines: tuple[Machine, Machine]) -> None:
    radio, console = machines
    incident = sample_store.open_incident(radio.relay._store)
    console.operator.seen(incident.id, "Siti")
    radio.relay.tell()  # not heard by radio yet
    radio.hears()
    radio.relay.tell()
    assert radio.radio.sent == []
    console.operator.assign(incident.id, "Siti", "Patroli 12", 6)
    radio.relay.tell()
    assert radio.radio.stages() == [(1, Stage.ASSIGNED, 6)]


def test_what_a_failing_store_kept_from_it_is_told_later(
    machines: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    radio, console = machines
    incident = sample_store.open_incident(radio.relay._store)
    radio.hears()
    console.operator.seen(incident.id, "Siti")

    @contextmanager
    def away() -> Iterator[None]:
        raise StoreFailing("the server is away")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(radio.relay._store, "transaction", away)
        with pytest.raises(StoreFailing):
            radio.relay.tell()
    radio.relay.tell()
    assert [stage for _, stage, _ in radio.radio.stages()] == [Stage.SEEN]


def test_running_it_follows_by_itself(machines: tuple[Machine, Machine]) -> None:
    radio, console = machines
    incident = sample_store.open_incident(radio.relay._store)
    radio.hears()
    radio.relay.start()
    try:
        console.operator.seen(incident.id, "Siti")  # nobody wakes the other machine's
        eventually(lambda: radio.radio.sent, "the step is told by radio")
        radio.operator.close(incident.id, "Budi", "verified", "")
        eventually(lambda: len(radio.radio.sent) == 2, "the closing is told by radio")
    finally:
        radio.relay.stop()


def test_who_has_the_way_tells_of_a_responder_s_steps_too(machines: tuple[Machine, Machine]) -> None:
    radio, page = machines
    store = radio.relay._store
    incident = sample_store.open_incident(store)
    radio.hears()
    keyring = KeyRing(store, sample_store.GATEWAY_KEY)
    steps = ResponderSteps(store, keyring, page.mqtt, JournalNotifier(), ManualClock(), outputs=())
    steps.answer(incident.id, "patroli-1", FactKind.ACCEPTED, 4)
    radio.relay.tell()
    assert radio.radio.stages() == [(1, Stage.ASSIGNED, 4)]


def test_that_an_exercise_is_none_is_told_by_radio_too(machines: tuple[Machine, Machine]) -> None:
    radio, console = machines
    store = radio.relay._store
    incident = copied(sample_store.open_incident(store), mode=Mode.EXERCISE, drill=1, answered=Answered.ON_SCENE)
    with store.transaction() as transaction:
        transaction.put_incident(incident)
    radio.hears()
    console.operator.make_real(incident.id, "Siti")
    radio.relay.tell()
    assert radio.radio.stages() == [(1, Stage.SEEN, 255)]
