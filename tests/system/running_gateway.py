"""A whole installation as its people run it: the gateway's process, its commands, a receiver that incidents go to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from click.testing import CliRunner

import preloaded
from siaga_gateway.cli.group import gateway as commands
from waiting import RUNS_S

SIAGA = [str(Path(sys.executable).with_name("siaga")), "gateway"]
SECRET = "whsec_c2lhZ2EgdGVzdCBzZWNyZXQgb2YgZW5vdWdoIGJ5dGVz"
START_S = RUNS_S  # also where it starts anew once or twice before it is ready


# The runner swaps the process's own stdout: tests side by side would read each other's.
_TYPING: Final = threading.Lock()


class Gateway:
    """The gateway in a folder; start, kill and start it again as often as you like."""

    POPEN: ClassVar[type[subprocess.Popen[str]]] = preloaded.Popen
    SITE: ClassVar[Sequence[str]] = ("--time-zone", "Asia/Jakarta")  # as `init` takes it

    def __init__(self, folder: Path, broker_port: int, receiver_port: int | None = None) -> None:
        self.folder = folder
        self.config = folder / "siaga.toml"
        folder.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[str] | None = None
        self.ready: Mapping[str, Any] = {}  # what it said when it took presses
        self.console = ""
        self._stderr = folder / "stderr.txt"
        self.command("init", "--name", "siaga.test", "--data", "data", *self.SITE)
        text = self.config.read_text(encoding="utf-8")
        text = text.replace("port = 1883", f"port = {broker_port}").replace("port = 8110", "port = 0")
        if receiver_port is not None:
            text += (
                f'\n[[outputs]]\nname = "cad"\nkind = "webhook"\nurl = "http://127.0.0.1:{receiver_port}/cad"\n'
                f'secret = "{SECRET}"\n'
            )
        self.config.write_text(text, encoding="utf-8")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def command(self, *arguments: str, check: bool = True) -> str:
        """What `siaga gateway ...` prints. AssertionError with its error where it fails.

        Typed within the test's own process, which saves a start; what runs on, and a TypedGateway's, is a process.
        """
        if arguments[0] == "run":
            return self._typed(arguments, check)
        with _TYPING:
            done = CliRunner().invoke(commands, [*arguments, "--config", str(self.config)], catch_exceptions=False)
        assert not check or done.exit_code == 0, done.stderr
        return done.stdout if done.exit_code == 0 else done.stderr

    def _typed(self, arguments: Sequence[str], check: bool) -> str:
        done = subprocess.run(
            [*SIAGA, *arguments, "--config", str(self.config)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=RUNS_S,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if done.returncode == 0 else done.stderr

    @property
    def public_hex(self) -> str:
        return self.command("key").strip()

    def launch(self, *more: str, program: Sequence[str] = SIAGA) -> subprocess.Popen[str]:
        """Start its process and do not wait for it. more: arguments of `siaga gateway run`."""
        with self._stderr.open("ab") as errors:
            self.process = self.POPEN(
                [*program, "run", "--config", str(self.config), *more],
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **self.environment},
            )
        return self.process

    @property
    def environment(self) -> Mapping[str, str]:
        """What its process has beside ours."""
        return {}

    def start(self) -> Self:
        process = self.launch()
        assert process.stdout is not None
        watchdog = threading.Timer(START_S, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        assert line, f"the gateway did not start:\n{self.stderr()}"
        self.ready = json.loads(line)
        self.console = self.ready["console"]
        return self

    def kill(self) -> None:
        self._end("kill")

    def stop(self) -> int:
        """As an administrator stops it; its exit code."""
        return self._end("terminate")

    def _end(self, how: str) -> int:
        if self.process is None:
            return 0
        getattr(self.process, how)()
        code = self.process.wait(RUNS_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        return code

    def stderr(self) -> str:
        return self._stderr.read_text(encoding="utf-8")

    def enrol(self, device_id: str, *more: str, frame: str | None = None) -> None:
        """Enrol a button for an invented owner: one that has called, or by its ENROL frame in hex."""
        nik = f"99{int(device_id, 16) % 10**14:014d}"
        person = [
            "--name",
            "Contoh Wati",
            "--nik",
            nik,
            "--phone",
            "+620000000001",
            "--address",
            "Jl. Contoh 1, Bandar Lampung",
        ]
        owner = self.command("owner", "add", *person, "--by", "registrar").strip()
        device = ["--device-id", device_id] if frame is None else ["--frame", frame]
        self.command("enrol", "--owner", owner, *device, "--label", "Toko Contoh", "--by", "registrar", *more)

    def log(self, *arguments: str) -> list[Mapping[str, Any]]:
        return [json.loads(line) for line in self.command("log", "--json", "-n", "10000", *arguments).splitlines()]

    def kinds(self) -> list[str]:
        return [entry["kind"] for entry in self.log()]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


class TypedGateway(Gateway):
    """One whose every command is a process of its own, as a person types it, and begins with its imports."""

    POPEN = subprocess.Popen

    def command(self, *arguments: str, check: bool = True) -> str:
        return self._typed(arguments, check)
