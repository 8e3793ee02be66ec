"""`siaga load` on a real broker and a real gateway: as its user types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import preloaded
from brokers import Mosquitto, free_port
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.service.journal import kinds as journal
from system.running_gateway import Gateway
from waiting import RUNS_S, eventually

SIAGA = str(Path(sys.executable).with_name("siaga"))


def siaga_load(*arguments: object, code: int = 0) -> str:
    """What it prints; on stderr where it fails."""
    done = preloaded.run([SIAGA, "load", *map(str, arguments), "--language", "en"], timeout_s=RUNS_S)
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout or done.stderr


class Staging:
    """A broker, a gateway for exercises, a fleet that is enrolled there."""

    def __init__(self, folder: Path, broker: Mosquitto, devices: int = 30) -> None:
        self.broker = broker
        self.gateway = Gateway(folder / "gateway", broker.port)
        self.set_mode("exercise")
        self.fleet = folder / "fleet.json"
        siaga_load("fleet", self.fleet, "--devices", devices, "--gateway-key", self.gateway.public_hex)
        self.list = self.fleet.with_suffix(".csv")
        self.gateway.command("enrol", "--file", str(self.list), "--by", "registrar")

    def set_mode(self, mode: str) -> None:
        text = self.gateway.config.read_text()
        for other in ("actual", "exercise"):
            text = text.replace(f'mode = "{other}"', f'mode = "{mode}"')
        self.gateway.config.write_text(text)

    def load(self, *arguments: object, code: int = 0) -> dict[str, Any]:
        said = siaga_load(
            "gateway", "--fleet", self.fleet, "--port", self.broker.port, "--json", "--wait", 60, *arguments, code=code
        )
        return json.loads(said)  # type: ignore[no-any-return]

    def events(self) -> list[tuple[bytes, int, int]]:
        store = SqlStore(store_path(self.gateway.data), 0)
        rows = store.fetch("SELECT device_id, counter, kind FROM event")
        store.close()
        return [tuple(row) for row in rows]  # type: ignore[misc]

    def heard(self) -> int:
        """Return how many frames its devices were heard with; a check-in is counted, not stored."""
        store = SqlStore(store_path(self.gateway.data), 0)
        counted = sum(status.events for _, status in store.devices() if status is not None)
        store.close()
        return counted


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    with Mosquitto(tmp_path / "broker") as broker:
        made = Staging(tmp_path, broker)
        with made.gateway:
            yield made


@pytest.mark.parametrize("rest", [(), ("gateway", "--fleet", "fleet.json", "--rate", "5"), ("--help",), ("-h",)])
def test_the_former_word_points_to_the_one_that_is_typed_now(rest: tuple[str, ...]) -> None:
    done = preloaded.run([SIAGA, "bench", *rest], timeout_s=RUNS_S)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "siaga: `siaga bench` kini bernama `siaga load`",
        "siaga: `siaga bench` is called `siaga load` now",
    ]
    listed = preloaded.run([SIAGA, "--help"], timeout_s=RUNS_S)
    assert listed.returncode == 0 and "  load " in listed.stdout and "bench" not in listed.stdout


def test_two_runs_are_stored_whole_and_their_figures_are_true(staging: Staging) -> None:
    mixed = ["--rate", 40, "--seconds", 3, "--ramp", 1, "--mix", "press=2,update=2,cancel=1,checkin=5"]
    first = staging.load(*mixed, "--mass-press", 50, "--within", 1, "--at", 1)
    second = staging.load(*mixed, "--own", "--seed", 2)
    assert (first["connections"], second["connections"]) == (4, 30)
    sent: dict[str, int] = {}
    for run in (first, second):
        assert run["planned"] == sum(one["sent"] for one in run["classes"].values())
        assert sum(one["sent"] for one in run["seconds"]) == run["planned"]
        assert run["forged_answers"] == run["losses"] == run["ended_by"] == 0
        for kind, one in run["classes"].items():
            assert one["acknowledged"] == one["sent"], kind
            assert one["lost"] == one["refused"] == 0
            assert 0 < one["latency_ms"]["p50"] <= one["latency_ms"]["p99"] <= one["latency_ms"]["max"]
            sent[kind] = sent.get(kind, 0) + one["sent"]
    assert first["classes"]["press"]["sent"] >= 15
    events = staging.events()
    assert len(events) == len({event[:2] for event in events})
    assert staging.heard() == sum(sent.values())
    sent.pop("checkin")
    assert {kind: sum(Kind(event[2]).name.lower() == kind for event in events) for kind in sent} == sent
    assert journal.CONTRADICTION not in staging.gateway.kinds()


def test_test_presses_open_nothing_and_expired_devices_are_told_so(staging: Staging) -> None:
    run = staging.load("--tests", "--rate", 20, "--seconds", 1, "--ramp", 0)
    assert run["classes"]["press"]["lost"] == run["classes"]["press"]["refused"] == 0
    store = SqlStore(store_path(staging.gateway.data), 0)
    assert not store.open_incidents()

    staging.gateway.command("expire", "--file", str(staging.list), "--reason", "the trial is over", "--by", "registrar")
    run = staging.load("--rate", 20, "--seconds", 1, "--ramp", 0)
    press = run["classes"]["press"]
    assert press["refused"] == press["acknowledged"] == press["sent"] > 0
    assert all(incident.held for incident in store.open_incidents())
    store.close()


def test_a_gateway_in_earnest_is_not_loaded_unless_forced(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        staging = Staging(tmp_path, broker, devices=2)
        load = ["gateway", "--fleet", staging.fleet, "--port", broker.port, "--seconds", 1, "--ramp", 0]
        assert "No gateway says" in siaga_load(*load, code=1)
        staging.set_mode("actual")
        with staging.gateway:
            assert "siaga.test is in earnest" in siaga_load(*load, code=1)
            assert not staging.events()
            text = siaga_load(*load, "--force", "--rate", 5)
            assert "Every frame was answered." in text and "PRESS" in text
            assert staging.events()


def test_who_may_not_read_the_mode_is_told_what_to_do(tmp_path: Path) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic write siaga/v1/up/+\ntopic read siaga/v1/down/+\n")
    rules.chmod(0o644)
    with Mosquitto(tmp_path / "broker", f"acl_file {rules}") as broker:
        staging = Staging(tmp_path, broker, devices=2)
        with staging.gateway:
            load = ["gateway", "--fleet", staging.fleet, "--port", broker.port, "--seconds", 1, "--wait", 1]
            assert "this user may not read it" in siaga_load(*load, code=1)


def test_frames_that_nobody_answers_are_lost_and_the_exit_code_says_so(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        staging = Staging(tmp_path, broker, devices=3)
        run = staging.load("--force", "--rate", 10, "--seconds", 1, "--ramp", 0, "--wait", 1, code=1)
        assert run["classes"]["press"]["lost"] == run["classes"]["press"]["sent"] > 0
        assert run["accepted_by_broker"] >= run["classes"]["press"]["sent"]
        assert run["longest_silence_s"] >= 1


def test_ctrl_c_ends_it_with_the_figures_so_far(staging: Staging) -> None:
    process = subprocess.Popen(
        [
            *(SIAGA, "load", "gateway", "--fleet", str(staging.fleet), "--port", str(staging.broker.port)),
            *("--json", "--rate", "20", "--seconds", "300", "--ramp", "0", "--language", "en"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LANG": "C"},
    )
    try:
        eventually(lambda: staging.events(), "a press is stored")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=RUNS_S)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    run = json.loads(said)
    assert 0 < run["classes"]["press"]["sent"] < run["planned"]


def test_it_goes_on_where_the_broker_dies_under_it(staging: Staging) -> None:
    process = preloaded.Popen(
        [
            *(SIAGA, "load", "gateway", "--fleet", str(staging.fleet), "--port", str(staging.broker.port)),
            *("--json", "--rate", "30", "--seconds", "4", "--ramp", "0", "--wait", "120"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        eventually(lambda: staging.events(), "a press is stored")
        staging.broker.kill()
        time.sleep(1)  # presses go into the void meanwhile
        staging.broker.start()
        said, _ = process.communicate(timeout=RUNS_S)
    finally:
        process.kill()
        process.wait()
    run = json.loads(said)
    assert process.returncode == 0 and run["losses"] >= 4, run["classes"]
    assert run["classes"]["press"]["lost"] == 0
    assert len(staging.events()) == run["planned"]


def test_what_cannot_be_is_said_in_one_sentence(tmp_path: Path) -> None:
    fleet = tmp_path / "f.json"
    assert "no gateway's public key" in siaga_load("fleet", fleet, "--devices", 1, "--gateway-key", "zz", code=1)
    assert not fleet.exists()
    with Mosquitto(tmp_path / "broker", "allow_anonymous false") as broker:
        no_point = "04" * 64
        assert "no gateway's public key" in siaga_load(
            "fleet", fleet, "--devices", 1, "--gateway-key", no_point, code=1
        )
        siaga_load("fleet", fleet, "--devices", 1, "--gateway-key", GatewayKey.generate().public_xy.hex())
        assert "is there already" in siaga_load("fleet", fleet, "--devices", 1, "--gateway-key", "00", code=1)
        load = ["gateway", "--fleet", fleet, "--port"]
        assert "no right to connect" in siaga_load(*load, broker.port, code=1)
        assert "came up within" in siaga_load(*load, free_port(), code=1)
        assert "is no mix" in siaga_load(*load, broker.port, "--mix", "press=x", code=2)
        passwords = tmp_path / "p.csv"
        passwords.write_text("id,secret\n1,2\n")
        assert "has no passwords" in siaga_load(*load, broker.port, "--passwords", passwords, code=1)
