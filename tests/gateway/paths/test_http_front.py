"""The doors of strangers are in a process of their own: whatever happens there, presses are taken and answered."""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
from pydantic import BaseModel, SecretStr
from test_running_gateway import Observed

import processes
import sqlite_damage
from brokers import embedded_broker
from gateway import sample_store
from gateway.enrolled_devices import enrolled_buttons
from gateway.stubborn_buttons import Crowd
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.bootstrap.http_front import supervisor
from siaga_gateway.bootstrap.http_front.supervisor import FrontProcess, settings_of_the_front
from siaga_gateway.bootstrap.listening_sockets import ListeningSockets
from siaga_gateway.bootstrap.worker_identity import WorkerIdentity
from siaga_gateway.config.settings import Settings
from siaga_gateway.service.journal import kinds as journal
from waiting import ENDS_S, eventually

STRANGERS = 400


def test_a_front_for_which_there_was_no_thread_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(*_: object) -> NoReturn:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(supervisor, "PressSide", no_thread)
    settings = Settings.model_validate({"name": "siaga.test", "data_dir": tmp_path, "console": {"port": 0}})
    listeners = ListeningSockets(settings, WorkerIdentity())
    front = FrontProcess(settings, listeners, calls={}, figures={}, offer=lambda *_: False)
    front.start()
    try:
        eventually(lambda: front.starts > 1, "it is tried again")
    finally:
        front.stop()
        listeners.close()


