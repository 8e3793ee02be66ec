"""The live stream: every journal row as a server-sent event (WHATWG HTML, 9.2), with the row's id.

A client that reconnects sends the last id it has and gets all later rows, however long it was away. Between rows a
`tick` every few seconds proves that the link is alive, since a half-open TCP connection looks healthy from both ends.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from typing import Final, Protocol

from fastapi.sse import format_sse_event
from starlette.concurrency import run_in_threadpool

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.journal.kinds import QUIET_KINDS, concerns_operators, is_unheard
from siaga_gateway.service.ports import Clock, JournalEntry, JournalReader, Notifier
from siaga_gateway.web.session.error_logging import log_failure
from siaga_gateway.web.session.ladder_changes import LadderChanges
from siaga_gateway.web.session.presence import Looks, Presence

PAGE: Final = 500  # rows in one read
BURST_PAUSE_S: Final = 0.01  # pause after rows, to gather a burst: 100 rows a second are not 100 reads a console
MOST: Final = 200  # limit of concurrent streams: half of the console's connections stay free for requests
RETRY_MS: Final = 500  # the browser's delay before reconnecting
LOOK_S: Final = 1.0  # pages hear of a change of an escalation, and of the end of their session, within twice this


class OwnCalls(Protocol):
    """Whose calls a stream tells of, where not of all."""

    def own_rows(self, rows: Sequence[JournalEntry]) -> Sequence[JournalEntry]: ...
    def own_ids(self, ids: Collection[int]) -> Collection[int]: ...


class LiveStreams:
    """Makes one stream for each open console, and ends them all when the gateway stops."""

    def __init__(
        self,
        reader: JournalReader,
        notifier: Notifier,
        clock: Clock,
        tick_s: float,
        presses: Callable[[], bool] = lambda: True,
        troubles: Callable[[], Collection[str]] = tuple,
        ladders: LadderChanges | None = None,
        most: int = MOST,
        presence: Presence | None = None,
    ) -> None:
        """presses: whether any are taken; while not, no tick is sent, and every page calls its link dead. troubles:
        returns what operators must know about the gateway now, by name; blocking. ladders: None: this console shows no
        escalations. most: limit of concurrent streams. presence: None: these streams do not tell who is where."""
        self._reader = reader
        self._notifier = notifier
        self._clock = clock
        self._tick_s = tick_s
        self._presses = presses
        self._troubles = troubles
        self._ladders = ladders
        self._most = most
        self._presence = presence
        self._closing = False
        self._open = 0

    @property
    def full(self) -> bool:
        """Whether the limit is reached."""
        return self._open >= self._most

    def close(self) -> None:
        """End every stream; call before the server waits for its connections."""
        self._closing = True
        self._notifier.ring()

    async def stream(
        self, after: int | None, may_go_on: Callable[[], bool], own: OwnCalls | None = None
    ) -> AsyncIterator[bytes]:
        """See `_stream`; counted while it is open. may_go_on: whether the session still counts. own: None: all calls.
        Both are called from threads."""
        self._open += 1
        try:
            async with aclosing(self._stream(after, may_go_on, own)) as events:
                async for event in events:
                    yield event
        finally:
            self._open -= 1

    async def _stream(
        self, after: int | None, may_go_on: Callable[[], bool], own: OwnCalls | None
    ) -> AsyncGenerator[bytes, None]:
        """Yield rows after id `after` (None: from now on), then new ones, until the client or the gateway ends it.

        Events: unnamed rows `{kind, incident, at_ms, feed, unheard}` with an id; `ladders` `{ids}`: incidents whose
        escalation has changed, at first also just before; `presence` `{at}`: names of operators by the incident that
        is open at their console, whenever that changes; `tick` `{now_ms, store, troubles}`; `reset` `{last}` if there
        was no `after` or it is beyond the journal (another store): the client must reload everything, and gets all that
        follows; finally `signed_out`.
        """
        last: int | None = after
        checked = False  # whether `last` was compared with the journal
        ladders: int | None = None  # where the log of their changes was
        looks: Looks = {}  # as they were told
        looks_number: int | None = None
        store = True
        next_tick = next_check = time.monotonic()
        while not self._closing:
            if time.monotonic() >= next_check:
                if not await self._counts(may_go_on):
                    yield _event("signed_out", {})
                    return
                next_check = time.monotonic() + min(self._tick_s, LOOK_S)
            rows: list[JournalEntry] = []
            shown: list[JournalEntry] = []
            climbed: list[int] = []
            now_open, looks_now = looks, looks_number
            ladders_now, touched = ladders, climbed
            try:
                if not checked:
                    end = await run_in_threadpool(self._reader.last_journal_id)
                    if last is None or last > end:
                        last = end
                        yield _event("reset", {"last": end}, end)
                    checked = True
                found = list(await run_in_threadpool(self._reader.journal_after, last or 0, PAGE))
                if self._ladders is not None:
                    ladders_now, touched = await run_in_threadpool(self._ladders.since, ladders)
                if self._presence is not None:
                    looks_now, changed = await run_in_threadpool(self._presence.since, looks_number)
                    if changed is not None:
                        ids = changed if own is None else await run_in_threadpool(own.own_ids, list(changed))
                        now_open = {each: changed[each] for each in ids}
                if own is not None:
                    touched = sorted(await run_in_threadpool(own.own_ids, touched))
                    shown = list(await run_in_threadpool(own.own_rows, found))
                else:
                    shown = found
                # Only now: what could not be asked about is read again, and told to nobody meanwhile.
                rows, climbed = found, touched
                ladders, looks_number = ladders_now, looks_now
                store = True
            except Exception as error:
                if store:
                    log_failure(Localized("log.console.no_journal"), error)
                store = False
                now_open = looks
            if shown:
                yield b"".join(_row(row) for row in shown)
            if rows:
                last = rows[-1].id
            if climbed:
                yield _event("ladders", {"ids": climbed})
            if now_open != looks:
                looks = now_open
                yield _event("presence", {"at": {str(each): names for each, names in looks.items()}})
            if time.monotonic() >= next_tick:
                if self._presses():
                    troubles = sorted(await run_in_threadpool(self._troubles))
                    yield _event("tick", {"now_ms": self._clock.now_ms(), "store": store, "troubles": troubles})
                next_tick = time.monotonic() + self._tick_s
            if len(rows) == PAGE:
                continue
            if rows:
                await asyncio.sleep(BURST_PAUSE_S)
            # In this task, not one of its own: the notifier remembers for each task what it has heard, so a row
            # committed while the read runs wakes the very next wait.
            longest_s = min(self._tick_s, LOOK_S)
            await self._notifier.wait(min(longest_s, max(0.0, next_tick - time.monotonic())))

    async def _counts(self, may_go_on: Callable[[], bool]) -> bool:
        try:
            return await run_in_threadpool(may_go_on)
        except Exception as error:
            log_failure(Localized("log.console.no_journal"), error)
            return True  # the page is told that the store fails


def _row(row: JournalEntry) -> bytes:
    quiet = row.kind in QUIET_KINDS
    feed = concerns_operators(row.kind, row.facts)
    facts = {
        "kind": row.kind,
        "incident": None if quiet else row.incident_id,
        "at_ms": row.at_ms,
        "feed": feed,
        "unheard": is_unheard(row.facts),
    }
    return format_sse_event(data_str=json.dumps(facts), id=str(row.id))


def _event(name: str, facts: dict[str, object], row_id: int | None = None) -> bytes:
    return format_sse_event(
        event=name, data_str=json.dumps(facts), id=None if row_id is None else str(row_id), retry=RETRY_MS
    )
