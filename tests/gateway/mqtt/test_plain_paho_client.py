"""What reads paho's private parts is tried at each start; where paho is another, its own client serves all the same."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
import test_buttons
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from test_buttons import DEVICE, Button, link_to

from brokers import Mosquitto
from gateway.frame_sink import Sink
from micropython import ROOT
from siaga_gateway.adapters.mqtt import client_factory
from siaga_gateway.adapters.mqtt.batching_client import DrainingClient
from siaga_gateway.adapters.mqtt.client_factory import new_client, why_not_draining
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.adapters.mqtt.plain_paho_client import PlainClient
from siaga_gateway.config.mqtt import MqttSettings
from waiting import ENDS_S, eventually


@pytest.fixture
def looked_at_anew() -> Any:
    why_not_draining.cache_clear()
    yield
    why_not_draining.cache_clear()


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_factory, "why_not_draining", lambda: "a test")


def test_the_pinned_paho_is_as_we_know_it(looked_at_anew: None) -> None:
    assert why_not_draining() == ""
    assert isinstance(new_client(MqttSettings(), "mqtt", "x", is_5=False), DrainingClient)


@pytest.mark.parametrize("part", ["_sock_recv", "_packet_read", "_mid_generate", "_packet_handle"])
def test_a_paho_without_a_part_that_we_read_is_found_out(
    looked_at_anew: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    def renamed(*_arguments: Any) -> None:
        raise AttributeError(f"no attribute {part!r}")

    monkeypatch.setattr(paho.Client, part, renamed)
    assert part in why_not_draining()
    assert isinstance(new_client(MqttSettings(), "mqtt", "x", is_5=False), PlainClient)
    assert "is not as Siaga knows it" in caplog.text


def test_a_paho_that_writes_otherwise_is_found_out(looked_at_anew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paho.Client, "_packet_write", lambda self: paho.MQTT_ERR_SUCCESS)
    assert why_not_draining() != ""


def test_with_paho_s_own_client_frames_come_and_answers_go(plain: None, tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        test_buttons.test_a_frame_comes_in_and_an_answer_goes_out(broker.port)
        test_buttons.test_what_was_not_acknowledged_comes_again_and_what_was_does_not(broker.port)


def test_with_paho_s_own_client_a_lost_broker_is_told_and_found_again(plain: None, tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        sink = Sink()
        link = link_to(broker.port, sink)
        link.start()
        assert isinstance(link._client, PlainClient)
        broker.kill()
        eventually(lambda: not link.up)
        broker.start()
        eventually(lambda: link.up)
        button = Button(broker.port)
        button.publish(b"after")
        assert sink.frames.get(timeout=ENDS_S).raw == b"after"
        button.close()
        link.stop()


@pytest.mark.parametrize("client", [DrainingClient, PlainClient])
def test_what_is_no_packet_does_not_end_the_thread(monkeypatch: pytest.MonkeyPatch, client: type[paho.Client]) -> None:
    """paho 2.1 raises by it."""
    monkeypatch.setattr(client_factory, "why_not_draining", lambda: "" if client is DrainingClient else "a test")
    topic = f"siaga/v1/up/{DEVICE.hex()}".encode()
    frame = (len(topic) + 5).to_bytes(1, "big") + len(topic).to_bytes(2, "big") + topic + b"\x00\x01" + b"x"
    heard = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for what in (b"\x32\x03\x00\x09a", b"\x32" + frame):
                connection, _ = server.accept()
                with connection:
                    connection.settimeout(ENDS_S)
                    connection.recv(1_000)
                    connection.sendall(b"\x20\x02\x00\x00")
                    asked = connection.recv(1_000)
                    connection.sendall(b"\x90\x03" + asked[2:4] + b"\x01")
                    connection.recv(1_000)
                    connection.sendall(what)
                    while connection.recv(1_000) and not heard.is_set():
                        pass

        threading.Thread(target=serve, daemon=True).start()
        sink = Sink()
        link = link_to(server.getsockname()[1], sink)
        link.start_later()
        assert sink.frames.get(timeout=ENDS_S).raw == b"x"
        heard.set()
        link.stop()


def test_a_thread_that_ends_while_it_is_stopped_hurts_nobody() -> None:
    """A broker that was killed while the gateway asked what it allows."""
    looks = iter([threading.Thread(), threading.Thread(), None])

    class Ending(PahoClient):
        def __getattribute__(self, name: str) -> Any:
            return next(looks, None) if name == "_thread" else super().__getattribute__(name)

    assert Ending(CallbackAPIVersion.VERSION2).loop_stop() == MQTTErrorCode.MQTT_ERR_SUCCESS
    assert list(looks) == [], "paho looks as often as this test knows"


def test_no_client_is_without_that() -> None:
    """The buttons, modems and network servers of tests end as often as the gateway does."""
    made = {
        file.name
        for folder in ("gateway", "tools", "tests")
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"\b(paho|mqtt)\.Client\(|\((paho|mqtt)\.Client\):", file.read_text(encoding="utf-8"))
    }
    assert made == {"paho_client.py"}
