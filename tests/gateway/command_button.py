"""A button over a real broker that hears commands: verifies them, carries out each once, insists on its receipts.

It does what firmware/PROTOCOL.md, 5, asks of a device, with real keys.
"""

from __future__ import annotations

import hmac
import queue
import struct
import threading
import time
from collections.abc import Callable

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from pressing_button import PressingButton, is_bound
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.domain.frame import DOWN_CONTEXT, Kind, Result, Suite, counter_of
from waiting import ENDS_S

RETRY_S = 1.0


class ObeyingButton:
    """Asleep until `wake`. `obey` decides what becomes of a command; `done` has what was carried out, in order."""

    def __init__(
        self, button: PressingButton, obey: Callable[[int, bytes], Result] = lambda code, arguments: Result.DONE
    ) -> None:
        self.button = button
        self.done: queue.Queue[tuple[int, int, bytes]] = queue.Queue()  # down-counter, code, arguments
        self.heard = 0  # COMMANDs, repetitions included
        self.highest = -1
        self._obey = obey
        self._acknowledged: dict[int, int] = {}  # counter -> stage
        self.sent: dict[int, bytes] = {}
        self._news = threading.Condition()
        self._client: paho.Client | None = None

    def wake(self, port: int) -> None:
        listening = threading.Event()
        client = PahoClient(CallbackAPIVersion.VERSION2)
        client.on_message = lambda _c, _u, message: self.take(bytes(message.payload))
        client.on_subscribe = lambda *_: listening.set()
        client.connect("127.0.0.1", port)
        client.loop_start()
        client.subscribe(f"siaga/v1/down/{self.button.device_id.hex()}", qos=1)
        assert listening.wait(ENDS_S)
        self._client = client

    def sleep(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def say(self, counter: int, frame: bytes, timeout_s: float = ENDS_S) -> int:
        """Send a frame until its ACK verifies; the stage."""
        self.sent[counter] = frame
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            assert self._client is not None
            self._client.publish(f"siaga/v1/up/{self.button.device_id.hex()}", frame, qos=1)
            with self._news:
                if self._news.wait_for(lambda: counter in self._acknowledged, RETRY_S):
                    return self._acknowledged[counter]
        raise AssertionError(f"frame {counter} was not acknowledged in {timeout_s} s")

    def acknowledged(self, counter: int) -> int:
        """The last stage that was heard of a frame; 0: none."""
        with self._news:
            return self._acknowledged.get(counter, 0)

    def check_in(self) -> int:
        frame = self.button.follow(Kind.CHECKIN, int(time.time()), battery=80)
        return self.say(self.button.counter, frame)

    def receipt(self, down_counter: int, result: Result) -> int:
        """Answer a command; the stage of the acknowledgement."""
        self.button.counter += 1
        counter = self.button.counter
        frame = self.button.frame(Kind.RECEIPT, counter, struct.pack(">IB", down_counter, result), Suite.HS256_64)
        return self.say(counter, frame)

    def next_command(self, timeout_s: float = ENDS_S) -> tuple[int, bytes]:
        """Code and arguments of the next that was carried out, once its receipt is acknowledged."""
        down_counter, code, arguments = self.done.get(timeout=timeout_s)
        assert self.receipt(down_counter, self._obey(code, arguments)) == 1
        return code, arguments

    def take(self, frame: bytes) -> None:
        """A downlink that arrived by any bearer."""
        assert frame[2:10] == self.button.device_id
        counter = counter_of(frame)
        if frame[1] == Kind.ACK:
            assert is_bound(self.button.mac_down, frame, self.sent[counter]), "an ACK that the gateway did not sign"
            with self._news:
                self._acknowledged[counter] = frame[18]
                self._news.notify_all()
            return
        tag = hmac.digest(self.button.mac_down, DOWN_CONTEXT + frame[:-16], "sha256")[:16]
        assert hmac.compare_digest(tag, frame[-16:]), "a COMMAND that the gateway did not sign"
        assert frame[1] == Kind.COMMAND and frame[19] == len(frame) - 36
        self.heard += 1
        if counter > self.highest:
            self.highest = counter
            self.done.put((counter, frame[18], frame[20:-16]))
