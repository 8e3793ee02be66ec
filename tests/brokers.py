"""Real brokers on a free loopback port, for tests: Mosquitto from Debian, and the embedded one of the demo."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from waiting import ENDS_S, RUNS_S, eventually

# Below those that connections and listeners at port 0 are given on Linux and macOS: nobody else takes one in between.
_PORTS = range(20_000, 32_000)
_reserved: list[IO[bytes]] = []


def free_port() -> int:
    """A TCP port on loopback that nobody listens on, and that no other process of these tests is given while this one
    lives."""
    folder = Path(tempfile.gettempdir()) / f"siaga-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(_PORTS, min(200, len(_PORTS))):
        lock = (folder / str(port)).open("ab")
        with contextlib.suppress(OSError), socket.socket() as probe:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            _reserved.append(lock)
            return port
        lock.close()
    raise AssertionError("no free port")


def wait_until_open(port: int, timeout_s: float = ENDS_S) -> None:
    """Return once 127.0.0.1:port takes connections. Raises AssertionError."""

    def is_open() -> bool:
        # no deadline of a machine: of one look
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
        return False

    eventually(is_open, f"somebody listens on 127.0.0.1:{port}", timeout_s=timeout_s)


def mosquitto_binary() -> str:
    """Path of Mosquitto. Skips the test where it is missing, and says what to install."""
    found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("Mosquitto is missing. On Debian or Ubuntu: sudo apt-get install mosquitto")
    return found


class Mosquitto:
    """One Mosquitto process that can be killed and started again on the same port with the same store."""

    def __init__(self, folder: Path, *lines: str, port: int | None = None, stores: bool = True) -> None:
        """`lines` are added to the configuration; with a `listener` of their own among them, name its port. stores:
        whether it keeps anything over a restart."""
        self.port = port or free_port()
        self._binary = mosquitto_binary()
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        listener = [] if any(line.startswith("listener") for line in lines) else [f"listener {self.port} 127.0.0.1"]
        store = ["persistence true", f"persistence_location {folder}/"] if stores else []
        usual = [*store, "max_queued_messages 0", "set_tcp_nodelay true", *_user()]
        access = [] if any(line.startswith("allow_anonymous") for line in lines) else ["allow_anonymous true"]
        self._config.write_text("\n".join([*usual, *listener, *access, *lines]) + "\n", encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> list[str]:
        """For who starts it himself."""
        return [self._binary, "-c", str(self._config)]

    def start(self) -> Mosquitto:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        try:
            wait_until_open(self.port)
        except TimeoutError:
            self.kill()
            raise RuntimeError(f"Mosquitto did not start:\n{self._log.read_text()}") from None
        return self

    def said(self) -> str:
        """Its log."""
        return self._log.read_text()

    def kill(self) -> None:
        """SIGKILL: it has no chance to write its store."""
        self._end("kill")

    def stop(self) -> None:
        self._end("terminate")

    def _end(self, how: str) -> None:
        if self.process is not None:
            getattr(self.process, how)()
            self.process.wait(RUNS_S)
            self.process = None

    def __enter__(self) -> Mosquitto:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


def _user() -> list[str]:
    return ["user root"] if os.geteuid() == 0 else []  # else it changes to a user that cannot read the folder


@contextlib.contextmanager
def embedded_broker() -> Iterator[int]:
    """The demo's broker; gives its port."""
    from iotcore import Broker

    port = free_port()
    broker = Broker(port=port, listen="127.0.0.1")
    try:
        broker.start(ENDS_S)
        wait_until_open(port)
        yield port
    finally:
        broker.stop(ENDS_S)
