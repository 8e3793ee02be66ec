"""Events verified, durably stored and dispatched per second, against what a bare thread of `cryptography` verifies.

Every event is a PRESS with an ES256 signature by one of many buttons: it opens an incident or adds to one, and so
brings a notice for one output. The ingest, the store (SQLite, WAL, synchronous FULL) and the outbox are the real ones;
the output takes a message without sending it anywhere, so that the gateway is measured and not a receiver; "by HTTP" it
is the webhook, to a receiver beside that answers at once. "Stored" is
verified, committed with fsync, its outbox row written, acknowledged and answered. CPU is that of the gateway's process
in all threads, and of the one that checks its signatures. Bare and gateway take turns, and the middle of three is told:
other work on the machine disturbs less.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from paho.mqtt.enums import CallbackAPIVersion
from telling import say

from brokers import embedded_broker
from pressing_button import PressingButton, at
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.mqtt.buttons import MqttLink
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.adapters.outputs.http import HttpOutput
from siaga_gateway.adapters.outputs.http_post import Poster
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.adapters.verify_process import VerifyProcess, room_beside
from siaga_gateway.config.mqtt import MqttSettings
from siaga_gateway.domain.event import Timing
from siaga_gateway.domain.frame import UP_CONTEXT
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.domain.incident import Mode, Notice
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.formats import cloudevent
from siaga_gateway.service.delivery.worker import OutboxWorker
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.recording import IncidentDefaults
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Delivered, Output
from siaga_gateway.service.registry.keyring import KeyRing
from waiting import eventually

BUTTONS = 500
EVENTS = 10_000
MQTT_EVENTS = 5_000
DEADLINE_S = 120.0
SECRET = "whsec_c2lhZ2EgdGVzdCBzZWNyZXQgb2YgZW5vdWdoIGJ5dGVz"
BARE = "bare verify, one thread"


class Nowhere:
    """An output that takes everything at once."""

    name = "nowhere"
    receives_tests = False
    at_once = 1

    def deliver(self, notice: Notice, key: str) -> Delivered:
        return Delivered("taken")

    def close(self) -> None: ...


class Unheard:
    """Answers to buttons, counted."""

    def __init__(self) -> None:
        self.answers = 0

    def send(self, device_id: bytes, frame: bytes) -> None:
        self.answers += 1


class House_:
    """One gateway without console: store, ingest, outbox."""

    def __init__(
        self, store: Path, buttons: Sequence[PressingButton], *, dispatch: bool, http: int | None = None
    ) -> None:
        """http: the port of a receiver to deliver to."""
        clock = WallClock()
        self.store = SqlStore(store, clock.now_ms())
        gateway_key = self.gateway_key = GatewayKey.generate()
        with self.store.transaction() as transaction:
            nik = f"99{time.time_ns() % 10**14:014d}"  # a store that is used again has others already
            person = Owner(0, "Contoh Wati", nik, "+620000000001", "Jl. Contoh 1, Bandar Lampung")
            owner = transaction.add_owner(person, clock.now_ms())
            for button in buttons:
                state = RegistrationState.ACTIVE
                transaction.add_device(
                    Device(button.device_id, button.public_xy, owner, state, "Toko Contoh, kasir", clock.now_ms())
                )
        notifier = JournalNotifier()
        keyring = KeyRing(self.store, gateway_key)
        keyring.look_up([button.device_id for button in buttons])
        self.verifier = VerifyProcess() if room_beside(1) else None
        if self.verifier is not None:
            self.verifier.start()
            wait(self.verifier.is_ready, "the process that checks signatures")
        self.output: Output = Nowhere()
        if http is not None:
            poster = Poster(f"http://127.0.0.1:{http}/cad", secret=SECRET, clock=clock)
            self.output = HttpOutput("nowhere", poster, cloudevent.event, cloudevent.CONTENT_TYPE)
        self.sender = Unheard()
        self.outbox = OutboxWorker(self.store, self.output, notifier, clock)
        self.ingest = Ingest(
            store=self.store,
            keyring=keyring,
            sender=self.sender,
            notifier=notifier,
            clock=clock,
            defaults=IncidentDefaults("siaga.bench", Mode.EXERCISE, Timing(), ("nowhere",), ()),
            limits=Limits(queue=20_000),
            verifier=self.verifier,
            committed=self.outbox.wake,
        )
        if dispatch:
            self.outbox.start()

    def await_deliveries(self, count: int) -> None:
        """By a count in memory: reading what waits, again and again, would be most of what is measured."""
        wait(lambda: self.outbox.counts.delivered >= count, "delivering")
        wait(lambda: not self.store.pending("nowhere"), "recording")

    def cpu_s(self) -> float:
        """Used so far."""
        beside = 0
        if self.verifier is not None:
            beside = int(Path(f"/proc/{self.verifier.pid}/schedstat").read_text().split()[0])
        return time.process_time() + beside / 1e9

    def close(self) -> None:
        self.ingest.stop()
        if self.verifier is not None:
            self.verifier.close()
        self.outbox.stop()
        self.output.close()
        self.store.close()


def signed(events: int) -> tuple[list[PressingButton], list[bytes]]:
    """Buttons and their presses, in the order in which they are sent."""
    buttons = [PressingButton() for _ in range(BUTTONS)]
    now_s = int(time.time())
    return buttons, [buttons[n % BUTTONS].press(now_s, again=n >= BUTTONS, **at()) for n in range(events)]


def wait(holds: Callable[[], object], what: str) -> None:
    """Until it holds, looked at often: what it ends is measured."""
    eventually(holds, what, timeout_s=DEADLINE_S, longest_pause_s=0.002)


def bare(buttons: Sequence[PressingButton], frames: Sequence[bytes]) -> tuple[float, float]:
    """(verifications a second, CPU microseconds of each) with keys that are loaded."""
    algorithm = ec.ECDSA(hashes.SHA256())
    keys = {button.device_id: button.private.public_key() for button in buttons}
    work = [(keys[f[2:10]], f[-64:-32], f[-32:], UP_CONTEXT + f[:-64]) for f in frames]
    begun, cpu = time.perf_counter(), time.thread_time()
    for key, r, s, message in work:
        key.verify(encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big")), message, algorithm)
    return len(work) / (time.perf_counter() - begun), (time.thread_time() - cpu) / len(work) * 1e6


def through(
    frames: Sequence[bytes],
    buttons: Sequence[PressingButton],
    *,
    dispatch: bool,
    store: Path | None = None,
    http: int | None = None,
) -> tuple[float, float]:
    """(events a second, CPU microseconds of each) from the lanes to the acknowledgement, or to the delivery. `store`:
    one that is there, in place of a new one. `http`: see House_."""
    with tempfile.TemporaryDirectory() as folder:
        house = House_(store_path(Path(folder)) if store is None else store, buttons, dispatch=dispatch, http=http)
        for raw in frames:
            if not house.ingest.offer(InboundFrame(raw, time.time_ns() // 1_000_000, "bench", lambda: None), 0):
                raise SystemExit("the inbox is smaller than the measurement")
        begun, cpu = time.perf_counter(), house.cpu_s()
        house.ingest.start()
        wait(lambda: house.ingest.counts.stored >= len(frames), "storing")
        if dispatch:
            house.await_deliveries(len(frames))
        seconds, cpu_s = time.perf_counter() - begun, house.cpu_s() - cpu
        assert house.sender.answers == len(frames)
        house.close()
    return len(frames) / seconds, cpu_s / len(frames) * 1e6


@contextmanager
def taker() -> Iterator[int]:
    """A receiver in a process of its own; gives its port."""
    program = [sys.executable, str(Path(__file__).with_name("taker.py"))]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(20)


def publish(port: int, frames: Sequence[bytes]) -> None:
    """In a process of its own: everything as fast as the broker takes it."""
    client = PahoClient(CallbackAPIVersion.VERSION2, client_id="bench-buttons")
    client.max_inflight_messages_set(500)
    client.connect("127.0.0.1", port)
    client.loop_start()
    last = [client.publish(f"siaga/v1/up/{raw[2:10].hex()}", raw, qos=1) for raw in frames]
    for message in last:
        message.wait_for_publish(DEADLINE_S)
    client.disconnect()
    client.loop_stop()


def over_mqtt(frames: Sequence[bytes], buttons: Sequence[PressingButton]) -> tuple[float, float]:
    """(events a second, CPU microseconds of each): broker, link, verification, commit, PUBACK, answer, delivery."""
    with tempfile.TemporaryDirectory() as folder, embedded_broker() as port, ProcessPoolExecutor(1) as other:
        house = House_(store_path(Path(folder)), buttons, dispatch=True)
        link = MqttLink(MqttSettings(port=port), gateway="bench", clock=WallClock(), sink=house.ingest)
        house.ingest._sender = link
        house.ingest.start()
        link.start()
        other.submit(int, 0).result(DEADLINE_S)  # the process is there before the clock runs
        begun, cpu = time.perf_counter(), house.cpu_s()
        publishing = other.submit(publish, port, frames)
        wait(lambda: house.ingest.counts.stored >= len(frames), "storing what came over MQTT")
        house.await_deliveries(len(frames))
        seconds, cpu_s = time.perf_counter() - begun, house.cpu_s() - cpu
        publishing.result(DEADLINE_S)
        link.stop()
        house.close()
    return len(frames) / seconds, cpu_s / len(frames) * 1e6


def middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> None:
    threading.stack_size(512 * 1024)
    buttons, frames = signed(EVENTS)
    bares, stored = [], []
    for _ in range(3):
        bares.append(bare(buttons, frames))
        stored.append(through(frames, buttons, dispatch=False))
    rate, cost = middle([one[0] for one in bares]), middle([one[1] for one in bares])
    say(BARE, rate, "1/s")
    say("bare verify, CPU", cost, "us")
    say("verified and stored", middle([one[0] for one in stored]), "1/s")
    ratio = middle([mine[0] / theirs[0] for mine, theirs in zip(stored, bares, strict=True)])
    say("verified and stored / bare", ratio, "times", BARE, "at least 0.65")
    say("verified and stored, CPU", middle([one[1] for one in stored]), "us")
    ratio = middle([mine[1] / theirs[1] for mine, theirs in zip(stored, bares, strict=True)])
    say("verified and stored, CPU / bare", ratio, "times", "bare verify, CPU", "at most 1.5")
    with taker() as port:
        over_http = through(frames, buttons, dispatch=True, http=port)
    for name, measured in (
        ("verified, stored and dispatched", through(frames, buttons, dispatch=True)),
        ("the same by HTTP", over_http),
        ("the same over MQTT", over_mqtt(frames[:MQTT_EVENTS], buttons)),
    ):
        say(name, measured[0], "1/s")
        say(f"{name} / bare", measured[0] / rate, "times", BARE)
        say(f"{name}, CPU", measured[1], "us")
        say(f"{name}, CPU / bare", measured[1] / cost, "times", "bare verify, CPU")


if __name__ == "__main__":
    main()
