"""What systemd hears: over a real datagram socket, as sd_notify(3) describes it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from siaga_gateway.bootstrap.systemd import ServiceManager
from waiting import ENDS_S


class Listener:
    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(ENDS_S)

    def hear(self) -> str:
        return self.socket.recv(4096).decode()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[tuple[Listener, dict[str, str]]]:
    address = str(tmp_path / "notify")
    listener = Listener(address)
    yield listener, {"NOTIFY_SOCKET": address}
    listener.socket.close()


def test_ready_signs_of_life_and_the_end_are_told(systemd: tuple[Listener, dict[str, str]]) -> None:
    listener, environment = systemd
    manager = ServiceManager({**environment, "WATCHDOG_USEC": "90000", "WATCHDOG_PID": str(os.getpid())})
    manager.ready("takes presses")
    assert listener.hear() == "READY=1\nSTATUS=takes presses"
    manager.watch(lambda: "")
    assert [listener.hear(), listener.hear()] == ["WATCHDOG=1", "WATCHDOG=1"]
    manager.stopping()
    told = listener.hear()
    while told == "WATCHDOG=1":
        told = listener.hear()
    assert told == "STOPPING=1"


def test_a_gateway_that_hangs_gives_no_sign_of_life(
    systemd: tuple[Listener, dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    listener, environment = systemd
    answers = iter(["", "ingest is silent for 130 s", "ingest is silent for 131 s", ""])
    manager = ServiceManager({**environment, "WATCHDOG_USEC": "30000"})
    manager.watch(lambda: next(answers, ""))
    assert [listener.hear(), listener.hear()] == ["WATCHDOG=1", "WATCHDOG=1"]
    manager.stopping()
    assert "ingest is silent for 130 s: without a sign of life" in caplog.text


def test_an_abstract_socket_is_found_too() -> None:
    name = f"siaga-test-{os.getpid()}"
    listener = Listener(f"\0{name}")
    ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
    assert listener.hear() == "READY=1"
    listener.socket.close()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},  # meant for another process
        {"WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/nowhere/at/all"},
    ],
)
def test_without_systemd_nothing_happens(environment: dict[str, str]) -> None:
    manager = ServiceManager(environment)
    manager.ready()
    manager.watch(lambda: "")
    manager.stopping()
