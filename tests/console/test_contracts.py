"""What the console relies on: one contract for its fakes and for the parts that the gateway puts behind it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.fakes import Book, FakeBell, FakeClock
from gateway import stored
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.service import journal
from siaga_gateway.service.keyring import KeyRing
from siaga_gateway.service.live import JournalBell
from siaga_gateway.service.operate import Operator
from siaga_gateway.service.ports import Bell, JournalReader, Operate, OperateError


@dataclass
class House:
    reader: JournalReader
    operate: Operate
    open: Callable[[], int]


class NoRadio:
    def send(self, device_id: bytes, frame: bytes) -> None:
        """Nobody listens."""


@pytest.fixture(params=["fake", "real"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    if request.param == "fake":
        book = Book(FakeBell())
        numbers = iter(range(1, 100))

        def press() -> int:
            number = next(numbers)
            book.press(number)
            return number

        yield House(book, book, press)
        return
    store = stored.new_store(tmp_path)
    stored.with_device(store)
    ring = KeyRing(store, stored.GATEWAY_KEY)
    operator = Operator(store, ring, NoRadio(), JournalBell(), FakeClock(), outputs=[])
    counters = iter(range(1, 100))

    def open_one() -> int:
        incident = stored.open_incident(store, next(counters))
        with store.transaction() as transaction:
            transaction.note(journal.INCIDENT_OPENED, incident.opened_at_ms, incident_id=incident.id)
        return incident.id

    yield House(store, operator, open_one)
    store.close()


def steps(house: House, number: int) -> list[Callable[[], object]]:
    return [
        lambda: house.operate.seen(number, "Rina"),
        lambda: house.operate.assign(number, "Rina", "Raimas 1", 7),
        lambda: house.operate.on_scene(number, "Rina"),
        lambda: house.operate.close(number, "Rina", "verified", "aman"),
    ]


def test_an_unknown_incident_is_none_to_read_and_an_error_to_act_on(house: House) -> None:
    assert house.reader.incident(999) is None
    assert list(house.reader.journal_of_incident(999)) == []
    for step in [*steps(house, 999), lambda: house.operate.dispatch_held(999, "Rina")]:
        with pytest.raises(OperateError, match="999"):
            step()


def test_the_journal_is_read_in_order_from_any_place_in_any_portion(house: House) -> None:
    assert house.reader.last_journal_id() == 0 and list(house.reader.journal_after(0)) == []
    for _ in range(3):
        house.open()
    house.operate.seen(2, "Rina")
    last = house.reader.last_journal_id()
    ids = [entry.id for entry in house.reader.journal_after(0)]
    assert ids == sorted(ids) and ids[-1] == last and len(ids) == 4
    assert [entry.id for entry in house.reader.journal_after(ids[0], 2)] == ids[1:3]
    assert list(house.reader.journal_after(last)) == []
    assert [entry.kind for entry in house.reader.journal_of_incident(2)] == ["incident_opened", "seen"]
    assert house.reader.journal_of_incident(2)[-1].actor == "Rina"


def test_open_ones_come_oldest_first_and_closed_ones_newest_first(house: House) -> None:
    numbers = [house.open() for _ in range(4)]
    for number in (numbers[1], numbers[0]):
        house.operate.close(number, "Rina", "accidental", "")
    assert [each.id for each in house.reader.open_incidents()] == numbers[2:]
    assert {each.id for each in house.reader.recent_incidents()} == set(numbers[:2])
    assert next(each.id for each in house.reader.recent_incidents(1)) in numbers[:2]


def test_each_step_is_there_to_read_when_it_returns_and_repeating_it_writes_nothing(house: House) -> None:
    number = house.open()
    reached = [IncidentState.SEEN, IncidentState.ASSIGNED, IncidentState.ON_SCENE, IncidentState.CLOSED]
    for step, state in zip(steps(house, number), reached, strict=True):
        step()
        found = house.reader.incident(number)
        assert found is not None and found.state is state
        last = house.reader.last_journal_id()
        step()
        assert house.reader.last_journal_id() == last


def test_seen_after_somebody_went_further_is_no_error_but_other_steps_on_a_closed_one_are(house: House) -> None:
    number = house.open()
    house.operate.assign(number, "Rina", "Raimas 1", None)
    assert house.operate.seen(number, "Budi").state is IncidentState.ASSIGNED
    house.operate.close(number, "Rina", "unfounded", "")
    for step in steps(house, number)[:3]:
        with pytest.raises(OperateError, match="closed"):
            step()


def test_nobody_is_on_scene_before_a_unit_is_assigned(house: House) -> None:
    number = house.open()
    with pytest.raises(OperateError, match="unit"):
        house.operate.on_scene(number, "Rina")


@pytest.mark.parametrize("make", [FakeBell, JournalBell])
def test_a_bell_wakes_whoever_waits_and_is_not_missed_between_two_waits(make: Callable[[], Bell]) -> None:
    async def scenario() -> None:
        bell = make()
        assert await bell.wait(0.01) is False
        threading.Timer(0.05, bell.ring).start()
        assert await bell.wait(10) is True
        assert await bell.wait(0.01) is False, "one ring, one waking"
        bell.ring()  # while nobody waits
        assert await bell.wait(10) is True
        others = [asyncio.create_task(bell.wait(10)) for _ in range(3)]
        await asyncio.sleep(0)
        bell.ring()
        assert [await other for other in others] == [True, True, True]

    asyncio.run(scenario())
