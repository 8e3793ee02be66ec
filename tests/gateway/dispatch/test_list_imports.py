"""The desk that takes lists: what it holds is bounded, and what it applied is told whatever fails."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway import sample_store
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.service.dispatch.list_imports import ImportDesk, ListError, ListKind, ListState
from siaga_gateway.service.dispatch.place_lists import Taken
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.store import StoreFailing, Transaction
from waiting import ENDS_S, eventually

KIND = ListKind.STATIONS
RAW = b"a list"


class Bell(JournalNotifier):
    def __init__(self) -> None:
        super().__init__()
        self.rung = 0

    def ring(self) -> None:
        self.rung += 1


class HeldImporter:
    """Works on a list only once it is let; counts what it applied."""

    def __init__(self, let: bool = True) -> None:
        self.let = threading.Event()
        self.tried = self.applied = 0
        self.breaks = False  # in the middle of applying
        if let:
            self.let.set()

    def __call__(self, raw: bytes, *, dry_run: bool, **how: Any) -> Taken:
        assert self.let.wait(ENDS_S)
        self.tried += dry_run
        self.applied += not dry_run
        if self.breaks and not dry_run:
            raise StoreFailing("store.failing", why="a disk")
        return Taken(added=["polsek-a"])


class FailingStore:
    """The store, whose journal takes only so many of the desk's entries."""

    def __init__(self, store: SqlStore, takes: int) -> None:
        self._store = store
        self._takes = takes

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self._takes -= 1
        if self._takes < 0:
            raise StoreFailing("store.failing", why="a disk")
        with self._store.transaction() as transaction:
            yield transaction


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = sample_store.new_store(tmp_path)
    yield store
    store.close()


def desk_on(store: Any, importer: HeldImporter, bell: Bell | None = None) -> ImportDesk:
    return ImportDesk(store, ManualClock(sample_store.NOW_MS), bell or Bell(), {KIND: importer})


def bring(desk: ImportDesk, actor: str = "Ani") -> str:
    number = desk.begin(KIND, "daftar.csv", len(RAW), False, False, actor)
    desk.part(number, 0, base64.b64encode(RAW).decode(), actor)
    desk.check(number, sha256(RAW).hexdigest(), actor)
    return number


def settled(desk: ImportDesk, number: str, actor: str = "Ani") -> ListState:
    busy = (ListState.CHECKING, ListState.APPLYING)
    eventually(lambda: desk.look(number, actor).state not in busy, "the list")
    return desk.look(number, actor).state


def refused(do: Callable[[], object]) -> str:
    with pytest.raises(ListError) as told:
        do()
    return told.value.key


def workers() -> int:
    return sum(each.name == "lists" for each in threading.enumerate())


def test_what_is_worked_on_is_held_until_it_is_through_whoever_forgets_it(store: SqlStore) -> None:
    """A hurried person who brings a list over and over must not fill the memory of what takes presses."""
    importer = HeldImporter(let=False)
    desk = desk_on(store, importer)
    before = workers()
    first = bring(desk)
    assert refused(lambda: bring(desk)) == "import.own_busy"
    eventually(lambda: not desk._queue, "the worker to begin")
    desk.drop(first, "Ani")
    assert refused(lambda: desk.look(first, "Ani")) == "import.gone"
    assert refused(lambda: bring(desk)) == "import.own_busy", "dropped, but its work is not through"
    others = {name: bring(desk, name) for name in ("Budi", "Citra", "Dewi")}
    assert refused(lambda: bring(desk, "Eko")) == "import.busy"
    assert workers() == before + 1, "however many lists there are"
    desk.drop(others.pop("Citra"), "Citra")
    bring(desk, "Citra")  # what only waited is gone at once
    importer.let.set()
    for name, number in others.items():
        assert settled(desk, number, name) is ListState.SHOWN
    eventually(lambda: workers() == before, "the worker to end")
    assert importer.tried == 4, "the list that was dropped while it waited is never looked through"
    assert settled(desk, bring(desk)) is ListState.SHOWN


def test_a_file_that_never_came_whole_makes_room_for_the_next(store: SqlStore) -> None:
    desk = desk_on(store, HeldImporter())
    for _ in range(5):
        desk.begin(KIND, "daftar.csv", len(RAW), False, False, "Ani")
    assert settled(desk, bring(desk)) is ListState.SHOWN
    assert len(desk._held) == 2


@pytest.mark.parametrize(
    ("takes", "breaks", "state", "kinds", "rung"),
    [
        (0, False, ListState.FAILED, [], 0),
        (1, False, ListState.APPLIED, ["list_begun"], 1),
        (1, True, ListState.FAILED, ["list_begun"], 1),
        (2, False, ListState.APPLIED, ["list_begun", "list_imported"], 1),
    ],
)
def test_no_list_is_applied_without_a_word(
    store: SqlStore, takes: int, breaks: bool, state: ListState, kinds: list[str], rung: int
) -> None:
    importer, bell = HeldImporter(), Bell()
    importer.breaks = breaks
    desk = desk_on(FailingStore(store, takes), importer, bell)
    number = bring(desk)
    assert settled(desk, number) is ListState.SHOWN
    desk.apply(number, desk.look(number, "Ani").shown, "Ani")
    assert settled(desk, number) is state
    assert importer.applied == bool(takes), "nothing is applied whose begin cannot be noted"
    entries = store.journal_after(0, 100)
    assert [each.kind for each in entries] == kinds
    assert all((each.actor, each.facts["sha256"]) == ("Ani", sha256(RAW).hexdigest()) for each in entries)
    assert bell.rung == rung
