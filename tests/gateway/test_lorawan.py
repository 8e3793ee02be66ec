"""LoRaWAN by a network server's MQTT JSON: what it says is read, what it is told is what it takes."""

from __future__ import annotations

import base64
import json
import queue
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingesting import HOUSE, Desk
from paho.mqtt.enums import CallbackAPIVersion
from test_mqtt import Sink, WallClock, eventually

from brokers import Mosquitto
from pressing import report_body
from siaga_gateway.adapters.lorawan_in import LorawanLink
from siaga_gateway.adapters.mqtt import MqttLink
from siaga_gateway.config import LorawanSettings, MqttSettings
from siaga_gateway.domain.frame import Kind, Suite, decode_uplink
from siaga_gateway.formats import chirpstack, things_stack
from siaga_gateway.formats.lorawan import LorawanUplink, NotAnUplink, Origin
from siaga_gateway.service.downlinks import Downlinks
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest import Ingest, Limits
from siaga_gateway.service.live import JournalBell

APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"
EUI = "ac1f09fffe05a1b2"
UP = f"application/{APPLICATION}/device/{EUI}/event/up"
DOWN = f"application/{APPLICATION}/device/{EUI}/command/down"
ORIGIN = Origin(APPLICATION, EUI)


def event(payload: bytes, port: int = 10, **more: object) -> dict[str, object]:
    """As ChirpStack 4 writes it (its documentation's example, with emit_fields as since 4.1)."""
    return {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-07-18T09:34:15.775023242+00:00",
        "deviceInfo": {
            "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
            "applicationId": APPLICATION,
            "applicationName": "Siaga",
            "deviceProfileId": "14855bf7-d10d-4aee-b618-ebfcb64dc7ad",
            "deviceName": "toko-contoh",
            "devEui": EUI,
            "tags": {},
        },
        "devAddr": "00189440",
        "adr": True,
        "dr": 3,
        "fCnt": 0,
        "fPort": port,
        "confirmed": False,
        "data": base64.b64encode(payload).decode(),
        "object": None,
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "uplinkId": 4217106255, "rssi": -36, "snr": 10.5}],
        "txInfo": {"frequency": 921400000, "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 9}}},
        **more,
    }


def body(payload: bytes, port: int = 10, **more: object) -> bytes:
    return json.dumps(event(payload, port, **more)).encode()


def test_chirpstack_uplinks() -> None:
    assert chirpstack.read_uplink(UP, body(b"\x12frame")) == LorawanUplink(ORIGIN, 10, b"\x12frame")
    # What protobuf's JSON leaves out where it is a default.
    bare = json.dumps({"deviceInfo": {"devEui": EUI}}).encode()
    assert chirpstack.read_uplink(UP, bare) == LorawanUplink(ORIGIN, 0, b"")
    assert chirpstack.read_uplink(UP, b'{"fPort":10,"data":null}') == LorawanUplink(ORIGIN, 10, b"")


def test_the_things_stack_uplinks() -> None:
    topic = "v3/siaga@polda/devices/toko-contoh/up"
    told = {
        "end_device_ids": {"device_id": "toko-contoh", "dev_eui": EUI.upper()},
        "uplink_message": {"f_port": 10, "frm_payload": base64.b64encode(b"\x12frame").decode()},
    }
    origin = Origin("siaga@polda", "toko-contoh")
    assert things_stack.read_uplink(topic, json.dumps(told).encode()) == LorawanUplink(origin, 10, b"\x12frame")
    assert things_stack.read_uplink(topic, b'{"uplink_message":{}}') == LorawanUplink(origin, 0, b"")
    for wrong in (b'{"join_accept":{}}', b"[]", b'{"uplink_message":{"f_port":10,"frm_payload":"?"}}'):
        with pytest.raises(NotAnUplink):
            things_stack.read_uplink(topic, wrong)
    with pytest.raises(NotAnUplink, match="topic"):
        things_stack.read_uplink("v3/siaga@polda/devices/toko-contoh/join", b"{}")
    push, message = things_stack.write_downlink(origin, b"\x13answer")
    assert push == "v3/siaga@polda/devices/toko-contoh/down/push"
    (downlink,) = json.loads(message)["downlinks"]
    assert (downlink["f_port"], base64.b64decode(downlink["frm_payload"])) == (10, b"\x13answer")


