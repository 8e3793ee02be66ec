"""Several workers on one machine: a parent starts them, restarts those that die or hang, and stops them all.

Each worker is a process, `run --worker 2/4`. It prints a line when ready, and then sends signs of life like a systemd
service. Its standard input is a pipe that nobody writes to: its end means that the parent is gone.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any, Final

from siaga_gateway.bootstrap.preflight import StartError
from siaga_gateway.bootstrap.systemd import ServiceManager
from siaga_gateway.catalogue.localized import Localized

log = logging.getLogger(__name__)

_START_S: Final = 90.0
_LOOK_S: Final = 0.1
_SIGN_S: Final = 60.0  # without a sign of life for so long a worker is killed and restarted
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 30.0
_STEADY_S: Final = 60.0  # after so long a life its start was not the cause of death
_END_S: Final = 40.0


class _Worker:
    """One worker, in its first life or a later one."""

    def __init__(
        self, config: Path, number: int, of: int, news: queue.SimpleQueue[tuple[_Worker, dict[str, Any]]]
    ) -> None:
        self.number = number
        self._command = [
            *(sys.executable, "-m", "siaga_gateway", "run"),
            *("--config", str(config), "--worker", f"{number}/{of}"),
        ]
        self._news = news
        self._deaths = 0
        self._born = 0.0
        self._signs: socket.socket | None = None
        self._sign_at = 0.0  # of the last sign of life; 0: none is expected yet
        self.again_at = 0.0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WATCHDOG_")}
        environment.pop("NOTIFY_SOCKET", None)
        if sys.platform == "linux":
            self._forget_signs()
            name = f"@siaga-{os.getpid()}-{self.number}-{secrets.token_hex(8)}"
            self._signs = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._signs.setblocking(False)
            self._signs.bind("\0" + name[1:])
            environment.update(NOTIFY_SOCKET=name, WATCHDOG_USEC=str(round(_SIGN_S * 1_000_000)))
        self._born, self._sign_at = time.monotonic(), 0.0
        # A session of its own: Ctrl-C reaches only the parent, which then stops the workers in order.
        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self.process,), name=f"worker-{self.number}", daemon=True).start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError):
                self._news.put((self, json.loads(line)))

    def _forget_signs(self) -> None:
        if self._signs is not None:
            self._signs.close()
            self._signs = None

    def silent(self, now: float) -> bool:
        """Whether a sign of life is overdue."""
        while self._signs is not None:
            try:
                self._signs.recv(4096)
            except BlockingIOError:
                break
            self._sign_at = now
        return self._sign_at > 0.0 and now - self._sign_at > _SIGN_S

    def died(self, now: float) -> float:
        """Note its death. Returns seconds until its restart."""
        self._forget_signs()
        self.process = None
        self._deaths = 1 if now - self._born > _STEADY_S else self._deaths + 1
        pause_s = float(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._deaths - 1, 10)))
        self.again_at = now + pause_s
        return pause_s

    def send(self, number: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)


class Workers:
    """Call `run`: it returns when told to stop."""

    def __init__(self, config: Path, count: int) -> None:
        self._news: queue.SimpleQueue[tuple[_Worker, dict[str, Any]]] = queue.SimpleQueue()
        self._workers = [_Worker(config, number, count, self._news) for number in range(1, count + 1)]
        self._manager = ServiceManager()
        self._told = False  # a flag: a handler that takes a lock may wait for the thread that it interrupts
        self._beat = time.monotonic()

    def run(self) -> None:
        """Raises: StartError if a worker cannot start; each of them says on stderr why."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        try:
            for worker in self._workers:
                worker.start()
            if self._all_ready():
                self._manager.ready(f"{len(self._workers)} workers take presses")
                self._manager.watch(self._hangs)
                self._look_after()
        finally:
            self._manager.stopping()
            self._stop()

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._told = True

    def _hangs(self) -> str:
        silent_s = time.monotonic() - self._beat
        return f"the workers' parent is silent for {silent_s:.0f} s" if silent_s > _SIGN_S else ""

    def _all_ready(self) -> bool:
        """Print what a single worker prints. Returns False if told to stop meanwhile. Raises: StartError."""
        deadline = time.monotonic() + _START_S
        ready: dict[int, dict[str, Any]] = {}
        while len(ready) < len(self._workers):
            if self._told:
                return False
            with contextlib.suppress(queue.Empty):
                worker, news = self._news.get(timeout=_LOOK_S)
                ready[worker.number] = news
            for worker in self._workers:
                if worker.process is not None and worker.process.poll() is not None:
                    raise StartError("start.worker", number=worker.number, workers=len(self._workers))
            if time.monotonic() > deadline:
                raise StartError("start.workers_late", ready=len(ready), workers=len(self._workers), start_s=_START_S)
        pids = [ready[worker.number]["pid"] for worker in self._workers]
        print(json.dumps({**ready[1], "pid": os.getpid(), "workers": pids}), flush=True)
        return True

    def _look_after(self) -> None:
        while not self._told:
            time.sleep(_LOOK_S)
            now = self._beat = time.monotonic()
            for worker in self._workers:
                self._look_at(worker, now)
            with contextlib.suppress(queue.Empty):
                while True:
                    worker, news = self._news.get_nowait()
                    log.warning(Localized("log.worker.back", worker=worker.number))
                    print(json.dumps({**news, "ev": "worker_ready", "worker": worker.number}), flush=True)

    def _look_at(self, worker: _Worker, now: float) -> None:
        if worker.process is None:
            if now >= worker.again_at:
                worker.start()
            return
        if worker.silent(now):
            log.error(Localized("log.worker.silent", worker=worker.number))
            worker.send(signal.SIGKILL)
        code = worker.process.poll()
        if code is not None:
            pause_s = worker.died(now)
            ended = "killed" if code < 0 else "ended"
            log.error(Localized(f"log.worker.{ended}", worker=worker.number, code=abs(code), seconds=round(pause_s, 1)))

    def _stop(self) -> None:
        """All at once; each finishes its current batch."""
        for worker in self._workers:
            worker.send(signal.SIGTERM)
        deadline = time.monotonic() + _END_S
        for worker in self._workers:
            if worker.process is None:
                continue
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error(Localized("log.worker.kept_on", worker=worker.number, seconds=round(_END_S)))
                worker.process.kill()
                worker.process.wait(10)


def end_with_parent() -> None:
    """Stop in order when the parent is gone, however it went."""

    def wait() -> None:
        # Not by sys.stdin: a thread waiting in it holds its lock, and Python aborts over that at exit.
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
