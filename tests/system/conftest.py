"""Installations for the scenarios of a file, as many as are played side by side; a new one for one in which a scenario
failed."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from stage import Stage

from system.installation import Installation
from system.scenario import Scenario


class Houses:
    """Installations that nobody plays in; a new one where there is none."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._free: queue.SimpleQueue[Installation] = queue.SimpleQueue()
        self._made = ExitStack()

    def close(self) -> None:
        self._made.close()

    @contextmanager
    def one(self) -> Iterator[Installation]:
        """Nobody plays on in one in which a scenario failed."""
        try:
            house = self._free.get_nowait()
        except queue.Empty:
            house = self._made.enter_context(Installation(self._folders.mktemp("house")))
        yield house
        self._free.put(house)


def play_in(house: Installation, scenario: Scenario, folder: Path) -> None:
    """AssertionError where it fails."""
    house.reset()
    Stage(scenario, house, folder / "button").play()


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    with closing(Houses(tmp_path_factory)) as made:
        yield made


@pytest.fixture
def play(houses: Houses, tmp_path: Path) -> Callable[[Scenario], None]:
    """play(scenario) in an installation in which nothing has failed yet."""

    def in_house(scenario: Scenario) -> None:
        with houses.one() as house:
            play_in(house, scenario, tmp_path)

    return in_house