@pytest.mark.parametrize(
    ("topic", "said", "why"),
    [
        (UP, b"", "no JSON"),
        (UP, b"[" * 30_000, "no JSON"),
        (UP, b"\xff\xfe", "no JSON"),
        (UP, b"[1]", "no object"),
        (UP, b" " * 70_000, "70000 bytes"),
        (UP, body(b"x", 256), "FPort 256"),
        (UP, body(b"x", -1), "FPort -1"),
        (UP, body(b"x", fPort="10"), "FPort '10'"),
        (UP, body(b"x", fPort=True), "FPort True"),
        (UP, body(b"x", fPort=10.0), "FPort 10.0"),
        (UP, body(b"x", data="no base64"), "no base64"),
        (UP, body(b"x", data="é"), "no base64"),
        (UP, body(b"x", data=7), "no text"),
        (UP, body(b"x", deviceInfo={"devEui": "0000000000000000"}), "on the topic of"),
        (UP.replace("/up", "/join"), body(b"x"), "topic"),
        (f"application//device/{EUI}/event/up", body(b"x"), "topic"),
        ("siaga/v1/up/0123456789abcdef", body(b"x"), "topic"),
    ],
)
def test_what_cannot_be_read_says_why(topic: str, said: bytes, why: str) -> None:
    with pytest.raises(NotAnUplink, match=why):
        chirpstack.read_uplink(topic, said)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["fPort", "data", "deviceInfo", "devEui", "uplink_message"]), inner)
        ),
        max_leaves=8,
    )
)
def test_any_json_is_an_uplink_or_a_refusal(told: object) -> None:
    said = json.dumps(told).encode()
    for read, topic in ((chirpstack.read_uplink, UP), (things_stack.read_uplink, "v3/a@b/devices/c/up")):
        try:
            uplink = read(topic, said)
        except NotAnUplink:
            continue
        assert 0 <= uplink.port <= 255


def test_downlinks_are_written_as_chirpstack_takes_them() -> None:
    topic, message = chirpstack.write_downlink(ORIGIN, b"\x13answer")
    assert topic == DOWN
    told = json.loads(message)
    assert told == {"devEui": EUI, "confirmed": False, "fPort": 10, "data": base64.b64encode(b"\x13answer").decode()}


