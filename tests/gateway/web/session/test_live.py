"""The live stream over real connections: nothing missed and nothing twice, whatever breaks."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from gateway.web.conftest import ServedConsole
from waiting import ENDS_S

Start = Callable[..., ServedConsole]


@dataclass
class Event:
    name: str
    id: int | None
    facts: dict[str, object]


@contextmanager
def live(client: httpx.Client, after: int | None = None, last_event_id: str | None = None) -> Iterator[Iterator[Event]]:
    """Open the stream; each event is waited for at most the client's timeout."""
    params = {} if after is None else {"after": after}
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    with client.stream("GET", "/live", params=params, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield events(answer.iter_lines())


def events(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            number = fields.get("id")
            yield Event(fields.get("event", "row"), int(number) if number else None, json.loads(fields["data"]))
            fields = {}


def rows(stream: Iterator[Event], count: int) -> list[int | None]:
    """Ids of the next rows, ticks left out."""
    found = []
    for event in stream:
        if event.name == "row":
            found.append(event.id)
        if len(found) == count:
            break
    return found


def press(*numbers: int) -> list[dict[str, object]]:
    return [{"do": "press", "incident": number} for number in numbers]


def test_what_was_missed_comes_first_then_what_happens(served: Start) -> None:
    console = served()
    console.append(*press(1, 2, 3, 4))
    with console.client() as client, live(client, after=1) as stream:
        assert rows(stream, 3) == [2, 3, 4]
        assert next(stream).name == "tick"
        console.append({"do": "seen", "incident": 3, "actor": "Rina"}, {"do": "note", "kind": "forged"})
        seen, forged = next(stream), next(stream)
    assert (seen.name, seen.id) == ("row", 5)
    assert {name: seen.facts[name] for name in ("kind", "incident", "feed", "unheard")} == {
        "kind": "seen",
        "incident": 3,
        "feed": False,
        "unheard": False,
    }
    assert forged.facts["incident"] is None and forged.facts["feed"] is True


def test_a_reconnecting_browser_says_by_header_where_it_was(served: Start) -> None:
    console = served()
    console.append(*press(1, 2, 3))
    with console.client() as client:
        with live(client, after=1, last_event_id="2") as stream:
            assert rows(stream, 1) == [3]
        for nonsense in ("x", "-1", "9" * 30, "1.5"):
            with live(client, after=1, last_event_id=nonsense) as stream:
                assert rows(stream, 2) == [2, 3]


def test_without_a_place_to_start_or_with_one_of_another_journal_the_client_reads_anew(served: Start) -> None:
    console = served()
    console.append(*press(1, 2))
    with console.client() as client:
        for after in (None, 900):
            with live(client, after=after) as stream:
                first = next(stream)
                assert (first.name, first.id, first.facts) == ("reset", 2, {"last": 2})
        with live(client, after=900) as stream:
            assert next(stream).name == "reset"
            console.append(*press(3))
            assert rows(stream, 1) == [3]


def test_a_long_absence_is_replayed_whole(served: Start) -> None:
    console = served()
    console.append(*press(*range(1, 1702)))
    with console.client() as client, live(client, after=0) as stream:
        assert rows(stream, 1701) == list(range(1, 1702))


def test_killed_and_restarted_again_and_again_no_row_is_missed_and_none_comes_twice(served: Start) -> None:
    console = served(tick_s=0.3)
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            console.append({"do": "press", "incident": written + 1})
            written += 1
            stop.wait(0.004)  # no deadline of a machine: its pace

    writer = threading.Thread(target=write)
    got: list[int] = []
    with console.client() as client:
        writer.start()
        try:
            for _ in range(3):
                read_until_killed(console, client, got, len(got) + 40)
                console.start()
        finally:
            stop.set()
            writer.join()
        with live(client, last_event_id=str(got[-1])) as stream:
            while len(got) < written:
                got.extend(number for number in rows(stream, 1) if number is not None)
    assert written > 120
    assert got == list(range(1, written + 1))


def read_until_killed(console: ServedConsole, client: httpx.Client, got: list[int], enough: int) -> None:
    """Take rows, kill the console at the one that makes it enough, and take what still comes."""
    deadline = time.monotonic() + ENDS_S
    try:
        with live(client, last_event_id=str(got[-1] if got else 0)) as stream:
            for event in stream:
                if event.name == "row":
                    assert event.id is not None
                    got.append(event.id)
                    if len(got) == enough:  # not at a tick that was under way
                        console.kill()
                assert time.monotonic() < deadline
    except httpx.TransportError:
        pass
    assert len(got) >= enough, "the stream broke before the kill"


def test_ticks_prove_that_the_link_lives_and_a_frozen_server_sends_none(served: Start) -> None:
    console = served(tick_s=0.2)
    with console.client() as client, live(client, after=0) as stream:
        for _ in range(3):
            tick = next(stream)
            assert tick.name == "tick" and tick.facts["store"] is True
            assert abs(float(str(tick.facts["now_ms"])) - time.time() * 1000) < 60_000
    came: queue.Queue[Event] = queue.Queue()

    def read() -> None:
        with contextlib.suppress(httpx.TransportError), console.client() as client, live(client, after=0) as stream:
            for event in stream:
                came.put(event)

    reading = threading.Thread(target=read)
    reading.start()
    came.get(timeout=ENDS_S)
    console.signal(signal.SIGSTOP)
    with pytest.raises(queue.Empty):
        for _ in range(20):  # what was sent before it froze
            came.get(timeout=2)
    console.kill()
    reading.join(ENDS_S)


def test_the_gateway_stops_at_once_though_consoles_are_open(served: Start) -> None:
    console = served()
    with console.client() as one, console.client() as two, live(one, after=0) as first, live(two, after=0) as second:
        next(first), next(second)
        assert console.stop() < ENDS_S, "not the graceful shutdown's deadline of 500 s"
        assert list(first) == [] and list(second) == []
