"""Two machines of a province, each with a broker, a gateway and PostgreSQL, one of which dies: real Mosquitto, real
PostgreSQL with streaming replication, real gateways, buttons that know both brokers. One set-up for all of it."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from brokers import Mosquitto, free_port
from databases import PostgresServer
from gateway.enrolled_devices import enroll_at
from gateway.kept_frames import check_kept
from gateway.stubborn_buttons import Insistent
from pressing_button import PressingButton, is_bound
from siaga_gateway.adapters.files.gateway_key import read_key
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.postgres import Postgres
from siaga_gateway.domain.frame import Stage, counter_of
from siaga_gateway.service.installation.standby_watch import absence
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import StoreFailing
from system.running_gateway import Gateway
from waiting import ENDS_S, RUNS_S, eventually

# As gateway/STANDBY.md has them.
SERVER = {
    "synchronous_standby_names": "siaga_a, siaga_b",
    "synchronous_commit": "local",
    "wal_log_hints": "on",
    "wal_keep_size": "64MB",
    "wal_sender_timeout": "10s",
    "wal_receiver_timeout": "10s",
}
GRANTS = (
    "CREATE ROLE gateway LOGIN",
    "CREATE DATABASE province OWNER gateway TEMPLATE template0 ENCODING 'UTF8'",
    "GRANT pg_monitor TO gateway",
    "CREATE ROLE replicator LOGIN REPLICATION",
    "GRANT EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean) TO replicator",
    "GRANT EXECUTE ON FUNCTION pg_stat_file(text, boolean) TO replicator",
    "GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO replicator",
    "GRANT EXECUTE ON FUNCTION pg_read_binary_file(text, bigint, bigint, boolean) TO replicator",
)
TRY_S = 1.0  # that a button waits for an answer before it goes to the other broker


class Side:
    """One machine."""

    def __init__(self, folder: Path, name: str, server: PostgresServer) -> None:
        self.name = name
        self.server = server
        self.broker = Mosquitto(folder / f"broker-{name}")
        self.gateway = Gateway(folder / f"gateway-{name}", self.broker.port)
        self.metrics = free_port()

    def settle(self, hosts: Sequence[PostgresServer]) -> None:
        """Write its settings, as those of the other machine but for its name."""
        ports = ",".join(str(server.port) for server in hosts)
        url = f"postgresql://gateway@127.0.0.1,127.0.0.1/province?port={ports}"
        text = self.gateway.config.read_text(encoding="utf-8")
        text = f'machine = "{self.name}"\n' + text.replace("[mqtt]\n", "[mqtt]\nown_broker = true\n")
        text += f'\n[store]\nurl = "{url}"\nstandby = true\n[metrics]\nport = {self.metrics}\n'
        self.gateway.config.write_text(text, encoding="utf-8")

    def die(self) -> None:
        """All of it at once, as by a power cut."""
        for process in (self.gateway.process, self.broker.process, self.server.process):
            assert process is not None
        self.gateway.kill()
        self.broker.kill()
        self.server.kill()

    def health(self) -> dict[str, Any]:
        answer = httpx.get(f"http://127.0.0.1:{self.metrics}/readyz", trust_env=False, verify=False, timeout=ENDS_S)
        return dict(answer.json())


class Roamer:
    """Presses one button after the other by one broker, until that does not answer; then by the other one."""

    def __init__(self, ports: Sequence[int], buttons: Sequence[PressingButton]) -> None:
        self.buttons = [Insistent(button) for button in buttons]
        self._by_topic = {f"siaga/v1/down/{one.button.device_id.hex()}": one for one in self.buttons}
        self._ports = list(ports)
        self._news = threading.Condition()
        self._client: PahoClient | None = None

    def press(self, count: int = 1) -> None:
        """Each button presses so many more times, and each press is answered."""
        for one in self.buttons * count:
            frame = one.button.press()
            counter = one.button.counter
            one.sent[counter] = frame
            eventually(lambda: self._tried(one, counter, frame), "an answer by either broker")  # noqa: B023

    def _tried(self, one: Insistent, counter: int, frame: bytes) -> bool:
        client = self._client
        if client is None:
            client = self._client = self._connected()
        if client is not None and client.is_connected():
            client.publish(f"siaga/v1/up/{one.button.device_id.hex()}", frame, qos=1)
            with self._news:
                if self._news.wait_for(lambda: counter in one.acknowledged, TRY_S):
                    return True
        self.leave()
        self._ports.append(self._ports.pop(0))
        return False

    def _connected(self) -> PahoClient | None:
        client = PahoClient(CallbackAPIVersion.VERSION2, client_id="roamer")
        subscribed = threading.Event()
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_message = self._answered
        try:
            client.connect("127.0.0.1", self._ports[0])
        except OSError:
            return None
        client.loop_start()
        client.subscribe([(topic, 1) for topic in self._by_topic])
        subscribed.wait(TRY_S)  # no deadline of a machine: the button's own
        return client

    def _answered(self, _client: object, _user: object, message: Any) -> None:
        one, frame = self._by_topic[message.topic], bytes(message.payload)
        counter = counter_of(frame)
        assert is_bound(one.button.mac_down, frame, one.sent[counter]), "an answer that the gateway did not sign"
        with self._news:
            one.stages.append((counter, frame[18]))
            one.acknowledged.add(counter)
            self._news.notify_all()

    def leave(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    @property
    def sent(self) -> dict[tuple[bytes, int], bytes]:
        """All that was acknowledged."""
        return {
            (one.button.device_id, counter): one.sent[counter] for one in self.buttons for counter in one.acknowledged
        }


class Province:
    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        first = PostgresServer(settings={**SERVER, "cluster_name": "siaga_a"})
        stack.callback(first.remove)
        first.start()
        for statement in GRANTS:
            first.execute(statement)
        first.execute("GRANT EXECUTE ON FUNCTION pg_promote TO gateway", "province")
        second = PostgresServer(settings={**SERVER, "cluster_name": "siaga_b"}, standby_of=first)
        stack.callback(second.remove)
        second.start()
        self.servers = [first, second]
        self.a, self.b = Side(folder, "a", first), Side(folder, "b", second)
        for side in (self.a, self.b):
            side.settle(self.servers)
            stack.callback(side.gateway.kill)
            stack.callback(side.broker.kill)
            side.broker.start()
        for key in ("gateway-key.pem", FILE_NAME):
            shutil.copy2(self.a.gateway.data / key, self.b.gateway.data / key)
        buttons = enroll_at(self.store(), read_key(self.a.gateway.data), 4)
        ports = [self.a.broker.port, self.b.broker.port]
        self.at_a, self.at_b = Roamer(ports, buttons[:2]), Roamer(ports[::-1], buttons[2:])
        stack.callback(self.at_a.leave)
        stack.callback(self.at_b.leave)
        self.a.gateway.start()
        self.b.gateway.start()
        self._kept = self.store()
        stack.callback(self._kept.close)

    def store(self) -> SqlStore:
        """Wherever the primary is."""
        ports = ",".join(str(server.port) for server in self.servers)
        url = f"postgresql://gateway@127.0.0.1,127.0.0.1/province?port={ports}"
        place = Postgres(url, standby=True, timeline=self.b.gateway.data / "store-timeline")
        return SqlStore(place, 0, KeyFile(self.a.gateway.data / FILE_NAME))

    def read(self, what: Callable[[SqlStore], Any]) -> Any:
        """Ask a store that has been open all the while: it finds the primary by itself."""

        def tried() -> list[Any]:
            try:
                return [what(self._kept)]
            except StoreFailing:
                return []

        return eventually(tried, "the store finds its primary")[0]

    def press(self) -> None:
        self.at_a.press()
        self.at_b.press()

    def journal(self, kind: str) -> list[dict[str, Any]]:
        rows = self.read(lambda store: store.fetch("SELECT facts FROM journal WHERE kind = ? ORDER BY id", (kind,)))
        return [json.loads(row[0]) for row in rows]

    def check(self) -> None:
        """Nothing that was acknowledged is missing."""
        self.read(lambda store: check_kept(store, self.at_a.sent | self.at_b.sent))


def count(there: psycopg.Connection) -> int:
    """How many calls and updates this server has."""
    return len(there.execute("SELECT 1 FROM event").fetchall())


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Province]:
    with contextlib.ExitStack() as stack:
        yield Province(tmp_path_factory.mktemp("province"), stack)


def test_1_both_machines_take_presses_and_the_standby_has_each_that_is_answered(province: Province) -> None:
    province.press()
    eventually(lambda: province.read(absence) is None, "the standby is known to be there")
    province.press()
    with psycopg.connect(province.b.server.conninfo("province"), autocommit=True) as there:
        # A commit waits until the standby has it on its disk; to show it takes it a moment longer.
        eventually(lambda: count(there) == 8, lambda: f"{count(there)} of 8 there: {province.b.server.said()}")
    told = json.loads(province.a.gateway.command("standby", "status", "--json"))
    assert [each["role"] for each in told["servers"]] == ["primary", "standby"] and told["absent"] is None
    assert "warnings" not in province.a.health() or "standby" not in province.a.health()["warnings"]


def test_2_a_step_at_one_console_reaches_a_button_at_the_other_broker(province: Province) -> None:
    one = province.at_b.buttons[0]
    counter = max(one.sent)
    found = province.read(
        lambda store: store.fetch("SELECT id FROM incident WHERE device_id = ?", (one.button.device_id,))
    )
    with at_console(province.a, "Siti") as console:
        assert console.post(f"/incidents/{found[0][0]}/seen").status_code < 400
    eventually(lambda: (counter, Stage.SEEN) in one.stages, "the button at the other broker hears of it")


@contextlib.contextmanager
def at_console(side: Side, name: str) -> Iterator[httpx.Client]:
    """Somebody who has signed in there."""
    url = side.gateway.console
    origin = {"origin": url.rstrip("/")}
    with httpx.Client(base_url=url, headers=origin, trust_env=False, verify=False, timeout=ENDS_S) as made:
        assert made.post("/sign-in", data={"name": name}).status_code == 303
        yield made


def test_2_who_has_a_call_open_at_one_machine_is_seen_at_the_other(province: Province) -> None:
    with at_console(province.a, "Siti") as here, at_console(province.b, "Budi") as there:
        ((number,),) = province.read(lambda store: store.fetch("SELECT min(id) FROM incident"))
        # A page has its stream open, too.
        with here.stream("GET", "/live"), there.stream("GET", "/live") as live:
            shown = here.post("/presence", data={"console": "layar-satu", "incident": number})
            assert shown.status_code == 204
            told = (line for line in live.iter_lines() if line.startswith("data:") and '"at":' in line)
            assert json.loads(next(told).removeprefix("data:"))["at"] == {str(number): ["Siti"]}
            here.post("/presence", data={"console": "layar-satu"})
            assert json.loads(next(told).removeprefix("data:"))["at"] == {}


def test_3_presses_go_on_without_the_standby_and_its_absence_is_told(province: Province) -> None:
    lost = len(province.journal(journal.STANDBY_LOST))
    province.b.server.hold()  # its machine hangs: no connection ends
    try:
        province.press()
        eventually(lambda: len(province.journal(journal.STANDBY_LOST)) > lost, "it is journalled")
        assert province.journal(journal.STANDBY_LOST)[-1] == {"why": "gone"}
        assert "standby" in province.b.health()["warnings"]
        assert "the second machine does not have" in province.a.gateway.stderr() + province.b.gateway.stderr()
        assert "tidak memiliki" in province.a.gateway.command("standby", "status", "--language", "id")
        refused = province.a.gateway.command("standby", "promote", "--fenced", "--by", "admin", check=False)
        assert f"127.0.0.1:{province.a.server.port}" in refused, "a primary answers"
    finally:
        province.b.server.go_on()
    back = len(province.journal(journal.STANDBY_BACK))
    eventually(lambda: province.read(absence) is None, "it has caught up")
    eventually(lambda: len(province.journal(journal.STANDBY_BACK)) > back or back, "that is journalled too")
    assert province.journal(journal.STANDBY_BACK)[-1]["entries"] > 0
    province.press()


def test_4_one_side_dies_and_the_other_takes_over_with_all_that_was_acknowledged(province: Province) -> None:
    province.press()
    province.a.die()
    refused = province.b.gateway.command("standby", "promote", "--by", "admin", check=False)
    assert "--fenced" in refused, "it may be alive behind a broken line"
    province.b.gateway.command("standby", "promote", "--fenced", "--by", "admin")
    assert province.read(lambda store: store.remembered("timeline")).split()[1] == "2"
    ((least,),) = province.read(lambda store: store.fetch("SELECT min(sequence) FROM incident WHERE state <> 'closed'"))
    assert least > 1_000, "numbers go on above what the old server may have given out"
    province.press()
    province.check()
    assert province.journal(journal.STANDBY_PROMOTED)[0]["server"] == f"127.0.0.1:{province.b.server.port}"


def test_5_an_old_primary_that_comes_back_is_written_to_by_nobody(province: Province) -> None:
    province.a.server.start()  # the mistake
    with psycopg.connect(province.a.server.conninfo("province"), autocommit=True) as there:
        before = count(there)
        province.a.broker.start()
        province.a.gateway.start()
        province.press()
        assert count(there) == before
    told = json.loads(province.a.gateway.command("standby", "status", "--json"))
    assert [each["role"] for each in told["servers"]] == ["left_behind", "primary"]
    province.check()


def test_6_the_way_back(province: Province) -> None:
    """As gateway/STANDBY.md has it."""
    a, b = province.a.server, province.b.server
    assert a.process is not None
    a.process.terminate()
    a.process.wait(RUNS_S)
    a.process = None
    b.execute("CHECKPOINT")  # pg_rewind compares what the last one wrote
    source = b.replication("postgres")
    rewound = a.run("pg_rewind", f"--target-pgdata={a.cluster}", f"--source-server={source}", "-R")
    assert rewound.wait(ENDS_S) == 0
    a.start()
    eventually(lambda: province.read(absence) is None, lambda: f"A is no standby:\n{a.said()[-3000:]}")
    province.press()
    province.check()
    told = json.loads(province.b.gateway.command("standby", "status", "--json"))
    assert [each["role"] for each in told["servers"]] == ["standby", "primary"] and told["absent"] is None
