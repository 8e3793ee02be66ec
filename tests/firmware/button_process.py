"""A virtual button as a test holds it: the firmware's own process, its pins on stdin, what it says on stdout."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from micropython import HEAP, compiled, environment, micropython
from waiting import ENDS_S

Event = dict[str, Any]
DEADLINE_S = ENDS_S
QUICK = {
    "hold_ms": 200,
    "cancel_hold_ms": 900,
    "duress_hold_ms": 2000,
    "language": "en",
    "mqtt_tls": False,
    "mqtt_hosts": ["127.0.0.1"],
}


class VirtualButton:
    """`folder` is made and holds the flash image and the settings; `settings` go over QUICK, None takes one away."""

    def __init__(self, folder: Path, settings: dict[str, object]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.flash = folder / "button.img"
        self.settings_file = folder / "settings.json"
        self._errors = folder / "stderr.txt"
        self.set(**settings)
        self.heap = HEAP
        self.program = compiled()
        self.environment: dict[str, str] = {}
        self.events: list[Event] = []
        self._news = threading.Condition()
        self.process: subprocess.Popen[str] | None = None

    def set(self, **settings: object) -> None:
        """Settings for the next start."""
        wanted = {**QUICK, **settings}
        self.settings = {name: value for name, value in wanted.items() if value is not None}
        self.settings_file.write_text(json.dumps(self.settings), encoding="utf-8")

    def start(self, wait: bool = True) -> VirtualButton:
        """Power on. Events of earlier runs are forgotten unless `wait` is False."""
        if wait:
            self.events = []
        program = [micropython(), "-X", f"heapsize={self.heap}", str(self.program)]
        files = {"SIAGA_FLASH": str(self.flash), "SIAGA_SETTINGS": str(self.settings_file)}
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                program,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
                env=environment(**files, **self.environment),
            )
        self._reader = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self._reader.start()
        if wait:
            self.until(ev="start")
        return self

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.endswith("\n"):
                break  # killed in the middle of it
            try:
                event = json.loads(line)
            except ValueError:
                event = {"ev": "no JSON", "what": line}  # a traceback that escaped everything
            with self._news:
                self.events.append(event)
                self._news.notify_all()

    def say(self, *lines: str) -> None:
        """The simulated human and surroundings."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write("".join(line + "\n" for line in lines))
        self.process.stdin.flush()

    def hold(self, seconds: float) -> None:
        """Press, and let go; the seconds are the button's own, however busy this machine is."""
        for line, down, wait in (("pin button 1", True, seconds), ("pin button 0", False, 0.0)):
            since = len(self.events)
            self.say(line)
            self.until(since, ev="button", down=down)
            time.sleep(wait)

    def press(self) -> int:
        """Hold the button long enough, and return the counter under which the press was stored."""
        known = len(self.events)
        self.hold(0.35)
        return int(self.until(since=known, ev="frame", kind=1, step="stored")["counter"])

    def until(self, since: int = 0, within: float = DEADLINE_S, **facts: object) -> Event:
        """The first event, from number `since` on, that has all these facts. AssertionError after the deadline."""
        return self.until_true(
            lambda event: all(event.get(name) == fact for name, fact in facts.items()), since, within
        )

    def until_true(self, check: Callable[[Event], bool], since: int = 0, within: float = DEADLINE_S) -> Event:
        deadline = time.monotonic() + within
        with self._news:
            while True:
                for event in self.events[since:]:
                    if check(event):
                        return event
                left = deadline - time.monotonic()
                if left <= 0:
                    said = "\n".join(json.dumps(event) for event in self.events[-25:])
                    raise AssertionError(f"not said within {within} s; the last words were:\n{said}\n{self.stderr()}")
                self._news.wait(left)

    def all(self, **facts: object) -> list[Event]:
        return [event for event in self.events if all(event.get(name) == fact for name, fact in facts.items())]

    def stderr(self) -> str:
        return self._errors.read_text(encoding="utf-8", errors="replace")

    @property
    def device_id(self) -> str:
        return str(self.until(ev="start")["device_id"])

    def kill(self) -> None:
        """SIGKILL, as a power cut is for a process."""
        self._end(lambda process: process.kill())

    def wait(self) -> int:
        """It ends by itself; its exit code."""
        return self._end(lambda process: None)

    def quit(self) -> int:
        """Ask it to end; its exit code."""
        return self._end(lambda process: self.say("quit"))

    def _end(self, how: Callable[[subprocess.Popen[str]], None]) -> int:
        process, self.process = self.process, self.process
        if process is None:
            return 0
        how(process)
        code = process.wait(10)
        self._reader.join(10)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None and not pipe.closed:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self.process = None
        return code
