"""An event loop in a thread of its own: what is done in it, and how it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from siaga_tools.silicon.loop_thread import LoopThread


@pytest.fixture
def thread() -> Iterator[LoopThread]:
    made = LoopThread("under test")
    made.start()
    yield made
    if not made.loop.is_closed():
        made.stop()


def test_what_is_done_runs_in_its_thread_and_raises_what_it_raised(thread: LoopThread) -> None:
    where: list[str] = []
    thread.do(lambda: where.append(threading.current_thread().name))
    assert where == ["under test"]
    with pytest.raises(ZeroDivisionError):
        thread.do(lambda: print(1 // 0))


def test_its_own_thread_may_ask_for_something_too(thread: LoopThread) -> None:
    done: list[int] = []
    thread.do(lambda: thread.do(lambda: done.append(1)))
    assert done == [1]


def test_an_end_cancels_what_runs_and_nothing_happens_after_it(thread: LoopThread) -> None:
    ends: list[str] = []

    async def live() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("cancelled")

    kept: list[asyncio.Task[None]] = []
    thread.do(lambda: kept.append(thread.loop.create_task(live())))
    thread.do(lambda: None)  # it has begun
    thread.stop()
    assert ends == ["cancelled"]
    assert "under test" not in {each.name for each in threading.enumerate()}
    thread.later(ends.append, "late")
    assert ends == ["cancelled"]
