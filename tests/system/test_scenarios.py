"""The scenarios of all files: networks, hands, power. In one module, since each place beside the others needs an
installation of its own, whose start takes as long as some scenarios."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from system.scenario import Scenario, read_all

pytestmark = pytest.mark.side_by_side(4)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("scenario", read_all(), ids=lambda one: f"{one.file}-{one.name}")
def test_scenario(scenario: Scenario, play: Callable[[Scenario], None]) -> None:
    play(scenario)
