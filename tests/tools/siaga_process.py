"""A real `siaga ...` process for the tests: its lines, its children, its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import preloaded
import processes
from waiting import ENDS_S, RUNS_S, eventually

PATIENCE = "20"  # times the usual
SIAGA = (sys.executable, "-P", "-m", "siaga_tools.cli")


def environ(runtime: Path, **extra: str) -> dict[str, str]:
    """An environment of its own: no other demo of this user is in reach, Indonesian unless told otherwise, and what has
    to come is waited for however slow the machine is."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "SIAGA_"))}
    return {**inherited, "LANG": "C.UTF-8", "XDG_RUNTIME_DIR": str(runtime), "SIAGA_PATIENCE": PATIENCE, **extra}


def siaga(
    *arguments: str,
    runtime: Path,
    deadline_s: float = RUNS_S,
    feed: str | None = None,
    executed: bool = False,
    **extra: str,
) -> subprocess.CompletedProcess[str]:
    """Run `siaga ...` to its end. executed: not as a fork of what has it imported."""
    return preloaded.run(
        [*SIAGA, *arguments], feed=feed, environment=environ(runtime, **extra), timeout_s=deadline_s, executed=executed
    )


class Running:
    """A `siaga ...` that goes on. Everything it prints, on both streams, comes as lines."""

    def __init__(self, *arguments: str, runtime: Path, extra: Mapping[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self.process = preloaded.Popen(
            [*SIAGA, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environ(runtime, **(extra or {})),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_line(self, part: str, *, after: int = 0, deadline_s: float = ENDS_S) -> int:
        """The place after the first line from `after` on that holds `part`; an AssertionError with all it said."""
        until = time.monotonic() + deadline_s
        with self._news:
            while True:
                for place in range(after, len(self.lines)):
                    if part in self.lines[place]:
                        return place + 1
                left = until - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    raise AssertionError(f"no line with {part!r} after {after}; it said:\n" + "\n".join(self.lines))
                self._news.wait(min(left, 0.5))

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self, number: signal.Signals, *, deadline_s: float = RUNS_S) -> int:
        """Send it a signal and wait for its end; the exit code."""
        self.process.send_signal(number)
        return self.wait(deadline_s=deadline_s)

    def wait(self, *, deadline_s: float = RUNS_S) -> int:
        code = self.process.wait(deadline_s)
        self._reader.join(ENDS_S)
        return code

    def close(self) -> None:
        """Whatever a failed test has left."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(RUNS_S)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def children(pid: int) -> dict[int, str]:
    """pid and command line of every living child, grandchild ... of a process, but for what its like are forked from
    (preloaded.py)."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (found := processes.state(int(entry.name))):
            parents.setdefault(found[1], []).append(int(entry.name))
    family: dict[int, str] = {}
    waiting = list(parents.get(pid, ()))
    while waiting:
        child = waiting.pop()
        family[child] = processes.command(child)
        waiting += parents.get(child, ())
    return {child: line for child, line in family.items() if "preload_server" not in line}


PARTS = ("parent_watch broker", "gateway run", "http_front.start", "verify_process", "micropython")


def strangers(family: Mapping[int, str]) -> list[str]:
    """What a demo's family has too much or too little: it is a broker, a gateway with its two fronts (console
    and responders' page), three buttons, and where the machine has a core for it the gateway's process that checks
    signatures."""
    counts = {part: sum(part in command for command in family.values()) for part in PARTS}
    wanted = {"parent_watch broker": 1, "gateway run": 1, "http_front.start": 2, "micropython": 3}
    wrong = [f"{counts[part]} of {part}" for part, count in wanted.items() if counts[part] != count]
    if counts["verify_process"] > 1:
        wrong.append("more than one verify_process")
    return wrong + [command for command in family.values() if not any(part in command for part in PARTS)]


def all_gone(pids: Mapping[int, str], *, deadline_s: float = 0) -> dict[int, str]:
    """Wait until these processes have ended; those that have not. A program that ends in order leaves none: whoever is
    left behind ends by itself soon after."""

    def left() -> dict[int, str]:
        return {
            pid: command for pid, command in pids.items() if processes.state(pid) and processes.command(pid) == command
        }

    with contextlib.suppress(AssertionError):
        eventually(lambda: not left(), timeout_s=deadline_s)
    return left()
