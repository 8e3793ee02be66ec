"""LoRaWAN by a network server's MQTT: uplinks come in once, answers go back to where they came from."""

from __future__ import annotations

import base64
import json
import queue
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.enums import CallbackAPIVersion

from brokers import Mosquitto
from gateway.frame_sink import Sink
from gateway.ingest_harness import DEFAULTS, IngestHarness
from gateway.network_server import DOWN, EUI, ORIGIN, UP, NetworkServer
from pressing_button import report_body
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.mqtt.buttons import MqttLink
from siaga_gateway.adapters.mqtt.lorawan import LorawanLink
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.config.mqtt import LorawanSettings, MqttSettings
from siaga_gateway.domain.frame import Kind, Suite, decode_uplink
from siaga_gateway.service.downlink.routes import Downlinks
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal.notifier import JournalNotifier
from spoiling import spoilt
from waiting import ENDS_S, eventually


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as running:
        yield running


def lorawan_link(port: int, sink: object, **more: object) -> LorawanLink:
    settings = LorawanSettings(network="chirpstack", port=port)
    return LorawanLink(settings, gateway="test", clock=WallClock(), sink=sink, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("qos", [0, 1])
def test_uplinks_come_in_and_answers_go_back_to_where_they_came_from(broker: Mosquitto, qos: int) -> None:
    sink = Sink()
    link = lorawan_link(broker.port, sink)
    link.start(5)
    server = NetworkServer(broker.port)
    try:
        server.uplink(b"\x12frame", qos=qos)
        frame = sink.frames.get(timeout=ENDS_S)
        assert (frame.raw, frame.bearer, frame.origin) == (b"\x12frame", "lorawan", ORIGIN)
        frame.acknowledge()
        link.send_to(frame.origin, b"\x13answer")
        topic, command = server.commands.get(timeout=ENDS_S)
        assert (topic, command["devEui"], command["fPort"]) == (DOWN, EUI, 10)
        assert base64.b64decode(str(command["data"])) == b"\x13answer"
    finally:
        server.close()
        link.stop()


def test_other_ports_and_noise_are_counted_and_do_not_come_again(broker: Mosquitto) -> None:
    sink = Sink()
    link = lorawan_link(broker.port, sink)
    link.start(5)
    server = NetworkServer(broker.port)
    try:
        server.uplink(b"thermometer", port=2)
        server.uplink(b"first")
        server.client.publish(UP, b"no JSON", qos=1).wait_for_publish(ENDS_S)
        server.uplink(b"mac", port=0)
        server.uplink(b"second")
        first, second = sink.frames.get(timeout=ENDS_S), sink.frames.get(timeout=ENDS_S)
        assert (first.raw, second.raw) == (b"first", b"second")
        assert (link.counts.frames, link.counts.other_ports, link.counts.unreadable) == (2, 2, 1)
        second.acknowledge()  # before the first: it waits its turn
        server.uplink(b"third")
        assert sink.frames.get(timeout=ENDS_S).raw == b"third"
        link.stop()
        again = Sink()
        link = lorawan_link(broker.port, again)
        link.start(5)
        assert [again.frames.get(timeout=ENDS_S).raw for _ in range(3)] == [b"first", b"second", b"third"]
        assert (link.counts.other_ports, link.counts.unreadable) == (1, 1)  # the thermometer's was done with
    finally:
        server.close()
        link.stop()


def test_a_network_server_that_comes_late_goes_and_comes_back(broker: Mosquitto) -> None:
    broker.kill()
    changes: queue.Queue[tuple[bool, str]] = queue.Queue()
    sink = Sink()
    link = lorawan_link(broker.port, sink, on_change=lambda up, why: changes.put((up, why)))
    link.start_later()
    try:
        assert changes.get(timeout=ENDS_S)[0] is False
        link.send_to(ORIGIN, b"into nothing")
        broker.start()
        assert changes.get(timeout=ENDS_S) == (True, "")
        broker.kill()
        assert changes.get(timeout=ENDS_S)[0] is False
        broker.start()
        assert changes.get(timeout=ENDS_S)[0] is True
        server = NetworkServer(broker.port)
        server.uplink(b"after")
        assert sink.frames.get(timeout=ENDS_S).raw == b"after"
        server.close()
        assert changes.empty()
    finally:
        link.stop()


def test_a_press_over_lorawan_is_stored_once_and_answered_on_lorawan_and_mqtt(
    tmp_path: Path, broker: Mosquitto
) -> None:
    desk = IngestHarness(tmp_path)
    button = desk.button()
    entry: list[Ingest] = []

    class Entry:
        def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
            return entry[0].offer(frame, timeout_s)

    settings = MqttSettings(port=broker.port)
    mqtt = MqttLink(settings, gateway="test", clock=WallClock(), sink=Entry())
    lorawan = lorawan_link(broker.port, Entry())
    downlinks = Downlinks(mqtt, {"lorawan": lorawan})
    ingest = Ingest(
        store=desk.store,
        keyring=desk.keyring,
        sender=downlinks,
        notifier=JournalNotifier(),
        clock=WallClock(),
        defaults=DEFAULTS,
        limits=Limits(),
        came_by=downlinks.came_by,
    )
    entry.append(ingest)
    ingest.start()
    mqtt.start()
    lorawan.start(5)
    server = NetworkServer(broker.port)
    answers: queue.Queue[bytes] = queue.Queue()
    listener = PahoClient(CallbackAPIVersion.VERSION2)
    listener.on_message = lambda _c, _u, m: answers.put(bytes(m.payload))
    listener.connect("127.0.0.1", broker.port)
    subscribed: queue.Queue[bool] = queue.Queue()
    listener.on_subscribe = lambda *_: subscribed.put(True)
    listener.loop_start()
    listener.subscribe(f"siaga/v1/down/{button.device_id.hex()}", qos=1)
    assert subscribed.get(timeout=ENDS_S)
    try:
        press = button.frame(Kind.PRESS, 1, report_body(int(time.time())), Suite.HS256_64)
        assert len(press) == 43
        assert decode_uplink(press).kind is Kind.PRESS
        forged = spoilt(press)
        other = UP.replace(EUI, "ffffffffffffffff")
        server.client.publish(other, json.dumps({"fPort": 10, "data": base64.b64encode(forged).decode()}), qos=1)
        for _ in range(3):
            server.uplink(press)
        for _ in range(3):
            topic, command = server.commands.get(timeout=ENDS_S)
            answer = base64.b64decode(str(command["data"]))
            assert (topic, answer[1], answer[18]) == (DOWN, Kind.ACK, 1)
            assert answer == answers.get(timeout=ENDS_S)
        eventually(lambda: ingest.counts.frames == 4)
        counts = ingest.counts
        assert (counts.stored, counts.duplicates, counts.forged) == (1, 2, 1)
        assert server.commands.empty()  # nothing to whoever sent the forged one
    finally:
        server.close()
        listener.disconnect()
        listener.loop_stop()
        lorawan.stop()
        mqtt.stop()
        ingest.stop()
        desk.close()
