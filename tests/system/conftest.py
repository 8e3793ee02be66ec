"""One installation for all scenarios of a file; a new one where a scenario failed in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from installation import Installation
from scenario import Scenario
from stage import Stage


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the flash images of the boards are kept, each made when it is first wanted."""
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Installation]]:
    running: list[Installation] = []
    yield running
    for house in running:
        house.__exit__()


@pytest.fixture
def play(
    houses: list[Installation], images: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> Callable[[Scenario], None]:
    """play(scenario) in an installation in which nothing has failed yet."""

    def in_house(scenario: Scenario) -> None:
        if not houses:
            house = Installation(tmp_path_factory.mktemp("house"), images)
            houses.append(house)
            house.__enter__()
        try:
            houses[0].reset()
            Stage(scenario, houses[0], tmp_path / "button").play()
        except BaseException:
            houses.pop().__exit__()
            raise

    return in_house
