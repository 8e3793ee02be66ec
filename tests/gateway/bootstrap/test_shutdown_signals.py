"""Told to end while it starts: an administrator who changed his mind, a service manager that restarts it twice."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import embedded_broker
from siaga_gateway.bootstrap.shutdown_signals import ShutdownSignals
from siaga_gateway.service.journal import kinds as journal
from system.running_gateway import Gateway
from waiting import ENDS_S

AFTER_S = (0.0, 0.03, 0.1, 0.2, 0.4, 0.8)  # from the first byte to the broker: its threads start, its session comes


class Door:
    """Stands before a broker, and says when somebody comes; without a broker it takes the connection and is silent."""

    def __init__(self, broker: int | None) -> None:
        self._broker = broker
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.came = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.came.set()
            if self._broker is None:
                threading.Thread(target=lambda line=near: line.recv(1) and line.recv(1_000), daemon=True).start()
                continue
            far = socket.create_connection(("127.0.0.1", self._broker))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    try:
        while some := one.recv(65536):
            other.sendall(some)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture(scope="module")
def broker() -> Iterator[int]:
    with embedded_broker() as port:
        yield port


def told_to_end(gateway: Gateway, door: Door, number: int, after_s: float) -> int:
    process = gateway.launch()
    assert door.came.wait(ENDS_S), gateway.stderr()
    threading.Event().wait(after_s)
    process.send_signal(number)
    process.communicate(timeout=ENDS_S)
    return process.returncode


def test_a_signal_is_noted_without_a_lock() -> None:
    """The handler runs in the thread that it interrupts, which may hold any lock, also that of its own wait."""
    shutdown = ShutdownSignals()
    with shutdown._anew._cond:
        shutdown._later(signal.SIGTERM, None)
    assert shutdown.told() and shutdown.asked
    shutdown.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_while_it_waits_for_a_broker_that_says_nothing(tmp_path: Path, number: int) -> None:
    door = Door(None)
    gateway = Gateway(tmp_path, door.port)
    text = gateway.config.read_text().replace("[mqtt]\n", "[mqtt]\nstart_timeout_s = 600\n")
    gateway.config.write_text(text)
    assert told_to_end(gateway, door, number, 0.3) == 0, gateway.stderr()
    assert "Traceback" not in gateway.stderr()
    assert [row["kind"] for row in gateway.log()] == [], "it had not started"
    door.close()


@pytest.mark.parametrize("after_s", AFTER_S)
def test_it_ends_at_any_moment_of_its_start(tmp_path: Path, broker: int, after_s: float) -> None:
    """The handler raised, once inside a lock, which Python then gave back without holding it."""
    door = Door(broker)
    gateway = Gateway(tmp_path, door.port)
    assert told_to_end(gateway, door, signal.SIGTERM, after_s) == 0, gateway.stderr()
    assert "Traceback" not in gateway.stderr()
    kinds = [row["kind"] for row in gateway.log()]
    assert kinds.count(journal.GATEWAY_STARTED) == kinds.count(journal.GATEWAY_STOPPED) <= 1
    door.close()
