"""A fault of a modem is told once, remembered over restarts, and told again when it is over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.domain.errors import Failing, SiagaError
from siaga_gateway.service.dispatch.way_faults import WayFaults, faults_of
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from waiting import eventually


class Modem:
    """Implements service.dispatch.ways.WatchedWay."""

    name = "telepon"

    def __init__(self) -> None:
        self.fault: SiagaError | None = None
        self.looks = 0

    def look(self) -> SiagaError | None:
        self.looks += 1
        return self.fault

    def on_fault(self, told: Callable[[], None]) -> None:
        self.met = told


def test_a_fault_and_its_end(tmp_path: Path) -> None:
    store, modem, mine = sample_store.new_store(tmp_path), Modem(), [True]

    def watch() -> WayFaults:
        return WayFaults(store, JournalNotifier(), ManualClock(), modem, lambda: mine[0])

    def told() -> list[str]:
        return [each.kind for each in store.journal_last(50) if each.kind in (journal.WAY_LOST, journal.WAY_BACK)]

    faults = watch()
    assert faults.work() == 60 and told() == [] and faults_of(store, ["telepon"]) == {}
    modem.fault = Failing("modem.silent", port="/dev/ttyUSB2")
    assert [faults.work() for _ in range(7)] == [5, 10, 20, 40, 60, 60, 60]
    assert told() == [journal.WAY_LOST]
    found = faults_of(store, ["telepon", "other"])
    assert list(found) == ["telepon"] and "/dev/ttyUSB2" in found["telepon"].why and found["telepon"].stops
    modem.fault = Failing("modem.credit_low", rupiah=1, least=2)
    faults.work()
    assert told() == [journal.WAY_LOST] and "Rp 1" in faults_of(store, ["telepon"])["telepon"].why
    assert not faults_of(store, ["telepon"])["telepon"].stops, "it may still call"

    faults = watch()  # a restart
    faults.work()
    assert told() == [journal.WAY_LOST]
    modem.fault = None
    assert faults.work() == 60
    assert told() == [journal.WAY_LOST, journal.WAY_BACK] and faults_of(store, ["telepon"]) == {}

    mine[0] = False  # another worker has the modem
    looks = modem.looks
    faults.work()
    assert modem.looks == looks
    store.close()


def test_a_message_that_meets_a_fault_has_it_told_before_the_next_look_is_due(tmp_path: Path) -> None:
    store, modem = sample_store.new_store(tmp_path), Modem()
    faults = WayFaults(store, JournalNotifier(), ManualClock(), modem, lambda: True)
    faults.start()
    eventually(lambda: modem.looks == 1)
    modem.fault = Failing("modem.silent", port="/dev/ttyUSB2")
    modem.met()
    eventually(lambda: faults_of(store, ["telepon"]))
    faults.stop()
    store.close()
