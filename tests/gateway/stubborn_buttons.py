"""Buttons that press over a real broker, each as stubborn as the real one: it sends until the answer verifies."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from pressing_button import PressingButton, at, is_bound
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.domain.frame import Kind, counter_of

RETRY_S = 1.0


@dataclass
class Insistent:
    """One button and what became of its frames."""

    button: PressingButton
    sent: dict[int, bytes] = field(default_factory=dict)
    presses: set[int] = field(default_factory=set)
    acknowledged: set[int] = field(default_factory=set)
    stages: list[tuple[int, int]] = field(default_factory=list)
    asked: int = 0  # how often a frame went out, again and again the same


class Crowd:
    """One connection for several buttons, one thread that presses them in turn, each waiting for its answer."""

    def __init__(self, port: int, buttons: Sequence[PressingButton], pause_s: float, seed: int) -> None:
        self.buttons = [Insistent(button) for button in buttons]
        self._by_topic = {f"siaga/v1/down/{one.button.device_id.hex()}": one for one in self.buttons}
        self._pause_s = pause_s
        self._chance = random.Random(seed)
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._insists = True
        self._client = PahoClient(CallbackAPIVersion.VERSION2, client_id=f"crowd-{seed}")
        self._client.on_connect = lambda *_: self._client.subscribe([(topic, 1) for topic in self._by_topic])
        self._client.on_message = self._answered
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._press_on, name=f"crowd-{seed}")

    def start(self) -> None:
        self._thread.start()

    def finish(self, timeout_s: float) -> None:
        """Press no more, but insist until every frame is answered. AssertionError when that takes too long."""
        self._stop.set()
        self._thread.join(timeout_s)
        alive = self._thread.is_alive()
        self._client.disconnect()
        self._client.loop_stop()
        assert not alive, "a button is still without an answer"

    def let_go(self) -> None:
        """Where a test has failed: press no more, and insist on nothing."""
        self._stop.set()
        self._insists = False

    def _press_on(self) -> None:
        while not self._stop.is_set():
            one = self._chance.choice(self.buttons)
            kind = self._chance.random()
            now_s = int(time.time())
            if kind < 0.7:
                frame = one.button.press(now_s, again=kind < 0.3)
                one.presses.add(one.button.counter)
            else:
                frame = one.button.follow(Kind.UPDATE if one.button.opening else Kind.CHECKIN, now_s, **at())
            self._insist(one, one.button.counter, frame)
            self._stop.wait(self._chance.random() * self._pause_s)

    def _insist(self, one: Insistent, counter: int, frame: bytes) -> None:
        one.sent[counter] = frame
        while self._insists:
            self._client.publish(f"siaga/v1/up/{one.button.device_id.hex()}", frame, qos=1)
            one.asked += 1
            with self._news:
                if self._news.wait_for(lambda: counter in one.acknowledged, RETRY_S):
                    return

    def _answered(self, _client: paho.Client, _user: object, message: paho.MQTTMessage) -> None:
        one, frame = self._by_topic[message.topic], bytes(message.payload)
        counter, stage = counter_of(frame), frame[18]
        assert is_bound(one.button.mac_down, frame, one.sent[counter]), "an answer that the gateway did not sign"
        with self._news:
            one.stages.append((counter, stage))
            one.acknowledged.add(counter)
            self._news.notify_all()


def answers(crowds: Sequence[Crowd]) -> int:
    """How many frames of all of them were answered so far."""
    return sum(len(one.acknowledged) for crowd in crowds for one in crowd.buttons)
