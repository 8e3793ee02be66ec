"""Every real output keeps the contract of its port, against a real receiver or a real folder."""

from __future__ import annotations

import json
import os
import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from brokers import Mosquitto
from gateway.fake_ports import ManualClock
from gateway.outputs.alarm_receiver import AlarmReceiver
from gateway.outputs.broker_subscriber import Subscriber
from gateway.outputs.dc09_delivery import sia
from gateway.outputs.http_delivery import SECRET, cap_http, webhook
from gateway.outputs.http_receiver import Receiver, answer, never
from gateway.outputs.manual_samples import TROUBLE
from gateway.outputs.mqtt_delivery import publisher
from gateway.outputs.output_contract import DEADLINE_S, PATIENT_S, OutputContract, Place
from gateway.outputs.sample_incidents import SENT_MS
from siaga_gateway.adapters.outputs.cap_folder import CapFolderOutput, file_name
from siaga_gateway.adapters.outputs.dc09 import Dc09Output
from siaga_gateway.adapters.outputs.http import HttpOutput
from siaga_gateway.adapters.outputs.mqtt_publisher import MqttOutput
from siaga_gateway.service.ports import Delivered, Output
from waiting import eventually


class HttpPlace:
    def __init__(self, receiver: Receiver, output: HttpOutput) -> None:
        self._receiver = receiver
        self._broken = False
        self._output = output
        self.output: Output = output

    def arrived(self) -> Mapping[str, Sequence[bytes]]:
        bodies: dict[str, list[bytes]] = defaultdict(list)
        for request in self._receiver.requests:
            bodies[request.headers["webhook-id"]].append(request.body)
        return {} if self._broken else bodies  # what was answered 503 was not taken

    def break_down(self) -> None:
        self._broken = True
        self._receiver.behaviour = answer(503)

    def hang(self, key: str) -> None:
        self._receiver.behaviour = never
        self._output._poster._deadline_s = DEADLINE_S

    def recover(self) -> None:
        self._output._poster._deadline_s = PATIENT_S
        self._broken = False
        self._receiver.requests.clear()
        self._receiver.behaviour = answer(204)


class FolderPlace:
    def __init__(self, folder: Path, output: CapFolderOutput) -> None:
        self._folder = folder
        self._away = folder.with_name("away")
        self._fifo: Path | None = None
        self._output = output
        self.output: Output = output

    def arrived(self) -> Mapping[str, Sequence[bytes]]:
        if not self._folder.exists():
            return {}
        return {file.name: [file.read_bytes()] for file in self._folder.iterdir() if not file.name.startswith(".")}

    def break_down(self) -> None:
        self._folder.rename(self._away)

    def hang(self, key: str) -> None:
        """A pipe that nobody reads stands where the file is written: opening it blocks, as a dead share does."""
        self._fifo = self._folder / f".{file_name(key)}.part"
        os.mkfifo(self._fifo)
        self._output._deadline_s = DEADLINE_S

    def recover(self) -> None:
        self._output._deadline_s = PATIENT_S
        if self._away.exists():
            self._away.rename(self._folder)
        if self._fifo is not None:
            # The writer that hangs there is let go, and fails, for nobody reads on.
            with suppress(FileNotFoundError):
                os.close(os.open(self._fifo, os.O_RDONLY | os.O_NONBLOCK))
            self._fifo.unlink(missing_ok=True)
            self._fifo = None


class AlarmPlace:
    """By its key a receiver of SIA DC-09 sees a message's sequence number."""

    def __init__(self, receiver: AlarmReceiver, output: Dc09Output) -> None:
        self._receiver = receiver
        self._output = output
        self.output: Output = output

    def arrived(self) -> Mapping[str, Sequence[bytes]]:
        assert self._receiver.faults == []
        bodies: dict[str, list[bytes]] = defaultdict(list)
        for event in self._receiver.events:
            bodies[str(event.sequence)].append(event.data.encode())
        return bodies

    def break_down(self) -> None:
        self._receiver.broken = True

    def hang(self, key: str) -> None:
        self._receiver.answer = lambda *_: None
        self._output._deadline_s = DEADLINE_S

    def recover(self) -> None:
        self._receiver.broken = False
        self._receiver.answer = None
        self._output._deadline_s = PATIENT_S


class BrokerPlace:
    """A subscriber tells events apart by their id."""

    def __init__(self, broker: Mosquitto, subscriber: Subscriber, output: MqttOutput) -> None:
        self._broker = broker
        self._subscriber = subscriber
        self._publisher = output
        self.output: Output = output

    def arrived(self) -> Mapping[str, Sequence[bytes]]:
        # Behind everything else that was published: what it follows has come.
        came = len(self._subscriber.of("trouble"))
        if self._broker.process is not None and isinstance(self._publisher.tell(TROUBLE, "behind"), Delivered):
            eventually(lambda: len(self._subscriber.of("trouble")) > came, "what was published behind it")
        bodies: dict[str, list[bytes]] = defaultdict(list)
        for each in self._subscriber.of("events"):
            bodies[str(json.loads(each.body)["id"])].append(each.body)
        return bodies

    def break_down(self) -> None:
        self._broker.kill()

    def hang(self, key: str) -> None:
        assert self._broker.process is not None
        self._broker.process.send_signal(signal.SIGSTOP)
        self._publisher._deadline_s = DEADLINE_S

    def recover(self) -> None:
        self._publisher._deadline_s = PATIENT_S
        if self._broker.process is None:
            self._broker.start()
        else:
            self._broker.process.send_signal(signal.SIGCONT)
        self._subscriber.subscribed()


@pytest.fixture(params=["webhook", "cap_http", "cap_folder", "dc09", "mqtt"])
def any_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "cap_folder":
        folder = tmp_path / "cap"
        folder.mkdir()
        place = FolderPlace(folder, CapFolderOutput("cad", folder, True, deadline_s=PATIENT_S))
        yield place
        place.recover()
        return
    if request.param == "dc09":
        with AlarmReceiver(ManualClock(SENT_MS)) as centre:
            yield AlarmPlace(centre, sia(centre.port, deadline_s=PATIENT_S))
        return
    if request.param == "mqtt":
        with Mosquitto(tmp_path, stores=False) as broker, Subscriber(broker.port) as subscriber:
            publishing = publisher(broker.port, deadline_s=PATIENT_S)
            yield BrokerPlace(broker, subscriber, publishing)
            publishing.close()
        return
    with Receiver() as receiver:
        output: HttpOutput
        if request.param == "webhook":
            output = webhook("cad", receiver.url, SECRET, True, clock=ManualClock(SENT_MS), deadline_s=PATIENT_S)
        else:
            output = cap_http("cad", receiver.url, True, clock=ManualClock(SENT_MS), deadline_s=PATIENT_S)
        yield HttpPlace(receiver, output)
        output.close()


class TestRealOutputs(OutputContract):
    @pytest.fixture
    def place(self, any_place: Place) -> Place:
        return any_place
