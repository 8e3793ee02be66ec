"""Power, sleep and what is screwed to the board: scenarios/power.toml."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from system.scenario import FOLDER, Scenario, read

pytestmark = pytest.mark.side_by_side(3)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", read(FOLDER / "power.toml"), ids=lambda one: str(one.name))
def test_scenario(scenario: Scenario, play: Callable[[Scenario], None]) -> None:
    play(scenario)