class NetworkServer:
    """What ChirpStack's MQTT integration does: publishes events, takes commands."""

    def __init__(self, port: int) -> None:
        self.commands: queue.Queue[tuple[str, dict[str, object]]] = queue.Queue()
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _c, _u, m: self.commands.put((m.topic, json.loads(m.payload)))
        taken: queue.Queue[bool] = queue.Queue()
        self.client.on_subscribe = lambda *_: taken.put(True)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.client.subscribe("application/+/device/+/command/+", qos=1)
        assert taken.get(timeout=5)

    def uplink(self, payload: bytes, port: int = 10, topic: str = UP, qos: int = 1) -> None:
        self.client.publish(topic, body(payload, port), qos=qos).wait_for_publish(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


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
        frame = sink.frames.get(timeout=5)
        assert (frame.raw, frame.bearer, frame.origin) == (b"\x12frame", "lorawan", ORIGIN)
        frame.acknowledge()
        link.send_to(frame.origin, b"\x13answer")
        topic, command = server.commands.get(timeout=5)
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
        server.client.publish(UP, b"no JSON", qos=1).wait_for_publish(5)
        server.uplink(b"mac", port=0)
        server.uplink(b"second")
        first, second = sink.frames.get(timeout=5), sink.frames.get(timeout=5)
        assert (first.raw, second.raw) == (b"first", b"second")
        assert (link.counts.frames, link.counts.other_ports, link.counts.unreadable) == (2, 2, 1)
        second.acknowledge()  # before the first: it waits its turn
        time.sleep(0.2)
        link.stop()
        again = Sink()
        link = lorawan_link(broker.port, again)
        link.start(5)
        assert [again.frames.get(timeout=5).raw for _ in range(2)] == [b"first", b"second"]
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
        assert changes.get(timeout=5)[0] is False
        link.send_to(ORIGIN, b"into nothing")
        broker.start()
        assert changes.get(timeout=20) == (True, "")
        broker.kill()
        assert changes.get(timeout=5)[0] is False
        broker.start()
        assert changes.get(timeout=20)[0] is True
        server = NetworkServer(broker.port)
        server.uplink(b"after")
        assert sink.frames.get(timeout=5).raw == b"after"
        server.close()
        assert changes.empty()
    finally:
        link.stop()


class Kept:
    """A bearer that keeps what it is told to send."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, bytes]] = []

    def send(self, device_id: bytes, frame: bytes) -> None:
        self.sent.append((device_id, frame))

    def send_to(self, origin: object, frame: bytes) -> None:
        self.sent.append((origin, frame))


def heard(origin: object, bearer: str = "lorawan", at_s: int = 0) -> InboundFrame:
    return InboundFrame(b"", at_s * 1000, bearer, lambda: None, origin)  # type: ignore[arg-type]


def test_answers_go_over_mqtt_and_by_the_last_ways_that_the_device_was_heard_on() -> None:
    mqtt, lorawan = Kept(), Kept()
    downlinks = Downlinks(mqtt, {"lorawan": lorawan}, devices=2)
    one, two, three = b"1" * 8, b"2" * 8, b"3" * 8
    downlinks.send(one, b"a")
    assert (mqtt.sent, lorawan.sent) == ([(one, b"a")], [])
    for number in (1, 2, 1, 3, 4):
        downlinks.came_by(one, heard(Origin("app", str(number))))
    downlinks.came_by(one, heard(None, "mqtt"))
    downlinks.came_by(one, heard("+62", "sms"))  # a bearer that nobody answers on
    downlinks.send(one, b"b")
    assert [origin.device for origin, _ in lorawan.sent if isinstance(origin, Origin)] == ["4", "3", "1"]
    assert mqtt.sent[-1] == (one, b"b")
    downlinks.came_by(two, heard(ORIGIN))
    downlinks.came_by(three, heard(ORIGIN))
    lorawan.sent.clear()
    downlinks.send(one, b"c")
    assert lorawan.sent == []  # the longest unheard was forgotten
    downlinks.send(two, b"d")
    assert lorawan.sent == [(ORIGIN, b"d")]


def test_a_radio_that_was_not_heard_lately_is_not_answered() -> None:
    lorawan = Kept()
    downlinks = Downlinks(Kept(), {"lorawan": lorawan})
    device = b"1" * 8
    downlinks.came_by(device, heard("old", at_s=0))
    downlinks.came_by(device, heard("new", at_s=899))
    downlinks.send(device, b"a")
    assert [origin for origin, _ in lorawan.sent] == ["new", "old"]
    downlinks.came_by(device, heard("new", at_s=901))
    downlinks.send(device, b"b")
    assert [origin for origin, frame in lorawan.sent if frame == b"b"] == ["new"]


def test_a_command_waits_once_on_a_way_that_keeps_it_until_the_device_was_heard_there_again() -> None:
    mqtt, lorawan, sms = Kept(), Kept(), Kept()
    downlinks = Downlinks(mqtt, {"lorawan": lorawan, "sms": sms})
    device = b"1" * 8

    def command(down_counter: int) -> bytes:
        return b"\x13\x82" + device + down_counter.to_bytes(4, "big") + b"\0" * 22

    downlinks.came_by(device, heard("radio"))
    downlinks.came_by(device, heard("number", "sms"))
    for _ in range(3):
        downlinks.send_command(device, command(7))
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (3, 1, 1)
    downlinks.came_by(device, heard("radio", at_s=60))
    for _ in range(3):
        downlinks.send_command(device, command(7))
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (6, 2, 1)
    downlinks.send_command(device, command(8))  # another one
    downlinks.send(device, b"an acknowledgement goes whenever it is due")
    downlinks.send(device, b"an acknowledgement goes whenever it is due")
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (9, 5, 4)


def test_nothing_is_paid_for_once_a_device_is_heard_where_everything_goes() -> None:
    mqtt, lorawan, sms = Kept(), Kept(), Kept()
    downlinks = Downlinks(mqtt, {"lorawan": lorawan, "sms": sms}, paid=("sms",))
    device = b"1" * 8
    downlinks.came_by(device, heard("radio"))
    downlinks.came_by(device, heard("number", "sms"))
    downlinks.send(device, b"a")
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (1, 1, 1)
    downlinks.came_by(device, InboundFrame(b"", 10_000, "mqtt", lambda: None))
    downlinks.send(device, b"b")
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (2, 2, 1)
    downlinks.came_by(device, heard("number", "sms", at_s=20))
    downlinks.send(device, b"c")
    assert (len(mqtt.sent), len(lorawan.sent), len(sms.sent)) == (3, 3, 2)


def test_a_press_over_lorawan_is_stored_once_and_answered_on_lorawan_and_mqtt(
    tmp_path: Path, broker: Mosquitto
) -> None:
    desk = Desk(tmp_path)
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
        bell=JournalBell(),
        clock=WallClock(),
        house=HOUSE,
        limits=Limits(),
        came_by=downlinks.came_by,
    )
    entry.append(ingest)
    ingest.start()
    mqtt.start()
    lorawan.start(5)
    server = NetworkServer(broker.port)
    answers: queue.Queue[bytes] = queue.Queue()
    listener = paho.Client(CallbackAPIVersion.VERSION2)
    listener.on_message = lambda _c, _u, m: answers.put(bytes(m.payload))
    listener.connect("127.0.0.1", broker.port)
    subscribed: queue.Queue[bool] = queue.Queue()
    listener.on_subscribe = lambda *_: subscribed.put(True)
    listener.loop_start()
    listener.subscribe(f"siaga/v1/down/{button.device_id.hex()}", qos=1)
    assert subscribed.get(timeout=5)
    try:
        press = button.frame(Kind.PRESS, 1, report_body(int(time.time())), Suite.HS256_64)
        assert len(press) == 43
        assert decode_uplink(press).kind is Kind.PRESS
        forged = press[:-1] + bytes([press[-1] ^ 1])
        other = UP.replace(EUI, "ffffffffffffffff")
        server.client.publish(other, json.dumps({"fPort": 10, "data": base64.b64encode(forged).decode()}), qos=1)
        for _ in range(3):
            server.uplink(press)
        for _ in range(3):
            topic, command = server.commands.get(timeout=10)
            answer = base64.b64decode(str(command["data"]))
            assert (topic, answer[1], answer[18]) == (DOWN, Kind.ACK, 1)
            assert answer == answers.get(timeout=10)
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
