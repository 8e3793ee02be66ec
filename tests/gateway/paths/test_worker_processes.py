"""Two workers of one gateway on PostgreSQL and a real Mosquitto: either may die, nothing is lost, nothing doubled."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_gateway_kill import Receiver

import processes
from brokers import Mosquitto
from databases import Place, PostgresServer, own_server
from gateway.enrolled_devices import enroll_at
from gateway.kept_frames import check_kept
from gateway.stubborn_buttons import Crowd, answers
from siaga_gateway.adapters.files.gateway_key import read_key
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.postgres import Postgres
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import DeliveryState
from system.running_gateway import SIAGA, Gateway
from waiting import ENDS_S, RUNS_S, eventually


class Workers(Gateway):
    """A gateway with several workers; what its parent prints, as it prints it."""

    def __init__(self, folder: Path, broker_port: int, receiver_port: int | None, conninfo: str) -> None:
        super().__init__(folder, broker_port, receiver_port)
        self.conninfo = conninfo
        for name in ("inbox", "outbox"):
            (folder / name).mkdir()
        # Each worker may have to send texts, whichever of them reads those that come in.
        more = (
            f'\n[store]\nurl = "{conninfo}"\n[sms]\nspool = "gammu"\n'
            f'inbox = "{folder / "inbox"}"\noutbox = "{folder / "outbox"}"\n'
            '[[ways]]\nname = "texts"\nkind = "sms"\nvia = "spool"\n'
        )
        self.config.write_text(self.config.read_text() + more, encoding="utf-8")
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()
        self.pids: list[int] = []

    def start_workers(self, count: int, program: Sequence[str] = SIAGA) -> Workers:
        process = self.launch("--workers", str(count), program=program)
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()
        ready = self.hear("ready")
        self.console, self.pids = ready["console"], ready["workers"]
        return self

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.said.put(json.loads(line))
        self.said.put({"ev": "end"})

    def hear(self, what: str) -> dict[str, Any]:
        said = self.said.get(timeout=ENDS_S)
        assert said["ev"] == what, f"{said}\n{self.stderr()}"
        return said

    def store(self) -> SqlStore:
        return SqlStore(Postgres(self.conninfo), 0, KeyFile(self.data / FILE_NAME))

    def _end(self, how: str) -> int:
        if self.process is None:
            return 0
        getattr(self.process, how)()
        code = self.process.wait(RUNS_S)
        self.process = None
        return code


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker", "log_dest stderr", "log_type subscribe") as made:
        yield made


@pytest.fixture
def gateway(tmp_path: Path, broker: Mosquitto, receiver: Receiver) -> Iterator[Workers]:
    """On the shared server, not started."""
    place = Place("postgresql", tmp_path).emptied()
    made = Workers(tmp_path / "gateway", broker.port, receiver.port, place.conninfo)
    yield made
    made.kill()


def pressing_crowds(gateway: Workers, broker: Mosquitto, buttons: int, count: int) -> list[Crowd]:
    """So many crowds that press on so many buttons, on two workers that were started for them."""
    enrolled = enroll_at(gateway.store(), read_key(gateway.data), buttons)
    gateway.start_workers(2)
    each = buttons // count
    crowds = [Crowd(broker.port, enrolled[n * each : (n + 1) * each], pause_s=0.05, seed=n) for n in range(count)]
    for crowd in crowds:
        crowd.start()
    return crowds


def answered_on(crowds: list[Crowd], what: str, timeout_s: float) -> None:
    """Wait until several more of their frames are answered."""
    before = answers(crowds)
    eventually(lambda: answers(crowds) > before + 5, what, timeout_s=timeout_s)


def all_delivered(gateway: Workers, crowds: list[Crowd], timeout_s: float) -> SqlStore:
    """Let every frame be answered and every notice delivered, end the gateway in order; its store."""
    for crowd in crowds:
        crowd.finish(timeout_s)
    store = gateway.store()
    eventually(lambda: not store.pending("cad"), "the outbox is empty", timeout_s=timeout_s)
    assert gateway.stop() == 0
    return store


def check_the_books(store: SqlStore, crowds: list[Crowd], receiver: Receiver) -> None:
    """Every frame stored once as it was sent, every press in one incident, each notice delivered under its key."""
    ours = {one.button.device_id: one for crowd in crowds for one in crowd.buttons}
    check_kept(store, {(device_id, n): frame for device_id, one in ours.items() for n, frame in one.sent.items()})
    presses = sorted((device_id, counter) for device_id, one in ours.items() for counter in one.presses)
    entries = store.journal_after(0, 1_000_000)
    noted = sorted(
        (entry.device_id, entry.facts["counter"])
        for entry in entries
        if entry.kind in (journal.INCIDENT_OPENED, journal.PRESSED_AGAIN) and entry.device_id is not None
    )
    assert noted == presses
    ids = [entry.id for entry in entries]
    assert ids == sorted(set(ids))
    opened = store.open_incidents()
    assert len(opened) == len({incident.device_id for incident in opened}) == sum(1 for o in ours.values() if o.presses)
    deliveries = store.deliveries(limit=100_000)
    assert {delivery.state for delivery in deliveries} == {DeliveryState.DELIVERED}
    # An outage that lasted is told to outputs as well: a trouble of the gateway's, not an incident's notice.
    told = {
        key for key, (body, *_) in receiver.bodies.items() if json.loads(body)["type"].startswith("id.siaga.incident.")
    }
    assert {delivery.key for delivery in deliveries} == told
    assert all(len(set(bodies)) == 1 for bodies in receiver.bodies.values()), "one key, one message"


def test_two_workers_share_the_presses_and_end_in_order(
    gateway: Workers, broker: Mosquitto, receiver: Receiver
) -> None:
    crowds = pressing_crowds(gateway, broker, 12, 3)
    eventually(lambda: answers(crowds) > 60, "answers")
    store = all_delivered(gateway, crowds, 60)
    # Whoever could name their group would be given a share of the presses.
    groups = set(re.findall(r"\$share/([^/]+)/", broker.said()))
    assert groups == {read_key(gateway.data).share_name}
    assert not groups & {GatewayKey.generate().share_name, "siaga"}
    assert not any(map(processes.state, gateway.pids))
    check_the_books(store, crowds, receiver)
    once = [len(bodies) for bodies in receiver.bodies.values()]
    assert set(once) == {1}, "nobody died, so nothing was delivered twice"
    lived = [(entry.kind, entry.facts.get("worker", "")[-1:]) for entry in store.journal_after(0, 100_000)]
    for number in "12":
        assert lived.count((journal.GATEWAY_STARTED, number)) == lived.count((journal.GATEWAY_STOPPED, number)) == 1
    store.close()


def test_workers_killed_in_the_midst_of_presses_lose_and_double_nothing(
    gateway: Workers, broker: Mosquitto, receiver: Receiver
) -> None:
    crowds = pressing_crowds(gateway, broker, 16, 4)
    for turn in range(6):
        answered_on(crowds, "presses are answered", 60)
        victim = turn % 2
        os.kill(gateway.pids[victim], signal.SIGKILL)
        again = gateway.hear("worker_ready")
        assert again["worker"] == victim + 1
        assert again["pid"] != gateway.pids[victim]
        gateway.pids[victim] = again["pid"]
    store = all_delivered(gateway, crowds, 90)
    check_the_books(store, crowds, receiver)
    store.close()


def test_a_worker_that_hangs_is_ended_and_started_anew(gateway: Workers) -> None:
    impatient = "import siaga_gateway.bootstrap.worker_processes as it; it._SIGN_S = 4.0; import siaga_gateway.__main__"
    gateway.start_workers(2, [sys.executable, "-c", impatient])
    os.kill(gateway.pids[1], signal.SIGSTOP)
    again = gateway.hear("worker_ready")
    assert again["worker"] == 2
    assert processes.state(gateway.pids[1]) is None
    assert "worker 2 gives no sign of life" in gateway.stderr()
    gateway.pids[1] = again["pid"]
    assert gateway.stop() == 0


def test_workers_whose_parent_is_killed_end_by_themselves(gateway: Workers) -> None:
    gateway.start_workers(2)
    gateway.kill()
    eventually(lambda: not any(map(processes.state, gateway.pids)), "the workers are gone")
    store = gateway.store()
    kinds = [entry.kind for entry in store.journal_after(0)]
    assert kinds.count(journal.GATEWAY_STOPPED) == 2
    store.close()


def test_a_console_hears_of_what_either_worker_stored(gateway: Workers, broker: Mosquitto) -> None:
    """The console runs in the first worker; half of the presses are stored by the second."""
    buttons = enroll_at(gateway.store(), read_key(gateway.data), 4)
    gateway.start_workers(2)
    heard: set[int] = set()
    end = threading.Event()

    def listen(console: httpx.Client) -> None:
        with console.stream("GET", "/live", params={"after": 0}) as stream:
            for line in stream.iter_lines():
                if line.startswith("id: "):
                    heard.add(int(line.removeprefix("id: ")))
                if end.is_set():
                    return

    with httpx.Client(
        verify=False, base_url=gateway.console, headers={"Origin": gateway.console.rstrip("/")}, timeout=ENDS_S
    ) as console:
        assert console.post("/sign-in", data={"name": "Siti"}).status_code == 303
        listener = threading.Thread(target=listen, args=(console,), daemon=True)
        listener.start()
        crowd = Crowd(broker.port, buttons, pause_s=0.01, seed=1)
        crowd.start()
        eventually(lambda: sum(len(one.presses) for one in crowd.buttons) > 20, "presses")
        crowd.finish(ENDS_S)
        store = gateway.store()
        eventually(lambda: not store.pending("cad"), "the outbox is empty")
        whole = {entry.id for entry in store.journal_after(0, 100_000)}
        eventually(lambda: heard >= whole, "the console has heard of all")
        end.set()
        listener.join(ENDS_S)
        store.close()


def test_a_database_that_is_held_and_killed_stops_the_answers_and_loses_nothing(
    tmp_path: Path, broker: Mosquitto, receiver: Receiver
) -> None:
    with own_server() as server:
        gateway = Workers(tmp_path / "gateway", broker.port, receiver.port, server.new_database())
        try:
            _through_outages(gateway, server, broker, receiver)
        finally:
            gateway.kill()


def silence(crowds: list[Crowd]) -> None:
    """Without a store nothing is answered, once what was under way is through."""

    def silent() -> bool:
        before = answers(crowds)
        time.sleep(2)  # several tries of each button
        return answers(crowds) == before

    eventually(silent, "no press is answered while nothing can be stored")


def _through_outages(gateway: Workers, server: PostgresServer, broker: Mosquitto, receiver: Receiver) -> None:
    crowds = pressing_crowds(gateway, broker, 8, 2)
    for outage in (server.hold, server.kill):
        answered_on(crowds, "presses are answered", 90)
        outage()
        silence(crowds)
        if outage == server.hold:
            server.go_on()
        else:
            server.start()
    answered_on(crowds, "presses are answered again", 90)
    store = all_delivered(gateway, crowds, 90)
    check_the_books(store, crowds, receiver)
    store.close()


def test_several_workers_on_sqlite_are_refused_in_a_sentence(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, 1883)
    said = gateway.command("run", "--workers", "2", check=False)
    assert "2 workers need a store that they can share" in said
    assert "[store]" in said


def test_a_worker_that_cannot_start_ends_all_and_says_why(gateway: Workers, broker: Mosquitto) -> None:
    broker.kill()
    text = gateway.config.read_text().replace("[mqtt]\n", "[mqtt]\nstart_timeout_s = 1\n")
    gateway.config.write_text(text)
    said = gateway.command("run", "--workers", "2", check=False)
    assert "no MQTT broker at 127.0.0.1" in said
    assert "of 2 could not start" in said


def alone(program: str) -> subprocess.CompletedProcess[str]:
    """A program of its own whose standard input stays open, as a worker's does while its parent lives."""
    reading, writing = os.pipe()
    try:
        return subprocess.run(
            [sys.executable, "-c", program], stdin=reading, capture_output=True, text=True, timeout=RUNS_S, check=False
        )
    finally:
        os.close(reading)
        os.close(writing)


def test_a_worker_ends_whichever_of_its_threads_the_signal_meets() -> None:
    """The kernel gives a process's signal to any thread; Python's handler runs in the main one, which must wake up."""
    done = alone(
        "import signal, threading, time\n"
        "from siaga_gateway.bootstrap.shutdown_signals import ShutdownSignals\n"
        "def meet():\n"
        "    time.sleep(0.5)\n"
        "    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)\n"
        "threading.Thread(target=meet).start()\n"
        "ends = ShutdownSignals()\n"
        "ends.in_order()\n"
        "ends.wait()\n"
    )
    assert done.returncode == 0, done.stderr


def test_a_worker_ends_in_order_while_its_parent_lives() -> None:
    done = alone(
        "import time\nfrom siaga_gateway.bootstrap.worker_processes import end_with_parent\n"
        "end_with_parent()\ntime.sleep(0.5)\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
