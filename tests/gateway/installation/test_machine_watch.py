"""A disk that fills and a clock that nobody sets are told before they cost a press, once each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.machine_health import FREE_MS, LEAST_MB, SPARE_MB, URGENT, MachineFault, MachineState, faults
from siaga_gateway.service.installation.machine_watch import MachineWatch
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.store import StoreFailing

NOW_MS = 1_800_000_000_000


class Machine:
    def __init__(self, store: SqlStore) -> None:
        self.store, self.clock = store, ManualClock(NOW_MS)
        self.free_mb: int | None = 9_000
        self.follows: bool | None = True
        self.watch = MachineWatch(
            store, self.clock, JournalNotifier(), lambda: MachineState(self.free_mb, self.follows)
        )

    def look(self, after_ms: int = 60_000) -> list[str]:
        self.clock.at_ms += after_ms
        self.watch.work()
        return [str(each["fault"]) for each in self.watch.found()]

    def told(self) -> list[tuple[str, object]]:
        kinds = (journal.MACHINE_FAULT, journal.MACHINE_SOUND)
        return [(entry.kind, entry.facts["fault"]) for entry in self.store.journal_after(0) if entry.kind in kinds]


@pytest.fixture
def machine(store: SqlStore) -> Machine:
    return Machine(store)


def test_a_disk_that_fills_is_told_at_both_steps_and_when_there_is_room_again(machine: Machine) -> None:
    assert machine.look() == [] and machine.watch.warnings() == {}
    machine.free_mb = SPARE_MB - 1
    assert machine.look() == machine.look() == ["disk_low"]
    machine.free_mb = LEAST_MB - 1
    assert machine.look() == ["disk_full"] and f"{LEAST_MB - 1} MB" in machine.watch.warnings()["disk"]
    machine.free_mb = None  # nobody can say: the store reports itself
    assert machine.look() == []
    assert machine.told() == [
        (journal.MACHINE_FAULT, "disk_low"),
        (journal.MACHINE_FAULT, "disk_full"),
        (journal.MACHINE_SOUND, "disk_low"),
        (journal.MACHINE_SOUND, "disk_full"),
    ]


def test_a_clock_counts_as_free_after_a_while_and_nobody_knows_counts_as_well(machine: Machine) -> None:
    machine.follows = False
    assert machine.look() == [] == machine.look(FREE_MS - 1)
    assert machine.look(1) == ["clock_free"] and "clock" in machine.watch.warnings()
    machine.follows = None
    assert machine.look() == []
    machine.follows = False
    assert machine.look() == [], "counted anew"
    assert machine.look(-5 * FREE_MS) == ["clock_free"], "set back: nobody knows for how long"


def test_what_the_store_could_not_take_is_shown_all_the_same_and_noted_later(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def full() -> Iterator[None]:
        raise StoreFailing("the disk is full: make room")
        yield

    machine.free_mb = 3
    with monkeypatch.context() as patch:
        patch.setattr(machine.store, "transaction", full)
        with pytest.raises(StoreFailing):
            machine.look()
        assert [each["fault"] for each in machine.watch.found()] == ["disk_full"]
    machine.look()
    assert machine.told() == [(journal.MACHINE_FAULT, "disk_full")]


@given(st.none() | st.integers(0, 10_000), st.none() | st.booleans(), st.none() | st.integers(0, 2 * FREE_MS))
def test_of_the_disk_one_thing_is_said_and_only_what_is_urgent_comes_before_operators(
    free_mb: int | None, follows: bool | None, since_ms: int | None
) -> None:
    found = faults(MachineState(free_mb, follows), None if since_ms is None else NOW_MS - since_ms, NOW_MS)
    of_disk = [each for each in found if each.value.startswith("disk")]
    assert len(of_disk) == (free_mb is not None and free_mb < SPARE_MB)
    assert (MachineFault.CLOCK_FREE in found) is (since_ms is not None and since_ms >= FREE_MS)
    assert (MachineFault.DISK_FULL in found) is (free_mb is not None and free_mb < LEAST_MB)
    assert MachineFault.DISK_LOW not in URGENT
