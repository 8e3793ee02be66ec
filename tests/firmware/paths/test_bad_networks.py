"""Brokers and networks at their worst: silent, killed, garbled, half-open, somebody else's."""

from __future__ import annotations

import contextlib
import datetime
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import Mosquitto, free_port
from firmware.broker_certificates import DAY, Authority
from firmware.small_gateway import SmallGateway
from firmware.tcp_listener import listener
from siaga_gateway.domain.frame import Kind
from waiting import eventually

pytestmark = pytest.mark.side_by_side(4)

SERVER = "broker.siaga.test"
KEY_OF_NOBODY = SmallGateway(1).public_hex


@contextlib.contextmanager
def swallower() -> Iterator[int]:
    """A TCP port on loopback where no SYN is answered, as behind a machine without power: its queue is full."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            waits = stack.enter_context(socket.socket())
            waits.setblocking(False)
            waits.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def test_a_broker_that_accepts_and_never_answers_is_given_up(button):
    with listener(lambda connection: time.sleep(60)) as port:
        held = button(mqtt_port=port, gateway_key=KEY_OF_NOBODY, mqtt_reply_s=1).start()
        assert "no CONNACK from the broker within 1000 ms" in held.until(ev="bearer", up=False)["why"]
        held.press()  # the button goes on
        held.until(ev="indicator", signal="sending")


def test_a_server_that_never_finishes_the_tls_handshake_is_given_up(button):
    ca = Authority("Siaga test").pem
    tls = {"mqtt_tls": True, "mqtt_ca": ca, "mqtt_server_name": SERVER}
    with listener(lambda connection: time.sleep(60)) as port:
        held = button(mqtt_port=port, gateway_key=KEY_OF_NOBODY, mqtt_reply_s=1, **tls).start()
        assert "within 1000 ms" in held.until(ev="bearer", up=False)["why"]


def test_a_broker_that_answers_in_pieces_and_stops_is_given_up(button):
    def serve(connection: socket.socket) -> None:
        connection.recv(500)
        connection.sendall(b"\x20")
        time.sleep(60)

    with listener(serve) as port:
        held = button(mqtt_port=port, gateway_key=KEY_OF_NOBODY, mqtt_reply_s=1).start()
        assert "no CONNACK" in held.until(ev="bearer", up=False)["why"]


NOISES = (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 3000, b"\x20\x02\x00\x05")


def test_garbage_from_a_broker_is_named_and_the_button_tries_again_with_patience(button):
    calls: list[float] = []

    def serve(connection: socket.socket) -> None:
        calls.append(time.monotonic())
        connection.recv(500)
        connection.sendall(NOISES[(len(calls) - 1) % len(NOISES)])
        connection.shutdown(socket.SHUT_WR)

    with listener(serve) as port:
        held = button(mqtt_port=port, gateway_key=KEY_OF_NOBODY, mqtt_reply_s=1).start()
        counter = held.press()  # from here on it hurries: at least every 4 s
        eventually(lambda: len(calls) >= 3, "it calls again and again")
        took = calls[-1] - calls[0]
        assert took > 0.7, "no storm of connections"
        whys = {event["why"] for event in held.all(ev="bearer", up=False)}
        assert len(whys) >= 2 and all(whys), "each kind of garbage has its own words"
        assert held.until(ev="state", state="sending") and counter
        assert not held.all(ev="error") and held.stderr() == ""


def test_a_waiting_press_hurries_the_next_connection(button):
    """It comes at once, and the next after a pause of two to four seconds; once in some tries on a busy machine."""
    calls: list[float] = []

    def serve(connection: socket.socket) -> None:
        calls.append(time.monotonic())
        connection.shutdown(socket.SHUT_RDWR)

    def hurries() -> bool:
        known = len(calls)
        eventually(lambda: len(calls) > known, "a connection, after which it pauses")
        known = len(calls)
        held.press()
        pressed = time.monotonic()
        eventually(lambda: len(calls) > known + 1, "the hurried connection and the next")
        return 3 * (calls[known] - pressed) < calls[known + 1] - calls[known]

    with listener(serve) as port:
        held = button(mqtt_port=port, gateway_key=KEY_OF_NOBODY, mqtt_reply_s=1).start()
        eventually(lambda: len(calls) >= 3, "pauses as long as they become for a press")
        assert sum(hurries() for _ in range(5)) >= 3, "a machine that is full may be late now and then"


class Wire:
    """A proxy that can go deaf: connections made before stay open, and nothing passes on them any more."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.deaf: set[socket.socket] = set()
        self.live: list[socket.socket] = []

    def serve(self, connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as onward:
            self.live += [connection, onward]
            back = threading.Thread(target=self._pass_on, args=(onward, connection), daemon=True)
            back.start()
            self._pass_on(connection, onward)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(4096):
                if source not in self.deaf:
                    sink.sendall(chunk)

    def cut(self) -> None:
        self.deaf.update(self.live)


def test_a_half_open_link_is_noticed_by_a_press_and_by_the_ping(button, mosquitto):
    wire = Wire(mosquitto.port)
    with SmallGateway(mosquitto.port) as gateway, listener(wire.serve) as port:
        quick = {"mqtt_reply_s": 1, "mqtt_keepalive_s": 2, "checkin_s": 600}
        held = button(mqtt_port=port, gateway_key=gateway.public_hex, **quick).start()
        held.until_true(lambda event: event.get("step") == "acknowledged" and event["kind"] == 4)
        wire.cut()
        since = len(held.events)
        assert "no PINGRESP" in held.until(since, ev="bearer", up=False)["why"]
        held.until(since, ev="bearer", up=True)
        held.quit()
        held.set(mqtt_port=port, gateway_key=gateway.public_hex, **{**quick, "mqtt_keepalive_s": 60})
        held.start().until(ev="bearer", up=True)
        held.until_true(lambda event: event.get("step") == "acknowledged" and event["kind"] == 4)
        wire.cut()
        since = len(held.events)
        counter = held.press()
        assert "no PUBACK" in held.until(since, ev="bearer", up=False)["why"]
        held.until(since, ev="frame", counter=counter, step="acknowledged")


def test_a_broker_that_is_killed_loses_nothing(button, mosquitto):
    with SmallGateway(mosquitto.port) as gateway:
        held = button(mqtt_port=mosquitto.port, gateway_key=gateway.public_hex, mqtt_reply_s=2).start()
        held.until(ev="bearer", up=True)
        stored = [held.press()]
        mosquitto.kill()
        stored.append(held.press())
        mosquitto.start()
        stored.append(held.press())
        for counter in stored:
            gateway.press(counter)
            held.until(ev="frame", counter=counter, step="acknowledged")


def test_the_next_broker_is_tried_at_once_also_where_the_first_hangs_or_has_no_gateway_behind_it(
    button, mosquitto, tmp_path: Path
):
    gone, deaf = free_port(), Mosquitto(tmp_path / "deaf")
    with (
        SmallGateway(mosquitto.port) as gateway,
        listener(lambda connection: time.sleep(60)) as silent,
        swallower() as hole,
        deaf,
    ):
        for first in (gone, silent, hole, deaf.port):
            hosts = [f"127.0.0.1:{port}" for port in (first, mosquitto.port)]
            held = button(f"first{first}", mqtt_hosts=hosts, gateway_key=gateway.public_hex, mqtt_reply_s=1).start()
            counter = held.press()
            held.until(ev="frame", counter=counter, step="acknowledged")
            held.kill()
        assert held.all(ev="bearer", up=False, why="the gateway does not answer by this broker")


@pytest.mark.parametrize(("suback", "why"), [(b"\x90\x03\xff\xff\x80", "access list"), (b"", "no SUBACK")])
def test_a_press_leaves_by_a_broker_that_lets_the_button_hear_nothing(button, suback: bytes, why: str):
    """Its access list has a hole; some brokers (vernemq issue 72) answer no SUBSCRIBE that they refuse."""
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        connection.recv(500)
        connection.sendall(b"\x20\x02\x00\x00")
        while chunk := connection.recv(2000):
            if chunk[0] == 0x82:
                connection.sendall(suback)
            heard.append(chunk)

    with listener(serve) as port:
        held = button(mqtt_port=port, gateway_key=KEY_OF_NOBODY, mqtt_reply_s=1).start()
        assert why in held.until(ev="bearer", up=False)["why"]
        counter = held.press()
        held.until(ev="frame", counter=counter, step="published")
        held.until_true(lambda event: any(counter.to_bytes(4, "big") in chunk and b"/up/" in chunk for chunk in heard))


def test_a_broker_that_dies_under_a_press_is_left_for_the_next_one_and_back(button, mosquitto, tmp_path: Path):
    with (
        Mosquitto(tmp_path / "second") as second,
        SmallGateway(second.port) as gateway,
        SmallGateway(mosquitto.port, gateway.key) as other,
    ):
        other.devices = gateway.devices  # one gateway behind both
        hosts = [f"127.0.0.1:{mosquitto.port}", f"127.0.0.1:{second.port}"]
        held = button(mqtt_hosts=hosts, gateway_key=gateway.public_hex, mqtt_reply_s=2).start()
        held.until_true(lambda event: event.get("step") == "acknowledged" and event["kind"] == 4)
        for dies, comes in ((mosquitto, mosquitto), (second, second)):
            dies.kill()
            counter = held.press()
            held.until(ev="frame", counter=counter, step="acknowledged")
            comes.start()


def test_one_of_several_authorities_signed_the_server_s_certificate(button, tmp_path: Path):
    own, other, third = Authority("Siaga test"), Authority("somebody else"), Authority("a third")
    plain, secure = free_port(), free_port()
    lines = [f"listener {plain} 127.0.0.1", f"listener {secure} 127.0.0.1", *own.issue(tmp_path / "tls", SERVER)]
    with Mosquitto(tmp_path / "mosquitto", *lines, port=plain), SmallGateway(plain) as gateway:
        tls = {"mqtt_tls": True, "mqtt_port": secure, "mqtt_server_name": SERVER, "gateway_key": gateway.public_hex}
        for number, ca in enumerate((other.pem + own.pem, own.pem + other.pem)):
            held = button(f"knows{number}", mqtt_ca=ca, **tls).start()
            held.until(ev="bearer", up=True)
            held.kill()
        held = button("stranger", mqtt_ca=other.pem + third.pem, **tls).start()
        assert "certificate does not hold" in held.until(ev="bearer", up=False)["why"]


def test_the_server_s_certificate_is_verified(button, tmp_path: Path):
    own, other = Authority("Siaga test"), Authority("somebody else")
    plain, good, foreign, expired = (free_port() for _ in range(4))
    lines = [f"listener {plain} 127.0.0.1"]
    for port, authority, last_day in ((good, own, 90), (foreign, other, 90), (expired, own, -1)):
        lines += [f"listener {port} 127.0.0.1", *authority.issue(tmp_path / f"tls{port}", SERVER, last_day)]
    with Mosquitto(tmp_path / "mosquitto", *lines, port=plain), SmallGateway(plain) as gateway:
        tls = {"mqtt_tls": True, "mqtt_ca": own.pem, "gateway_key": gateway.public_hex}
        for port, name in ((foreign, SERVER), (expired, SERVER), (good, "another.siaga.test"), (good, None)):
            held = button(f"refuses{port}{name}", mqtt_port=port, mqtt_server_name=name, **tls).start()
            assert "certificate does not hold" in held.until(ev="bearer", up=False)["why"]
            held.kill()
        held = button(mqtt_port=good, mqtt_server_name=SERVER, **tls).start()
        counter = held.press()
        held.until(ev="frame", counter=counter, step="acknowledged")
        held.say("heap")
        assert held.until(ev="heap")["free"] > 20_000


def test_what_is_wrong_with_a_server_s_tls_is_said(button, tmp_path: Path):
    own = Authority("Siaga test")
    plain, newest = free_port(), free_port()
    lines = [f"listener {plain} 127.0.0.1", f"listener {newest} 127.0.0.1", "tls_version tlsv1.3"]
    lines += own.issue(tmp_path / "tls", SERVER)

    def babble(connection: socket.socket) -> None:
        connection.sendall(b"220 smtp.siaga.test ready\r\n" * 4)
        time.sleep(30)

    with Mosquitto(tmp_path / "mosquitto", *lines, port=plain), listener(babble) as no_tls:
        for port, why in ((newest, "TLS 1.3 only"), (no_tls, "does not speak TLS")):
            tls = {"mqtt_tls": True, "mqtt_ca": own.pem, "mqtt_server_name": SERVER, "gateway_key": KEY_OF_NOBODY}
            held = button(f"tls{port}", mqtt_port=port, **tls).start()
            assert why in held.until(ev="bearer", up=False)["why"]
            held.press()  # the button goes on
            held.kill()


def test_a_broker_that_keeps_no_session_is_named(button, tmp_path: Path):
    with Mosquitto(tmp_path / "forgetful", stores=False) as broker:
        held = button(mqtt_port=broker.port, gateway_key=KEY_OF_NOBODY, mqtt_reply_s=2).start()
        held.until(ev="bearer", up=True, why="subscribed")
        broker.stop()
        held.until(ev="bearer", up=False)
        since = len(held.events)
        broker.start()
        assert "keeps no session" in held.until(since, ev="bearer", up=True)["why"]
    with Mosquitto(tmp_path / "mindful") as broker:
        held = button("remembered", mqtt_port=broker.port, gateway_key=KEY_OF_NOBODY, mqtt_reply_s=2).start()
        held.until(ev="bearer", up=True, why="subscribed")
        broker.stop()
        held.until(ev="bearer", up=False)
        since = len(held.events)
        broker.start()
        held.until(since, ev="bearer", up=True, why="subscribed")


def test_a_certificate_or_an_authority_that_ends_soon_is_told_and_counted(button, tmp_path: Path):
    now = datetime.datetime.now(datetime.UTC)
    lasting, ending = Authority("lasting"), Authority("ending", now - DAY, now + 10.5 * DAY)
    plain, ports = free_port(), [free_port() for _ in range(3)]
    lines = [f"listener {plain} 127.0.0.1"]
    for port, authority, days in zip(ports, (lasting, lasting, ending), (90, 20.5, 90), strict=True):
        lines += [f"listener {port} 127.0.0.1"]
        lines += authority.issue(tmp_path / f"tls{port}", SERVER, ends=now + days * DAY)
    with Mosquitto(tmp_path / "mosquitto", *lines, port=plain), SmallGateway(plain) as gateway:
        tls = {"mqtt_tls": True, "mqtt_ca": lasting.pem + ending.pem, "mqtt_server_name": SERVER}
        for port, left, whose in zip(ports, (None, 20, 10), ("broker", "broker", "authority"), strict=True):
            held = button(f"ends{port}", mqtt_port=port, gateway_key=gateway.public_hex, **tls).start()
            told = held.until(ev="certificate")
            assert told["of"] == whose and (left is None or abs(told["ends"] - now.timestamp() - left * 86400) < 86400)
            # A check-in that was made before the link was there could not count it: the next one does, by the mains.
            held.until_true(lambda event: event.get("step") == "acknowledged" and event["kind"] == Kind.CHECKIN)
            since = len(held.events)
            held.say("pin external 1")
            held.until_true(lambda event: event.get("step") == "acknowledged" and event["kind"] == Kind.CHECKIN, since)
            warned = [event["what"] for event in held.all(ev="error")]
            assert warned == (
                [] if left is None else [f"the certificate of the {whose} ends in {left} days: no link after that"]
            )
            device = bytes.fromhex(held.device_id)
            counted = {
                uplink.counter: uplink.status.rejected
                for uplink in gateway.uplinks
                if uplink.device_id == device and uplink.status is not None
            }
            assert len(counted) == 2 and sum(counted.values()) == len(warned)
            held.kill()