def test_a_front_that_is_gone_is_not_up_whatever_was_its_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its word that it is ready was read after its end, and it counted as up until the next had begun."""

    class LateSide:
        def __init__(self, line: Connection, *others: Any) -> None:
            self._line, self._said = line, others[-1]

        def start(self) -> None: ...

        def close(self, _wait_s: float) -> bool:
            self._said(supervisor.READY, {})
            self._line.close()
            return True

    monkeypatch.setattr(supervisor, "PressSide", LateSide)
    monkeypatch.setattr(FrontProcess, "_spawn", lambda *_: subprocess.Popen(["true"]))
    settings = Settings.model_validate({"name": "siaga.test", "data_dir": tmp_path, "console": {"port": 0}})
    listeners = ListeningSockets(settings, WorkerIdentity())
    front = FrontProcess(settings, listeners, calls={}, figures={}, offer=lambda *_: False)
    front.start()
    try:
        eventually(lambda: front.starts > 1, "the next begins")
    finally:
        front.stop()
        listeners.close()
    assert not front.up


def test_a_front_that_cannot_use_the_store_says_so_in_one_line_and_keeps_nobody_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """It showed a traceback, and the gateway waited 45 s for it."""
    settings = Settings.model_validate({"name": "siaga.test", "data_dir": tmp_path, "console": {"port": 0}})
    file = store_path(tmp_path)
    SqlStore(file, 0).close()
    sqlite_damage.checkpoint(file)
    whole = file.read_bytes()
    sqlite_damage.damage(file, sqlite_damage.roots(file)["meta"])
    listeners = ListeningSockets(settings, WorkerIdentity())
    front = FrontProcess(settings, listeners, calls={}, figures={}, offer=lambda *_: False)
    front.start()
    try:
        front.await_ready(lambda: False)
        assert not front.up
        eventually(lambda: "the front cannot use the store" in caplog.text, "it says so")
        assert "presses are taken" not in caplog.text, "nobody waited in vain"
        file.write_bytes(whole)
        eventually(lambda: front.up, "it is started again, and finds the store working")
    finally:
        front.stop()
        listeners.close()
    assert "Traceback" not in capfd.readouterr().err


def test_a_gateway_that_began_anew_says_so_where_its_front_fails(tmp_path: Path) -> None:
    """It said that it was ready, with an address at which nobody answered."""

    class Anew(Observed):
        @property
        def environment(self) -> Mapping[str, str]:
            return {"SIAGA_STARTED_ANEW": "1"}

    with embedded_broker() as port:
        gateway = Anew(tmp_path, port)
        secret = gateway.data / "console-secret"
        secret.write_bytes(b"short")
        with gateway:
            assert gateway.ready["front"] is False
            eventually(lambda: "console, figures and webhook are not there yet" in gateway.stderr(), "it says so")
            assert "ready; the console is at" not in gateway.stderr()
            secret.unlink()
            eventually(lambda: "console, figures and webhook are back" in gateway.stderr(), "it says that too")


class Fronted(Observed):
    def front(self) -> int:
        """The process with the doors; 0: there is none."""
        assert self.process is not None
        found = processes.children(self.process.pid).items()
        return next((pid for pid, line in found if "siaga_gateway.bootstrap.http_front" in line), 0)

    def descriptors(self) -> int:
        assert self.process is not None
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def knock(self, count: int) -> list[socket.socket]:
        url = httpx.URL(self.console)
        return [socket.create_connection((url.host, url.port or 80), ENDS_S) for _ in range(count)]

    def page(self) -> int:
        return httpx.get(f"{self.console}sign-in", timeout=ENDS_S, verify=False).status_code


def test_the_front_is_given_no_secret_that_it_does_not_need(tmp_path: Path) -> None:
    broker = {"user": "gateway", "password": "secret of the broker"}
    output = {"name": "cad", "kind": "webhook", "url": "https://cad.example", "secret": "s" * 20, "token": "t" * 20}
    settings = Settings.model_validate(
        {
            "name": "siaga.test",
            "data_dir": tmp_path,
            "mqtt": broker,
            "lorawan": broker,
            "outputs": [output],
            "watch": {"token": "what-watchers-show", "ping_url": "https://switch.example/secret"},
            "sms": {
                "webhook": {"port": 8112, "secret": "what the aggregator shows"},
                "aggregator": {"url": "https://sms.example/send", "token": "what messages are paid with"},
            },
        }
    )
    given = settings_of_the_front(settings)

    def secrets(told: BaseModel) -> list[str]:
        found = [getattr(told, name) for name in type(told).model_fields]
        inner = [each for one in found for each in (one if isinstance(one, list) else [one])]
        own = [each.get_secret_value() for each in inner if isinstance(each, SecretStr)]
        return own + [text for each in inner if isinstance(each, BaseModel) for text in secrets(each)]

    assert len(secrets(settings)) == 8
    assert secrets(given) == ["what the aggregator shows", "what-watchers-show"]


def test_strangers_at_the_doors_and_a_front_that_dies_cost_no_press(tmp_path: Path) -> None:
    with embedded_broker() as port:
        gateway = Fronted(tmp_path / "gateway", port).configure()
        buttons = enrolled_buttons(gateway.data, 3)
        with gateway:
            before = gateway.descriptors()
            crowd = Crowd(port, buttons, pause_s=0.02, seed=9)
            crowd.start()

            def answered() -> int:
                return sum(len(one.acknowledged) for one in crowd.buttons)

            strangers = gateway.knock(STRANGERS)
            assert gateway.page() == 200, "a person gets in beside them"
            assert gateway.descriptors() < before + 20, "none of them is in the process that takes presses"
            assert gateway.get("/readyz").json()["ready"]

            first = gateway.front()
            os.kill(first, signal.SIGKILL)
            so_far = answered()
            eventually(lambda: answered() > so_far + 5, "presses are answered without a front")
            eventually(lambda: gateway.front() not in (0, first), "it is started anew")
            assert gateway.page() == 200, "at the same port"
            assert "ended by signal 9" in gateway.stderr()
            assert gateway.figure("siaga_front_starts_total") == 2
            for line in strangers:
                line.close()
            crowd.finish(ENDS_S)

            assert gateway.process is not None
            gateway.process.send_signal(signal.SIGSTOP)
            told = gateway.get("/readyz")
            assert (told.status_code, list(told.json()["problems"])) == (503, ["process"])
            assert gateway.get("/metrics").status_code == 503
            health = f"{gateway.console}health"
            eventually(
                lambda: httpx.get(health, timeout=ENDS_S, verify=False).status_code == 503,
                "the console says so as well",
            )
            gateway.process.send_signal(signal.SIGCONT)
            eventually(lambda: gateway.get("/readyz").status_code == 200, "it answers again")

            orphan = gateway.front()
            gateway.kill()
            gateway.start()
            assert not Path(f"/proc/{orphan}").exists() or gateway.front() != orphan
            assert gateway.page() == 200
            assert gateway.stop() == 0


def test_eight_operators_at_once_before_the_real_gateway_and_one_unit_goes(tmp_path: Path) -> None:
    """Sessions in the front, steps in the process that takes presses, the refusal on its way back through both."""
    with embedded_broker() as port:
        gateway = Fronted(tmp_path / "gateway", port).configure(watch="[owner_cases]\naccidents = 2\n")
        store = sample_store.new_store(gateway.data)
        sample_store.with_device(store)
        number, *others = [sample_store.open_incident(store, counter).id for counter in (1, 2, 3)]
        with gateway:
            url = gateway.console.rstrip("/")
            seats = [
                httpx.Client(verify=False, base_url=url, headers={"Origin": url}, timeout=ENDS_S) for _ in range(8)
            ]
            for at, seat in enumerate(seats):
                assert seat.post("/sign-in", data={"name": f"Operator {at}"}).status_code == 303
            assert seats[0].post(f"/incidents/{number}/seen").status_code == 200
            page = seats[0].get(f"/incidents/{number}").text
            found = re.search(rf'hx-post="(/incidents/{number}/assign[^"]*)"', page)
            assert found is not None
            path = html.unescape(found[1])
            with ThreadPoolExecutor(8) as pool:
                asked = [pool.submit(seat.post, path, data={"unit": f"Unit {at}"}) for at, seat in enumerate(seats)]
                answers = [each.result() for each in asked]
            assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
            kept = store.incident(number)
            assert kept is not None and kept.unit is not None
            for at, answer in enumerate(answers):
                assert kept.unit in answer.text
                if answer.status_code == 409:
                    assert f"Operator {kept.unit.removeprefix('Unit ')}" in answer.text, "who was faster"
                    assert f"Unit {at}" in answer.text, "and what was written is kept"
            for other in others:
                found_there = {"disposition": "accidental", "note": ""}
                assert seats[0].post(f"/incidents/{other}/close", data=found_there).status_code == 200
            case = store.owner_cases()[0]
            refused = seats[0].post(f"/owners/cases/{case.id}/dismiss", data={"reason": "x"})
            assert refused.status_code == 409 and case == store.owner_case(case.id), "nobody is a supervisor here"
            assert seats[0].post(f"/owners/{case.owner_id}/hold", data={"hold": "longer"}).status_code == 200
            assert store.commands(sample_store.DEVICE_ID)[0].asked_by == "Operator 0"
            assert seats[0].post(f"/owners/cases/{case.id}/advised", data={"reason": "longer hold"}).status_code == 303
            advised = store.owner_case(case.id)
            assert advised is not None and advised.decided_by == "Operator 0"
            for seat in seats:
                seat.close()
            assert gateway.stop() == 0
            read = [entry.facts["what"] for entry in store.journal_of_kinds([journal.PERSONAL_READ], 0, 10_000)]
            assert "record" in read
        store.close()
