"""The stream's own rules, without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import cast

from gateway.fake_ports import ManualClock, RunningClock
from gateway.web.conftest import Console
from gateway.web.console_fakes import Book, FakeBell
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.web.session.ladder_changes import LadderChanges
from siaga_gateway.web.session.live import MOST, LiveStreams
from siaga_gateway.web.session.presence import Presence
from waiting import ENDS_S


async def collect(stream: AsyncIterator[bytes], count: int) -> list[str]:
    chunks = []
    async with asyncio.timeout(ENDS_S):
        async for chunk in stream:
            chunks.append(chunk.decode())
            if len(chunks) == count:
                break
    return chunks


def test_a_session_that_ends_ends_the_stream_and_says_so() -> None:
    async def scenario() -> None:
        book = Book(FakeBell())
        streams = LiveStreams(book, book.notifier, RunningClock(), tick_s=0.01)
        answers = iter([True, True, False])
        chunks = await collect(streams.stream(0, lambda: next(answers)), 10)
        assert [chunk.split("\n")[0] for chunk in chunks] == ["event: tick", "event: tick", "event: signed_out"]

    asyncio.run(scenario())


def test_a_store_that_fails_is_told_and_what_came_meanwhile_follows() -> None:
    async def scenario() -> None:
        book = Book(FakeBell())
        book.press(1)
        book.broken = True
        streams = LiveStreams(book, book.notifier, RunningClock(), tick_s=0.02)
        stream = streams.stream(0, lambda: True)
        (tick,) = await collect(stream, 1)
        assert json.loads(tick.split("data: ")[1].split("\n")[0])["store"] is False
        book.broken = False
        book.press(2)
        found = "".join(await collect(stream, 2))
        assert "id: 1\n" in found and "id: 2\n" in found and '"store": true' in found

    asyncio.run(scenario())


def test_a_row_committed_while_the_journal_is_being_read_does_not_wait_for_the_tick() -> None:
    class Slow(Book):
        pressed = False

        def journal_after(self, after_id: int, limit: int = 500):  # type: ignore[no-untyped-def]
            found = list(super().journal_after(after_id, limit))
            if not self.pressed:
                self.pressed = True
                self.press(1)  # after the read, before the wait
            return found

    async def scenario() -> None:
        book = Slow(FakeBell())
        streams = LiveStreams(book, book.notifier, RunningClock(), tick_s=3600)
        tick, row = await collect(streams.stream(0, lambda: True), 2)
        assert tick.startswith("event: tick") and "incident_opened" in row

    asyncio.run(scenario())


def test_an_idle_stream_does_not_read_the_journal_over_and_over() -> None:
    class Counting(Book):
        reads = 0

        def journal_after(self, after_id: int, limit: int = 500):  # type: ignore[no-untyped-def]
            self.reads += 1
            return super().journal_after(after_id, limit)

    async def scenario() -> None:
        book = Counting(FakeBell())
        book.press(1)
        streams = LiveStreams(book, book.notifier, RunningClock(), tick_s=0.05)
        await collect(streams.stream(1, lambda: True), 5)
        assert book.reads <= 10, "one for each tick, and a few for rings"

    asyncio.run(scenario())


def test_closing_wakes_and_ends_every_stream() -> None:
    async def scenario() -> None:
        book = Book(FakeBell())
        streams = LiveStreams(book, book.notifier, RunningClock(), tick_s=3600)
        waiting = [asyncio.create_task(collect(streams.stream(0, lambda: True), 2)) for _ in range(3)]
        await asyncio.sleep(0.05)
        streams.close()
        assert [len(await task) for task in waiting] == [1, 1, 1]

    asyncio.run(scenario())


def test_streams_are_counted_and_bounded_and_one_that_ends_makes_room(console: Console) -> None:
    async def scenario() -> None:
        streams = LiveStreams(console.book, console.book.notifier, RunningClock(), tick_s=0.01)
        opened = [streams.stream(None, lambda: True) for _ in range(MOST)]
        assert not streams.full, "what nobody has read yet is none"
        for each in opened:
            await anext(each)
        assert streams.full
        await opened[0].aclose()  # type: ignore[attr-defined]
        assert not streams.full
        for each in opened[1:]:
            await each.aclose()  # type: ignore[attr-defined]

    asyncio.run(scenario())
    streams: LiveStreams = console.browser.app.state.context.streams  # type: ignore[attr-defined]
    streams._open = MOST
    answer = console.browser.get("/live")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def climbed(chunks: list[str]) -> list[list[int]]:
    return [
        json.loads(line.removeprefix("data: "))["ids"]
        for chunk in chunks
        if chunk.startswith("event: ladders")
        for line in chunk.split("\n")
        if line.startswith("data: ")
    ]


def test_a_step_of_a_ladder_that_no_row_tells_of_reaches_each_stream_once() -> None:
    async def scenario() -> None:
        book, clock = Book(FakeBell()), RunningClock()
        book.climb(7, clock.now_ms() - 20_000)  # the page was read before its stream began
        book.climb(8, clock.now_ms() - 90_000)
        ladders = LadderChanges(book, clock)
        streams = LiveStreams(book, book.notifier, clock, tick_s=60, ladders=ladders)
        pages = [streams.stream(0, lambda: True) for _ in range(2)]
        for page in pages:
            assert climbed(await collect(page, 2)) == [[7]]
        book.climb(8, clock.now_ms())
        book.climb(9, clock.now_ms())
        for page in pages:
            assert climbed(await collect(page, 1)) == [[8, 9]]
        book.climb(9, clock.now_ms())
        assert climbed(await collect(pages[0], 1)) == [[9]]

    asyncio.run(scenario())


def test_all_streams_share_a_look_at_the_ladders_and_a_clock_that_is_set_back_hides_nothing() -> None:
    class Counted(Book):
        looks = 0

        def escalations_touched(self, since_ms: int) -> Mapping[int, int]:
            self.looks += 1
            return super().escalations_touched(since_ms)

    book, clock = Counted(FakeBell()), ManualClock(1_796_050_800_000)
    ladders = LadderChanges(book, clock)
    at, _ = ladders.since(None)
    for _ in range(20):
        assert ladders.since(at) == (at, [])
    assert book.looks == 1
    clock.at_ms -= 3_600_000
    book.climb(3, clock.at_ms)
    ladders.look()
    assert ladders.since(at) == (at + 1, [3])
    clock.at_ms += 3_700_000
    book.climb(3, clock.at_ms - 9_000)  # committed a little after its time
    ladders.look()
    ladders.look()
    assert ladders.since(at + 1) == (at + 2, [3])
    assert ladders.since(at + 2) == (at + 2, [])


def test_what_could_not_be_asked_about_is_told_to_nobody_and_again_later() -> None:
    class Own:
        """Of two calls the first is his."""

        fails = 0

        def own_rows(self, rows: Sequence[JournalEntry]) -> Sequence[JournalEntry]:
            if self.fails:
                self.fails -= 1
                raise OSError
            return [each for each in rows if each.incident_id == 1]

        def own_ids(self, ids: Collection[int]) -> Collection[int]:
            return [each for each in ids if each == 1]

    class Ladders:
        def __init__(self) -> None:
            self.asked: list[int | None] = []

        def since(self, number: int | None) -> tuple[int, list[int]]:
            self.asked.append(number)
            return 7, [1, 2] if number != 7 else []

    async def scenario() -> None:
        book, own, ladders, presence = Book(FakeBell()), Own(), Ladders(), Presence()
        presence.shows("a", "Rina", 1)
        presence.shows("b", "Budi", 2)
        own.fails = 2
        streams = LiveStreams(
            book,
            book.notifier,
            RunningClock(),
            tick_s=0.01,
            ladders=cast(LadderChanges, ladders),
            presence=presence,
        )
        chunks: list[str] = []
        async with asyncio.timeout(ENDS_S):
            async for chunk in streams.stream(0, lambda: True, own):
                chunks.append(chunk.decode())
                if "event: presence" in chunks[-1]:
                    break
        assert ladders.asked[:3] == [None, None, None], "asked again from where it was"
        assert climbed(chunks) == [[1]], "and never of another's calls"
        assert chunks[-1].split("data: ")[1].startswith('{"at": {"1": ["Rina"]}}')

    asyncio.run(scenario())
