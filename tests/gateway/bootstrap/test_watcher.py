"""`siaga watch` as it runs: a process of its own, a gateway's answers and an ntfy server on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.outputs.http_receiver import Receiver
from gateway.ways.http_places import NTFY_OK, origin
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.bootstrap.preflight import lock_folder
from siaga_gateway.bootstrap.watcher import Watcher
from siaga_gateway.config.loading import load
from siaga_tools.cli import siaga
from waiting import RUNS_S, eventually

WELL = (200, {"ready": True, "problems": {}, "watcher": "heard"})
NO_BROKER = (503, {"ready": False, "problems": {"broker": "not connected, or not subscribed"}})


class Gateway:
    """Answers at /readyz as it is told to."""

    def __init__(self) -> None:
        self.says: tuple[int, Any] = WELL
        self.asked: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append({"path": self.path, **{name.lower(): each for name, each in self.headers.items()}})
                status, told = outer.says
                written = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(written)))
                self.end_headers()
                self.wfile.write(written)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    running = Gateway()
    yield running
    running.close()


def settings(folder: Path, watch: str = "", url: str = "http://127.0.0.1:9") -> Path:
    file = folder / "watch.toml"
    file.write_text(
        'name = "rumah-1"\ndata_dir = "."\n[site]\ntime_zone = "Asia/Makassar"\n'
        f'[[ways]]\nname = "push"\nkind = "ntfy"\nurl = "{url}"\n'
        f'[watch]\naddresses = ["push: admin-a"]\ntoken = "0123456789abcdef"\nevery_s = 0.5\nafter_s = 2\n{watch}\n'
    )
    return file


@contextmanager
def watching(file: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "siaga_tools.cli", "watch", url, "--config", str(file)]
    environment = {**os.environ, "SIAGA_LANGUAGE": "en"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=RUNS_S)
            assert process.returncode == 0, said


def titles(receiver: Receiver) -> list[str]:
    return [json.loads(each.body)["title"] for each in receiver.requests]


def test_it_calls_survives_its_own_restart_and_says_when_it_is_over(gateway: Gateway, tmp_path: Path) -> None:
    with Receiver(NTFY_OK) as phone:
        file = settings(tmp_path, url=origin(phone))
        with watching(file, gateway.url):
            eventually(lambda: gateway.asked)
            gateway.says = NO_BROKER
            eventually(lambda: phone.requests)
        call = json.loads(phone.requests[0].body)
        assert call["title"] == "SIAGA DIAM: 127.0.0.1" and call["priority"] == 5
        for words in ("broker", "sejak", "WITA", "not connected", "Panggilan ke-1", "rumah-1"):
            assert words in call["message"]
        head = gateway.asked[0]
        assert (head["path"], head["siaga-watcher"], head["authorization"]) == (
            "/readyz",
            "rumah-1",
            "Bearer 0123456789abcdef",
        )
        asked = len(gateway.asked)
        with watching(file, gateway.url):
            eventually(lambda: len(gateway.asked) > asked + 8)  # longer than a new fault would take
            gateway.says = WELL
            eventually(lambda: len(phone.requests) == 2)
        assert titles(phone)[1] == "Siaga bekerja lagi: 127.0.0.1", "the first restart called nobody anew"
        over = json.loads(phone.requests[1].body)
        assert over["priority"] < 5 and "broker" in over["message"]


def test_a_folder_that_takes_nothing_keeps_nobody_from_watching(gateway: Gateway, tmp_path: Path) -> None:
    with Receiver(NTFY_OK) as phone:
        file = settings(tmp_path, url=origin(phone))
        file.write_text(file.read_text().replace('data_dir = "."', 'data_dir = "/proc"'))
        gateway.says = NO_BROKER
        with watching(file, gateway.url):
            eventually(lambda: phone.requests)


def test_two_watchers_do_not_share_a_folder(gateway: Gateway, tmp_path: Path) -> None:
    file = settings(tmp_path)
    with lock_folder(tmp_path):
        arguments = ["watch", gateway.url, "--config", str(file)]
        done = CliRunner().invoke(siaga, arguments, env={"SIAGA_LANGUAGE": "en"})
    assert done.exit_code != 0 and str(tmp_path) in done.output


def looked(file: Path, url: str) -> dict[str, str]:
    watcher = Watcher(load(file), url, WallClock(), Called())
    try:
        return dict(watcher._look())
    finally:
        watcher.stop()


class Called:
    def __call__(self, *_: object) -> None:
        raise AssertionError("a look calls nobody")


def test_what_cannot_be_reached_is_the_gateway_only_where_the_own_line_works(gateway: Gateway, tmp_path: Path) -> None:
    closed, nowhere = "http://127.0.0.1:1", "https://siaga.invalid"
    assert looked(settings(tmp_path), closed).keys() == {"unreachable"}, "without a second address"
    assert looked(settings(tmp_path), nowhere).keys() == {"unreachable"}, "no name server knows it"
    gateway.says = (404, b"any answer will do")
    second = settings(tmp_path, f'second_url = "{gateway.url}"')
    assert looked(second, closed).keys() == {"unreachable"}
    both = settings(tmp_path, 'second_url = "http://127.0.0.1:1"')
    assert looked(both, closed).keys() == {"own_line"}
    assert looked(both, gateway.url).keys() == {"no_gateway"}, "something answers: the line is well"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"push: admin-a"', '"admin-a"'), "does not say on which way"),
        (('"push: admin-a"', '"chat: 12"'), "names no way of this file; it has: push"),
        (('["push: admin-a"]', "[]"), "nobody would be called"),
        (('"0123456789abcdef"', '"short"'), "token"),
    ],
)
def test_settings_with_which_nobody_would_be_called_are_refused(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    file = settings(tmp_path)
    file.write_text(file.read_text().replace(*change))
    arguments = ["watch", "https://sos.example", "--config", str(file)]
    done = CliRunner().invoke(siaga, arguments, env={"SIAGA_LANGUAGE": "en"})
    assert done.exit_code != 0 and words in done.output and "short" not in done.output


def test_an_address_without_tls_beyond_this_machine_is_refused(tmp_path: Path) -> None:
    arguments = ["watch", "http://sos.example", "--config", str(settings(tmp_path))]
    done = CliRunner().invoke(siaga, arguments, env={"SIAGA_LANGUAGE": "en"})
    assert done.exit_code != 0 and "sos.example" in done.output


def test_a_broken_memory_costs_nothing_but_itself(gateway: Gateway, tmp_path: Path) -> None:
    file = settings(tmp_path)
    for written in ("{", "[]", '{"began_ms": 1}', '{"began_ms": "x", "faults": {}, "calls": 1, "next_ms": 2}'):
        (tmp_path / "watch.json").write_text(written)
        assert not looked(file, gateway.url), written
