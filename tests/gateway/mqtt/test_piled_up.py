"""A broker that has so much to bring that the answer to the subscription comes behind all of it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from test_buttons import DEVICE

from gateway.frame_sink import Sink
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.mqtt.buttons import MqttLink
from siaga_gateway.config.mqtt import MqttSettings
from waiting import ENDS_S


class TalkativeBroker:
    """Takes one connection and has so much to bring that the answer to the subscription comes behind all of it, as
    after a night without gateway. Real brokers do so when they feel like it only."""

    def __init__(self, messages: int, pause_s: float) -> None:
        self._messages, self._pause_s = messages, pause_s
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.heard = bytearray()
        self.before_subscribed = b""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            peer, _ = self._server.accept()
            with peer:
                peer.settimeout(0.01)  # no deadline of a machine: between looks
                peer.sendall(b"\x20\x02\x01\x00")  # CONNACK, the session is there
                topic = f"siaga/v1/up/{DEVICE.hex()}".encode()
                for number in range(1, self._messages + 1):
                    body = len(topic).to_bytes(2, "big") + topic + number.to_bytes(2, "big") + b"frame"
                    peer.sendall(bytes((0x32, len(body))) + body)
                    self._listen(peer, self._pause_s)
                self.before_subscribed = bytes(self.heard)
                at = self.heard.index(b"\x82")
                peer.sendall(b"\x90\x03" + self.heard[at + 2 : at + 4] + b"\x01")
                while not self._done.is_set():
                    self._listen(peer, 0.02)

    def _listen(self, peer: socket.socket, pause_s: float) -> None:
        until = time.monotonic() + pause_s
        while time.monotonic() < until:
            with contextlib.suppress(TimeoutError):
                self.heard += peer.recv(4096)

    def close(self) -> None:
        self._done.set()
        self._server.close()
        self._thread.join(ENDS_S)


def test_a_start_waits_for_a_broker_that_brings_first_what_has_piled_up() -> None:
    """It would else end, be started again, end again: for ever, while the buttons' repetitions make the pile grow."""
    broker, sink = TalkativeBroker(messages=70, pause_s=0.1), Sink()
    link = MqttLink(MqttSettings(port=broker.port), gateway="siaga.test", clock=WallClock(), sink=sink)

    def answer() -> None:
        sink.frames.get(timeout=ENDS_S)
        link.send(DEVICE, b"an answer")

    answering = threading.Thread(target=answer)
    answering.start()
    try:
        link.start(timeout_s=5)  # no deadline of a machine: its messages take longer
        assert link.up
        answering.join(ENDS_S)
        assert b"an answer" in broker.before_subscribed, "what came before the subscription is answered at once"
    finally:
        link.stop()
        broker.close()
