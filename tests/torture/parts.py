"""The processes of an installation, each kept running as a service manager would, until somebody kills it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import processes
from waiting import ENDS_S, RUNS_S, eventually

RESTART_S = 0.3  # as RestartSec; a person would take longer


class Part:
    """One process. `stay_down` keeps the service manager's hands off it; `starts` counts.

    `user`: whose process it is, as subprocess.Popen wants it; none: ours.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environ: Mapping[str, str] | None = None,
        user: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.starts = 0
        self.stay_down = threading.Event()
        self._command = list(command)
        self._environ = {**os.environ, **(environ or {})}
        self._folder = folder
        self._user = dict(user or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._died_at = 0.0

    @property
    def running(self) -> bool:
        with self._lock:
            return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        with self._lock:
            assert self._process is not None, f"{self.name} was never started"
            return self._process.pid

    def start(self) -> None:
        with self._lock:
            if self.running:
                return
            with self.log.open("ab") as log:
                # A session of its own: Ctrl-C in the terminal is for the test, which ends its parts in order.
                self._process = subprocess.Popen(
                    self._command,
                    cwd="/" if self._user else self._folder,
                    stdout=log,
                    stderr=log,
                    env=self._environ,
                    start_new_session=True,
                    **self._user,
                )
            self.starts += 1

    def look_after(self) -> None:
        """What a service manager does: start what has died."""
        with self._lock:
            if self.running:
                self._died_at = 0.0
            elif not self._died_at:
                self._died_at = time.monotonic()
            elif not self.stay_down.is_set() and time.monotonic() - self._died_at >= RESTART_S:
                self._died_at = 0.0
                self.start()

    def kill(self) -> None:
        """SIGKILL, and see it dead."""
        with self._lock:
            if self._process is not None:
                self._process.kill()
                self._process.wait(RUNS_S)

    def stop(self, timeout_s: float = RUNS_S) -> int:
        """SIGTERM; its exit code."""
        with self._lock:
            assert self._process is not None
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            return self._process.wait(timeout_s)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill_a_child(self, chance: random.Random) -> None:
        """SIGKILL to one of its processes, by chance; where there is none, nothing."""
        with self._lock:
            pids = self.children() if self.running else []
            if pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(pids), signal.SIGKILL)

    def children(self) -> list[int]:
        """Process ids of its direct children."""
        return list(processes.children(self.pid))

    def _signal(self, number: int) -> None:
        """To it and its children: a frozen machine freezes them all."""
        with self._lock:
            if self.running:
                for pid in (self.pid, *self.children()):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


class ServiceManager:
    """Keeps all parts running while it is entered, and ends them."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="service manager")

    def __enter__(self) -> ServiceManager:
        self._thread.start()
        return self

    def rest(self) -> None:
        """Restart nothing more."""
        self._done.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_S)

    def __exit__(self, *_: object) -> None:
        self.rest()
        for part in self._parts:
            part.thaw()
            part.kill()

    def _run(self) -> None:
        while not self._done.wait(0.1):
            for part in self._parts:
                part.look_after()


def until_all_run(parts: Sequence[Part]) -> None:
    for part in parts:
        eventually(lambda one=part: one.running, f"{part.name} runs again")
