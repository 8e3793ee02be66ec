"""A program under real MicroPython that tests talk with: JSON lines out, text in, every wait with a deadline."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from micropython import HEAP, ROOT, environment, micropython


class Conversation:
    """Starts the program; it is killed at the end if it does not end by itself."""

    def __init__(self, program: Path, *arguments: str, heap: str = HEAP) -> None:
        command = [micropython(), "-X", f"heapsize={heap}", str(program), *arguments]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            env=environment(),
            cwd=ROOT,
        )
        self.heard: list[dict[str, Any]] = []
        self.on_fact: Callable[[dict[str, Any]], None] = lambda fact: None  # from the reader, as soon as it is said
        self._lines: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                self.on_fact(json.loads(line))
            self._lines.put(line)
        self._lines.put("")

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def until(self, within: float = 60, **wanted: object) -> dict[str, Any]:
        """The next line that has these values. AssertionError with all that was heard instead."""
        deadline = time.monotonic() + within
        while True:
            try:
                line = self._lines.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                raise AssertionError(f"no {wanted} within {within} s; heard {self.heard[-20:]}") from None
            if not line:
                raise AssertionError(f"the program ended; heard {self.heard[-20:]}")
            try:
                fact = json.loads(line)
            except ValueError:
                rest = [self._lines.get() for _ in range(self._lines.qsize())]
                raise AssertionError(f"it said {line + ''.join(rest)!r}; heard {self.heard[-20:]}") from None
            self.heard.append(fact)
            if all(name in fact and fact[name] == value for name, value in wanted.items()):
                return fact

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(10)
        self._thread.join(10)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
