"""Two observers, each in its own thread, so that drawing does not delay the times they note.

StoreWatch reads the gateway's journal from the store, as `siaga gateway log --follow` does: what it sees is committed.
ConsoleWatch is a client of the console's live stream, as an operator's browser is.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import StoreFailing
from siaga_tools.process.slow_machine import patient

_EAGER_S: Final = 0.002  # while a press is in progress
_CALM_S: Final = 0.05
_SILENCE_S: Final = 15.0  # the stream ticks every 5 s; after this it is dead
_AGAIN_S: Final = 0.2
_OPERATOR: Final = "Peragaan"  # the demo's sign-in; it only watches


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class StoreWatch:
    """Calls on_entry(entry, seen_ms) for each journal entry after `after`, in order, from its own thread."""

    def __init__(self, store: SqlStore, after: int, on_entry: Callable[[JournalEntry, int], None]) -> None:
        self._store = store
        self._last = after
        self._on_entry = on_entry
        self._eager_until = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store watch", daemon=True)
        self._thread.start()

    def expect(self, seconds: float) -> None:
        """Poll fast for this long: something is about to be committed."""
        self._eager_until = time.monotonic() + seconds

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stop.wait(_EAGER_S if time.monotonic() < self._eager_until else _CALM_S):
            with contextlib.suppress(StoreFailing):  # the gateway reports that itself; here it is retried
                for entry in self._store.journal_after(self._last):
                    self._on_entry(entry, now_ms())
                    self._last = entry.id


class ConsoleWatch:
    """Signs in and follows /live for ever, with Last-Event-ID after a break, so that nothing is missed.

    on_row(journal id, seen_ms): called for each row
    on_link(connected, why): called when the link comes up or goes down
    """

    def __init__(
        self, url: str, after: int, on_row: Callable[[int, int], None], on_link: Callable[[bool, str], None]
    ) -> None:
        self._url = url.rstrip("/")
        self._last = after
        self._on_row = on_row
        self._on_link = on_link
        self._linked = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="console watch", daemon=True)
        self._thread.start()

    def close(self, deadline_s: float = 2) -> None:
        """Close it once the gateway is ending: that ends the stream being read."""
        self._stop.set()
        self._thread.join(timeout=deadline_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            why = "ended"
            try:
                self._follow()
            except (httpx.HTTPError, httpx.StreamError, ValueError) as error:
                why = str(error) or type(error).__name__
            if not self._stop.is_set():
                self._linked = False
                self._on_link(False, why)
            self._stop.wait(_AGAIN_S)

    def _follow(self) -> None:
        timeout = httpx.Timeout(patient(5.0), read=patient(_SILENCE_S))
        # trust_env: no proxy from the environment on loopback.
        with httpx.Client(base_url=self._url, timeout=timeout, trust_env=False) as client:
            answer = client.post("/sign-in", data={"name": _OPERATOR}, headers={"origin": self._url})
            if answer.status_code != 303:
                raise ValueError(f"/sign-in: {answer.status_code}")
            with client.stream("GET", "/live", headers={"last-event-id": str(self._last)}) as stream:
                if stream.status_code != 200:
                    raise ValueError(f"/live: {stream.status_code}")
                self._read(stream)

    def _read(self, stream: httpx.Response) -> None:
        # WHATWG HTML, 9.2.6: fields up to an empty line make an event.
        name, row = "", ""
        for line in stream.iter_lines():
            if self._stop.is_set():
                return
            if not self._linked:
                self._linked = True
                self._on_link(True, "")
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "id":
                row = value
            elif field == "" and not line:
                if row.isdecimal():
                    self._last = int(row)
                    if not name:
                        self._on_row(self._last, now_ms())
                name, row = "", ""


def ready_line(line: str) -> str | None:
    """Return the console's address from the gateway's `ready` line, or None for any other line."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        told = json.loads(line)
        if told["ev"] == "ready":
            return str(told["console"])
    return None


def modified_ms(file: Path) -> int | None:
    """Return when a file was last written, Unix ms, or None if there is none."""
    try:
        return file.stat().st_mtime_ns // 1_000_000
    except OSError:
        return None
