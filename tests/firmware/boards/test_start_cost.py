"""A start reads little of its flash before it listens, and signs nothing. Its instructions: `make bench`."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.boards.start_cost_counted import AS_ONCE_SHIPPED, POWER_ON, SETTINGS, Start


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    return Start(tmp_path_factory.mktemp("start"), "t_a7670", dict(SETTINGS))


@pytest.mark.parametrize("moment", ["look", "hand"])
def test_no_more_is_read_before_the_button_listens_than_once_shipped(start: Start, moment: str) -> None:
    cost = start.until(moment)
    assert 0 < cost["opened"] <= AS_ONCE_SHIPPED[moment]["opened"]
    assert 0 < cost["reads"] <= AS_ONCE_SHIPPED[moment]["reads"] and cost["bytes"] <= AS_ONCE_SHIPPED[moment]["bytes"]


@pytest.mark.parametrize("cause", [POWER_ON, 4])
def test_no_signature_is_made_before_the_button_listens(start: Start, cause: int) -> None:
    assert start.until("hand", cause, 2 if cause == 4 else 0)["signed"] == 0


def test_a_first_start_makes_a_key_and_signs_before(tmp_path: Path) -> None:
    """So that the counting counts."""
    assert Start(tmp_path, "t_a7670", dict(SETTINGS)).first["signed"] > 0
