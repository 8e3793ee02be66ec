"""The link to the broker, against a real one: nothing acknowledged early, nothing lost for want of room."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from paho.mqtt.enums import CallbackAPIVersion

from brokers import Mosquitto, embedded_broker, free_port
from gateway.frame_sink import Sink
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.mqtt.buttons import BrokerUnreachable, MqttLink
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.config.mqtt import MqttSettings
from waiting import ENDS_S, eventually

DEVICE = bytes.fromhex("0123456789abcdef")


class Button:
    """A client that publishes as a button does and keeps what it receives."""

    def __init__(self, port: int) -> None:
        self.received: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        self.client = PahoClient(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _c, _u, m: self.received.put((m.topic, bytes(m.payload), m.retain))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def publish(self, payload: bytes) -> None:
        self.client.publish(f"siaga/v1/up/{DEVICE.hex()}", payload, qos=1).wait_for_publish(ENDS_S)

    def subscribe(self, topic: str) -> None:
        done = threading.Event()
        self.client.on_subscribe = lambda *_: done.set()
        self.client.subscribe(topic, qos=1)
        assert done.wait(ENDS_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(params=["mosquitto", "embedded"])
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    if request.param == "mosquitto":
        with Mosquitto(tmp_path) as broker:
            yield broker.port
    else:
        with embedded_broker() as embedded:
            yield embedded


def link_to(port: int, sink: Sink, **others: object) -> MqttLink:
    settings = MqttSettings(host="127.0.0.1", port=port, start_timeout_s=ENDS_S)
    return MqttLink(settings, gateway="test", clock=WallClock(), sink=sink, **others)  # type: ignore[arg-type]


def test_a_frame_comes_in_and_an_answer_goes_out(port: int) -> None:
    sink = Sink()
    link = link_to(port, sink)
    link.start()
    button = Button(port)
    try:
        button.subscribe(f"siaga/v1/down/{DEVICE.hex()}")
        button.publish(b"\x11frame")
        frame = sink.frames.get(timeout=ENDS_S)
        assert (frame.raw, frame.bearer) == (b"\x11frame", "mqtt")
        frame.acknowledge()
        link.send(DEVICE, b"\x13answer")
        assert button.received.get(timeout=ENDS_S) == (f"siaga/v1/down/{DEVICE.hex()}", b"\x13answer", False)
    finally:
        button.close()
        link.stop()


def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(port: int) -> None:
    sink = Sink()
    first = link_to(port, sink)
    first.start()
    button = Button(port)
    try:
        button.publish(b"done")
        button.publish(b"kept")
        done, kept = sink.frames.get(timeout=ENDS_S), sink.frames.get(timeout=ENDS_S)
        assert (done.raw, kept.raw) == (b"done", b"kept")
        done.acknowledge()
        time.sleep(0.2)  # the acknowledgement is on its way; nothing answers it
        first.stop()
        kept.acknowledge()  # too late: that connection is gone

        again = link_to(port, sink)
        again.start()
        try:
            assert sink.frames.get(timeout=ENDS_S).raw == b"kept"
            with pytest.raises(queue.Empty):
                sink.frames.get(timeout=0.5)
        finally:
            again.stop()
    finally:
        button.close()


def test_without_room_nothing_is_dropped(port: int) -> None:
    sink = Sink(room=3)
    link = link_to(port, sink)
    link.start()
    button = Button(port)
    try:
        sent = {b"%d" % number for number in range(12)}
        for payload in sent:
            button.publish(payload)
        seen: set[bytes] = set()

        def all_seen() -> bool:
            while not sink.frames.empty():
                frame = sink.frames.get_nowait()
                seen.add(frame.raw)
                frame.acknowledge()
            return seen == sent

        eventually(all_seen, lambda: f"those that never came: {sent - seen}")
    finally:
        button.close()
        link.stop()


def test_everyone_can_see_whether_the_gateway_is_there(port: int) -> None:
    link = link_to(port, Sink())
    link.start()
    watcher = Button(port)
    try:
        watcher.subscribe("siaga/v1/gateway/test/status")
        assert watcher.received.get(timeout=ENDS_S)[1] == b"online"
        link.stop()
        said = watcher.received.get(timeout=ENDS_S)[1]
        if said == b"online":  # the one on its way as the watcher subscribed, after the one that the broker kept
            said = watcher.received.get(timeout=ENDS_S)[1]
        assert said == b"offline"
    finally:
        watcher.close()


def test_a_lost_broker_is_reported_and_found_again(tmp_path: Path) -> None:
    changes: queue.Queue[tuple[bool, str]] = queue.Queue()
    sink = Sink()
    broker = Mosquitto(tmp_path).start()
    link = link_to(broker.port, sink, on_change=lambda up, why: changes.put((up, why)))
    link.start()
    try:
        assert link.up
        broker.kill()
        assert changes.get(timeout=ENDS_S)[0] is False
        assert not link.up
        link.send(DEVICE, b"into nothing")  # neither blocks nor raises
        broker.start()
        assert changes.get(timeout=ENDS_S)[0] is True
        button = Button(broker.port)
        button.publish(b"after")
        assert sink.frames.get(timeout=ENDS_S).raw == b"after"
        button.close()
    finally:
        link.stop()
        broker.kill()


def test_a_missing_broker_stops_the_start_with_its_name_and_the_mend() -> None:
    port = free_port()
    link = MqttLink(MqttSettings(port=port, start_timeout_s=1), gateway="test", clock=WallClock(), sink=Sink())
    with pytest.raises(BrokerUnreachable, match=rf"no MQTT broker at 127\.0\.0\.1:{port}: .*mqtt\.host"):
        link.start()


def test_a_broker_that_refuses_says_so(tmp_path: Path) -> None:
    with Mosquitto(tmp_path, "allow_anonymous false") as broker:
        link = link_to(broker.port, Sink())
        with pytest.raises(BrokerUnreachable, match="it wants a login"):
            link.start()
        link.stop()


def test_something_that_is_no_broker_is_not_waited_for_without_end() -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings = MqttSettings(port=silent.getsockname()[1], start_timeout_s=1)
        link = MqttLink(settings, gateway="test", clock=WallClock(), sink=Sink())
        begun = time.monotonic()
        with pytest.raises(BrokerUnreachable, match="no MQTT broker"):
            link.start()
        assert time.monotonic() - begun < 20, "by the setting, not by its default"
        link.stop()


def test_the_broker_sees_the_last_will_of_a_killed_gateway(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        link = link_to(broker.port, Sink())
        link.start()
        watcher = Button(broker.port)
        watcher.subscribe("siaga/v1/gateway/test/status")
        assert watcher.received.get(timeout=ENDS_S)[1] == b"online"
        raw = link._client.socket()
        assert raw is not None
        raw.close()  # as a killed process: no DISCONNECT
        eventually(lambda: not watcher.received.empty())
        assert watcher.received.get(timeout=ENDS_S)[1] == b"offline"
        watcher.close()
        link.stop()


def test_no_answer_waits_for_the_brokers_tcp(port: int) -> None:
    link = MqttLink(MqttSettings(port=port), gateway="siaga.test", clock=WallClock(), sink=Sink())
    link.start()
    try:
        sock = link._client.socket()
        assert sock is not None and sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        link.stop()


def drained(*sinks: Sink) -> list[list[bytes]]:
    """What each has, acknowledged."""
    found: list[list[bytes]] = []
    for sink in sinks:
        found.append([])
        while not sink.frames.empty():
            frame = sink.frames.get_nowait()
            frame.acknowledge()
            found[-1].append(frame.raw)
    return found


@dataclass
class Pair:
    """Two workers of one gateway, started, a button, and what each of the two has got."""

    port: int
    sinks: tuple[Sink, Sink]
    one: MqttLink
    two: MqttLink
    button: Button

    def come(self) -> int:
        return sum(sink.frames.qsize() for sink in self.sinks)


@contextlib.contextmanager
def two_workers(folder: Path) -> Iterator[Pair]:
    with Mosquitto(folder) as broker:
        sinks = (Sink(), Sink())
        one, two = (link_to(broker.port, sink, worker=f"machine-{n}") for n, sink in enumerate(sinks, 1))
        one.start()
        two.start()
        button = Button(broker.port)
        try:
            yield Pair(broker.port, sinks, one, two, button)
        finally:
            button.close()
            two.stop()
            one.stop()


def test_workers_share_the_frames_and_one_that_ends_leaves_its_part_to_the_others(tmp_path: Path) -> None:
    with two_workers(tmp_path) as pair:
        sent = [b"%d" % number for number in range(20)]
        for payload in sent:
            pair.button.publish(payload)
        eventually(lambda: pair.come() == 20)
        first, second = drained(*pair.sinks)
        assert sorted(first + second) == sorted(sent), "each frame at one of them, once"
        assert first and second
        watcher = Button(pair.port)
        watcher.subscribe("siaga/v1/gateway/test/+/status")
        states = {watcher.received.get(timeout=ENDS_S)[:2] for _ in range(2)}
        assert states == {(f"siaga/v1/gateway/test/machine-{n}/status", b"online") for n in (1, 2)}
        pair.one.hold_back()
        pair.one.stop()
        assert watcher.received.get(timeout=ENDS_S)[:2] == ("siaga/v1/gateway/test/machine-1/status", b"offline")
        for payload in sent:
            pair.button.publish(payload)
        eventually(lambda: pair.sinks[1].frames.qsize() == 20)
        assert pair.sinks[0].frames.empty()
        watcher.close()


def test_a_worker_that_is_started_anew_gets_what_the_broker_gave_it_meanwhile(tmp_path: Path) -> None:
    with two_workers(tmp_path) as pair:
        again = link_to(pair.port, pair.sinks[0], worker="machine-1")
        try:
            raw = pair.one._client.socket()
            assert raw is not None
            pair.one._stopping = True
            pair.one._client.loop_stop()
            raw.close()  # as a killed process
            sent = [b"%d" % number for number in range(10)]
            for payload in sent:
                pair.button.publish(payload)
            eventually(lambda: pair.sinks[1].frames.qsize() > 0)
            again.start()
            eventually(lambda: pair.come() == 10)
            first, second = drained(*pair.sinks)
            assert sorted(first + second) == sorted(sent)
        finally:
            again.stop()


def test_the_part_of_a_worker_that_is_gone_for_good_goes_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siaga_gateway.adapters.mqtt.buttons.SESSION_S", 1)
    with two_workers(tmp_path) as pair:
        pair.one.stop()  # without holding back: its subscription is still there, and the session for a second
        tries = 0

        def all_come() -> bool:
            """A button that insists: after some tries both of two frames in a row come to the one that is left."""
            nonlocal tries
            tries += 1
            before = pair.sinks[1].frames.qsize()
            for number in range(2):
                pair.button.publish(b"%d %d" % (tries, number))
            time.sleep(0.2)
            return pair.sinks[1].frames.qsize() - before == 2

        eventually(all_come)
