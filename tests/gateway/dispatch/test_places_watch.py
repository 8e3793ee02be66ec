"""What is wrong with stations and areas is told at the start, after each change and each day: once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.listed_places import DISTRICT, SW
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.places import Finding, FindingKind
from siaga_gateway.service.dispatch.places_watch import RESPONDERS, PlacesWatch
from siaga_gateway.service.journal import kinds as journal


class Watched:
    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.found: list[Finding] = []
        self.checks = self.rings = 0
        self.today = date(2026, 11, 30)
        self.watch = self.started()

    def started(self) -> PlacesWatch:
        return PlacesWatch(self.store, ManualClock(), self, self._check, lambda: self.today)

    def ring(self) -> None:
        self.rings += 1

    def _check(self) -> list[Finding]:
        self.checks += 1
        return self.found

    def told(self) -> list[tuple[str, dict[str, object]]]:
        kinds = (journal.PLACES_FAULTY, journal.PLACES_SOUND)
        return [(one.kind, dict(one.facts)) for one in self.store.journal_after(0) if one.kind in kinds]

    def change(self) -> None:
        with self.store.transaction() as transaction:
            transaction.change_places()
            transaction.put_stations([SW])


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    store = sample_store.new_store(tmp_path)
    with store.transaction() as transaction:
        transaction.put_stations(DISTRICT)
    yield Watched(store)
    store.close()


FAULTS = [
    Finding(FindingKind.NO_CONTACT, ("polsek-sw",)),
    Finding(FindingKind.NO_CONTACT, ("polsek-se",)),
    Finding(FindingKind.UNVERIFIED, ("polda",)),
]


def test_a_gateway_that_knows_no_place_tells_the_log_alone(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    watched.found = [Finding(FindingKind.NO_STATION)]
    with caplog.at_level(logging.INFO):
        watched.watch.work()
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert watched.told() == [] and watched.rings == 0


def test_faults_are_told_once_and_again_when_they_change(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    watched.found = FAULTS
    for _ in range(3):
        watched.watch.work()
    first = (journal.PLACES_FAULTY, {"no_contact": 2, "unverified": 1})
    assert (watched.told(), watched.checks, watched.rings) == ([first], 1, 1)
    levels = {(record.levelname, "polsek-sw, polsek-se" in record.getMessage()) for record in caplog.records}
    assert ("WARNING", True) in levels
    watched.change()
    watched.watch.work()
    assert (watched.told(), watched.checks) == ([first], 2), "nothing else is wrong than before"
    watched.found = []
    watched.today = date(2026, 12, 1)
    watched.watch.work()
    assert watched.told() == [first, (journal.PLACES_SOUND, {})]


def test_a_restart_tells_the_log_and_not_the_journal_again(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    watched.found = FAULTS
    watched.watch.work()
    caplog.clear()
    watched.started().work()
    assert len(watched.told()) == 1 and caplog.records


def test_people_are_watched_beside_stations(watched: Watched) -> None:
    found = [Finding(FindingKind.UNREACHABLE, ("budi",))]
    today = watched.today
    watch = PlacesWatch(watched.store, ManualClock(), watched, lambda: found, lambda: today, RESPONDERS)
    watch.work()
    watch.work()
    watched.watch.work()
    kinds = [one.kind for one in watched.store.journal_after(0)]
    assert kinds.count(journal.RESPONDERS_FAULTY) == 1 and not watched.told(), "stations are sound"
    found.clear()
    with watched.store.transaction() as transaction:
        transaction.change_responders()
    watch.work()
    assert [one.kind for one in watched.store.journal_after(0)][-1] == journal.RESPONDERS_SOUND
