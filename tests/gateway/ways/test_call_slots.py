"""Calls that may hang: one of them takes one slot, and no other call waits for it."""

from __future__ import annotations

import threading
import time

import pytest

from siaga_gateway.adapters.ways.call_slots import CallSlots
from waiting import eventually


def soon(seconds: float = 60.0) -> float:
    return time.monotonic() + seconds


def test_one_that_hangs_keeps_its_slot_and_stands_before_no_other() -> None:
    slots, hangs = CallSlots("contoh", 2), threading.Event()
    with pytest.raises(TimeoutError):
        slots.call(hangs.wait, soon(0.05))
    for number in range(5):
        assert slots.call(lambda: number, soon()) == number  # noqa: B023 - called at once
    with pytest.raises(TimeoutError):
        slots.call(hangs.wait, soon(0.05))
    with pytest.raises(TimeoutError):
        slots.call(lambda: 1, soon(0.05))
    hangs.set()
    eventually(lambda: slots._free.qsize() == 2, "both are free again, once each")
    assert [slots.call(lambda: 2, soon()) for _ in range(4)] == [2] * 4
    assert slots._free.qsize() == 2


def test_one_that_fails_gives_its_slot_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = CallSlots("contoh", 1)

    def fails() -> None:
        raise RuntimeError("a fault of the library")

    for _ in range(3):
        with pytest.raises(RuntimeError, match="library"):
            slots.call(fails, soon())
    monkeypatch.setattr(threading.Thread, "start", lambda self: fails())
    with pytest.raises(RuntimeError):
        slots.call(lambda: 1, soon())
    monkeypatch.undo()
    assert slots.call(lambda: 1, soon()) == 1
    assert slots._free.qsize() == 1
