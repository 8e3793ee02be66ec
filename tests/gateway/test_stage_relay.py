"""A button that was heard by radio or text message is told of steps at any console: by who has that way, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import stored
from fakes import ManualClock, SentAnswers

from databases import Place
from pressing import is_bound
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.frame import Stage
from siaga_gateway.service.downlinks import Downlinks
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.keyring import KeyRing
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.operate import Operator
from siaga_gateway.service.stage_relay import StageRelay
from siaga_gateway.service.store import StoreFailing
from system.house import eventually


class Radio:
    """A bearer that answers where a frame came from."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, bytes]] = []

    def send_to(self, origin: object, frame: bytes) -> None:
        self.sent.append((origin, frame))

    def stages(self) -> list[tuple[int, Stage, int]]:
        """(counter, stage, ETA) of all that was sent."""
        answers = SentAnswers()
        answers.frames = [(stored.DEVICE_ID, frame) for _, frame in self.sent]
        return answers.stages()


class Machine:
    """One process on the store: what it hears by radio, and a console."""

    def __init__(self, store: SqlStore, clock: ManualClock) -> None:
        self.radio, self.mqtt = Radio(), SentAnswers()
        keyring = KeyRing(store, stored.GATEWAY_KEY)
        self.downlinks = Downlinks(self.mqtt, {"lorawan": self.radio})
        self.relay = StageRelay(store, keyring, self.downlinks, clock)
        self.operator = Operator(store, keyring, self.mqtt, JournalBell(), clock, outputs=(), committed=self.relay.wake)
        self.relay.tell()

    def hears(self) -> None:
        frame = InboundFrame(b"", stored.NOW_MS, "lorawan", lambda: None, origin="radio 7")
        self.downlinks.came_by(stored.DEVICE_ID, frame)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("postgresql", tmp_path)


@pytest.fixture
def machines(place: Place) -> Iterator[tuple[Machine, Machine]]:
    """Two on one store, each with a link of its own to it."""
    one, other = stored.new_store(place), place.open(stored.NOW_MS)
    stored.with_device(one)
    clock = ManualClock()
    yield Machine(one, clock), Machine(other, clock)
    one.close()
    other.close()


def test_who_has_the_way_tells_of_steps_at_any_console(machines: tuple[Machine, Machine]) -> None:
    radio, console = machines
    incident = stored.open_incident(radio.relay._store)
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
    assert all(is_bound(stored.BUTTON.mac_down, frame, stored.press(1)) for _, frame in radio.radio.sent)
    assert console.radio.sent == []
    assert [stage for _, stage, _ in console.mqtt.stages()] == [Stage.SEEN, Stage.ASSIGNED]
    assert [stage for _, stage, _ in radio.mqtt.stages()] == [Stage.ON_SCENE]


def test_a_unit_s_eta_is_told_and_what_was_before_the_start_is_not(machines: tuple[Machine, Machine]) -> None:
    radio, console = machines
    incident = stored.open_incident(radio.relay._store)
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
    incident = stored.open_incident(radio.relay._store)
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
    incident = stored.open_incident(radio.relay._store)
    radio.hears()
    radio.relay.start()
    try:
        console.operator.seen(incident.id, "Siti")  # nobody wakes the other machine's
        eventually(lambda: radio.radio.sent, "the step is told by radio", 60)
        radio.operator.close(incident.id, "Budi", "verified", "")
        eventually(lambda: len(radio.radio.sent) == 2, "the closing is told by radio", 60)
    finally:
        radio.relay.stop()
