"""Where people were, as older versions stored it, is in no byte of the store's files once it has been removed."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.fake_ports import ManualClock
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from gateway.journal.test_checkin_removal import stored_as_then
from pressing_button import PressingButton, at, report_body
from siaga_gateway.domain.frame import Kind, Suite
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.journal.checkin_removal import CheckinRemoval

# A longitude that nothing else has: wherever it lies, a check-in's position does.
TRACK = 1_052_687_431
BYTES = TRACK.to_bytes(4, "big", signed=True)
LATER_MS = NOW_MS + 2 * 3_600_000


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[IngestHarness]:
    made = IngestHarness(tmp_path)
    yield made
    made.close()


def a_life(desk: IngestHarness, events: int, stays: float = 0.2) -> list[PressingButton]:
    """Check-ins of several buttons, with tampers and presses among them on the same pages. stays: tampers."""
    chance = random.Random(3)
    buttons = [desk.button() for _ in range(10)]
    for number in range(events // 10):
        frames = []
        for button in buttons:
            button.counter += 1
            place = at(-53_000_000 - button.counter * 7_919, TRACK)
            kind = Kind.TAMPER if chance.random() < stays else Kind.CHECKIN
            body = report_body(NOW_S, **({} if kind is Kind.TAMPER else place))
            frames.append(button.frame(kind, button.counter, body, chance.choice((Suite.ES256, Suite.HS256_64))))
        chance.shuffle(frames)
        stored_as_then(desk, *frames)
        if number % 8 == 0:
            desk.take(chance.choice(buttons).press(NOW_S))
    return buttons


def remove(desk: IngestHarness) -> None:
    """Turn by turn, as the gateway does."""
    job = CheckinRemoval(desk.store, ManualClock(LATER_MS))
    for _ in range(1_000):
        job.work()
        if desk.store.fetch(f"SELECT count(*) FROM event WHERE kind = {int(Kind.CHECKIN)}") == [(0,)]:
            job.work()  # it finds nothing more to do
            return
    raise AssertionError("it does not come to an end")


def traces(folder: Path) -> dict[str, int]:
    """How many there are in each file of the store, its log among them."""
    return {path.name: path.read_bytes().count(BYTES) for path in sorted(folder.glob("siaga.db*"))}


def test_no_byte_of_the_file_or_its_log_tells_where_a_removed_check_in_came_from(
    desk: IngestHarness, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    a_life(desk, 600)
    assert sum(traces(tmp_path).values()) > 400
    remove(desk)
    assert traces(tmp_path) == dict.fromkeys(traces(tmp_path), 0)
    assert str(TRACK) not in caplog.text and BYTES.hex() not in caplog.text
    verify(desk.store)


def test_room_that_check_ins_had_is_used_again(desk: IngestHarness, tmp_path: Path) -> None:
    a_life(desk, 1_000, stays=0.01)
    remove(desk)
    file = tmp_path / "siaga.db"
    size = file.stat().st_size
    ((free,),) = desk.store.fetch("PRAGMA freelist_count")
    assert free > 20, "whole pages were given back to the file"
    buttons = [desk.button() for _ in range(5)]
    for _ in range(20):
        stored_as_then(desk, *(button.follow(Kind.TAMPER, NOW_S) for button in buttons))
    desk.store.scrub()
    assert file.stat().st_size == size
