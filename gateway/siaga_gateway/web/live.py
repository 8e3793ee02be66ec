"""The live stream: every journal row as a server-sent event (WHATWG HTML, 9.2) whose id is the row's id.

A client that reconnects names the last id it has; all later rows follow, however long it was away. Between rows a
`tick` every few seconds proves that the link lives, since a half-open TCP connection looks healthy from both ends.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from fastapi.sse import format_sse_event
from starlette.concurrency import run_in_threadpool

from siaga_gateway.service.journal import INCIDENT_KINDS, QUIET_KINDS
from siaga_gateway.service.ports import Bell, Clock, JournalEntry, JournalReader

log = logging.getLogger("siaga.console")

PAGE: Final = 500  # rows read at once
BREATH_S: Final = 0.01  # after rows: lets a burst gather, so that 100 rows a second are not 100 reads for each console
RETRY_MS: Final = 500  # how soon a browser reconnects after a broken connection


class LiveStreams:
    """Makes one stream for each open console and ends them all when the gateway stops."""

    def __init__(self, reader: JournalReader, bell: Bell, clock: Clock, tick_s: float) -> None:
        self._reader = reader
        self._bell = bell
        self._clock = clock
        self._tick_s = tick_s
        self._closing = False

    def close(self) -> None:
        """End every stream; call before the server waits for its connections."""
        self._closing = True
        self._bell.ring()

    async def stream(self, after: int | None, may_go_on: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Rows after id `after` (None: from now on), then what comes, until the client or the gateway goes.

        Events: unnamed rows `{kind, incident, at_ms, feed}` with an id; `tick` `{now_ms, store}`; `reset` `{last}`
        where there was no `after` or it lies beyond the journal (another store): the client must read everything anew,
        and has all that comes after; `signed_out` as the last one.
        """
        last: int | None = after
        checked = False  # whether `last` has been held against the journal
        store = True
        next_tick = time.monotonic()
        while not self._closing:
            rows: list[JournalEntry] = []
            try:
                if not checked:
                    end = await run_in_threadpool(self._reader.last_journal_id)
                    if last is None or last > end:
                        last = end
                        yield _event("reset", {"last": end}, end)
                    checked = True
                rows = list(await run_in_threadpool(self._reader.journal_after, last or 0, PAGE))
                store = True
            except Exception:
                if store:
                    log.exception("the console cannot read the journal")
                store = False
            if rows:
                yield b"".join(_row(row) for row in rows)
                last = rows[-1].id
            if time.monotonic() >= next_tick:
                if not may_go_on():
                    yield _event("signed_out", {})
                    return
                yield _event("tick", {"now_ms": self._clock.now_ms(), "store": store})
                next_tick = time.monotonic() + self._tick_s
            if len(rows) == PAGE:
                continue
            if rows:
                await asyncio.sleep(BREATH_S)
            # In this task, not in one of its own: the bell remembers for each task what it has heard, so a row that is
            # committed while the read runs wakes the very next wait.
            await self._bell.wait(max(0.0, next_tick - time.monotonic()))


def _row(row: JournalEntry) -> bytes:
    quiet = row.kind in QUIET_KINDS
    feed = row.kind not in INCIDENT_KINDS and not quiet
    facts = {"kind": row.kind, "incident": None if quiet else row.incident_id, "at_ms": row.at_ms, "feed": feed}
    return format_sse_event(data_str=json.dumps(facts), id=str(row.id))


def _event(name: str, facts: dict[str, object], row_id: int | None = None) -> bytes:
    return format_sse_event(
        event=name, data_str=json.dumps(facts), id=None if row_id is None else str(row_id), retry=RETRY_MS
    )
