"""Positions by MQTT, with a real broker: stored, then acknowledged, and come again where they were not."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from paho.mqtt.enums import CallbackAPIVersion

from brokers import Mosquitto
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.adapters.owntracks.mqtt_intake import OwntracksLink, PositionSink
from siaga_gateway.config.owntracks import OwntracksMqttSettings
from siaga_gateway.service.dispatch.responder_positions import Outcome, PositionReport
from siaga_gateway.service.store import StoreFailing
from waiting import ENDS_S, eventually

NOW_MS = 1_796_059_200_000
LOCATION = {"_type": "location", "lat": -5.4292, "lon": 105.2611, "tst": NOW_MS // 1000 - 60}


class Phones:
    """A broker, a phone at it, and what the gateway takes; `failing` of the first tries to store fail."""

    def __init__(self, broker: Mosquitto) -> None:
        self.broker = broker
        self.failing = 0
        self.taken: queue.Queue[PositionReport] = queue.Queue()
        self.refused: list[tuple[str, str, int]] = []
        self.asked: list[int] = []
        self.phone = PahoClient(CallbackAPIVersion.VERSION2)
        self.phone.connect("127.0.0.1", broker.port)
        self.phone.loop_start()
        self.begin()

    def begin(self) -> None:
        self.sink = PositionSink(self._take)
        self.link = OwntracksLink(
            OwntracksMqttSettings(enabled=True, port=self.broker.port),
            gateway="test",
            clock=ManualClock(NOW_MS),
            sink=self.sink,
            refused=lambda *told: self.refused.append(told),
        )
        self.sink.start()
        self.link.start(10)

    def end(self) -> None:
        self.link.hold_back()
        self.sink.stop()
        self.link.stop()

    def _take(self, reports: Sequence[PositionReport]) -> Sequence[Outcome]:
        if self.failing:
            self.failing -= 1
            raise StoreFailing("passed_on", why="disk")
        self.asked.append(len(reports))
        for report in reports:
            self.taken.put(report)
        return [Outcome.TAKEN for _ in reports]

    def say(self, topic: str, told: object, retain: bool = False) -> None:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.phone.publish(topic, body, qos=1, retain=retain).wait_for_publish(ENDS_S)

    def next(self) -> PositionReport:
        return self.taken.get(timeout=ENDS_S)


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[Phones]:
    with Mosquitto(tmp_path / "broker") as broker:
        made = Phones(broker)
        yield made
        made.end()
        made.phone.loop_stop()
        made.phone.disconnect()


def test_what_a_phone_publishes_is_taken_and_what_says_no_place_is_told(phones: Phones) -> None:
    phones.say("owntracks/Budi/hp", LOCATION)
    found = phones.next()
    assert (found.responder, found.latitude, found.accuracy_m, found.heard_ms) == ("budi", -54_292_000, None, NOW_MS)
    phones.say("owntracks/budi/hp", {"_type": "lwt", "tst": 1})
    phones.say("owntracks/budi/hp/waypoints", [LOCATION])
    phones.say("owntracks/budi/hp", {"_type": "encrypted", "data": "x"})
    phones.say("owntracks/budi/hp", b"\xff")
    phones.say("owntracks/budi/hp/event", {**LOCATION, "_type": "transition", "lat": -5.43})
    assert phones.next().latitude == -54_300_000, "what came before holds nothing up"
    assert phones.refused == [("budi", "owntracks.encrypted", 1), ("budi", "owntracks.no_json", 1)]
    assert phones.link.counts == {"passed": 1, "refused": 2}


def test_what_could_not_be_stored_is_tried_again_and_comes_again_after_a_restart(phones: Phones) -> None:
    phones.failing = 1
    phones.say("owntracks/budi/hp", LOCATION)
    assert phones.next().responder == "budi"
    phones.failing = 10**6
    phones.say("owntracks/wati/hp", LOCATION)
    eventually(lambda: phones.failing < 10**6, "it was tried")
    phones.end()
    phones.failing = 0
    phones.begin()
    assert phones.next().responder == "wati", "it was not acknowledged"


def test_only_the_last_of_a_list_is_taken_and_what_is_wrong_with_it_is_told_once(phones: Phones) -> None:
    backlog = [{**LOCATION, "tst": LOCATION["tst"] - number} for number in range(300)]  # type: ignore[operator]
    phones.say("owntracks/budi/hp", [*backlog, *[{"_type": "encrypted", "data": "x"}] * 300])
    found = [phones.next().told_ms for _ in range(50)]
    assert found == [NOW_MS - 60_000 - 1_000 * number for number in reversed(range(50))]
    phones.say("owntracks/wati/hp", LOCATION)
    assert phones.next().responder == "wati", "and no more of budi's"
    assert phones.refused == [("budi", "owntracks.encrypted", 300)] and phones.link.counts["refused"] == 300


def test_presses_wait_for_no_transaction_of_ten_thousand_positions(phones: Phones) -> None:
    phones.failing = 1
    phones.say("owntracks/budi/hp", LOCATION)  # while that is tried again, the others wait
    eventually(lambda: phones.failing == 0, "it was tried")
    backlog = [{**LOCATION, "tst": LOCATION["tst"] - number} for number in range(50)]  # type: ignore[operator]
    for _ in range(24):
        phones.say("owntracks/wati/hp", backlog)
    for _ in range(1 + 24 * 50):
        phones.next()
    assert sum(phones.asked) == 1 + 24 * 50 and max(phones.asked) < 550


def test_what_the_broker_retained_says_nothing_of_whether_the_phone_lives_now(phones: Phones) -> None:
    phones.say("owntracks/budi/hp", {**LOCATION, "t": "p"}, retain=True)
    assert phones.next().heard_ms == NOW_MS
    phones.end()
    phones.begin()
    again = phones.next()
    assert (again.is_ping, again.heard_ms) == (True, NOW_MS - 60_000)
