"""A book of incidents in a file, so that a console in another process can be killed and started again on it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from gateway.web.console_fakes import Book, FakeBell


class FileBook(Book):
    """A book whose events stand in a file, one JSON object a line; it follows what is appended."""

    def __init__(self, notifier: FakeBell, file: Path) -> None:
        super().__init__(notifier)
        self._file = file
        self._read = 0
        file.touch()
        self.follow()

    def follow(self) -> None:
        """Apply what is new in the file."""
        with self._lock, self._file.open("rb") as stream:
            stream.seek(self._read)
            lines = stream.read().split(b"\n")
            for line in lines[:-1]:
                self._apply(json.loads(line))
                self._read += len(line) + 1
        if len(lines) > 1:
            self.notifier.ring()

    def follow_for_ever(self) -> None:
        parent = os.getppid()
        while os.getppid() == parent:
            time.sleep(0.005)  # no wait of a test: it follows as long as its parent lives
            self.follow()
        os._exit(1)  # the test that started this process is gone

    def _commit(self, event: dict[str, Any]) -> None:
        append(self._file, event)
        self.follow()


def append(file: Path, *events: dict[str, Any]) -> None:
    """Add events to a FileBook's file, from any process."""
    now = time.time_ns() // 1_000_000
    lines = "".join(json.dumps({"at_ms": now, **event}) + "\n" for event in events)
    with file.open("ab") as stream:
        stream.write(lines.encode())
        stream.flush()
