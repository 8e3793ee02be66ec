"""If any bearer works for 20 s, the press is delivered: the search is in on_button/bearer_model.py, and can fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from micropython import run_micropython
from siaga.core import bearer_policy, frame

ON_BUTTON = Path(__file__).resolve().parents[1] / "on_button"
sys.path.append(str(ON_BUTTON))

import bearer_model  # noqa: E402


@pytest.mark.parametrize("kind", [bearer_model.PLAIN, bearer_model.LORAWAN, bearer_model.COSTLY])
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_twenty_good_seconds_of_any_bearer_are_enough(before, kind):
    offsets = (0, 1000, 2000, 3000, 4000) if before < 2 else (0, 2000)
    assert bearer_model.search(before, kind, offsets) > 1000


def test_the_search_finds_a_press_that_rests_too_long(monkeypatch):
    monkeypatch.setitem(bearer_policy._WAITS, frame.PRESS, (3000, 30000))
    with pytest.raises(bearer_model.Violation):
        bearer_model.search(0, bearer_model.PLAIN)


def test_the_search_finds_a_bearer_that_starts_too_late(monkeypatch):
    monkeypatch.setattr(bearer_policy, "_LATEST_MS", 60_000)
    with pytest.raises(bearer_model.Violation):
        bearer_model.search(3, bearer_model.PLAIN)


def test_the_search_finds_a_bearer_whose_return_goes_unnoticed(monkeypatch):
    monkeypatch.setattr(bearer_policy, "renewed", lambda *_: None)
    monkeypatch.setitem(bearer_policy._COSTLY, frame.PRESS, (300_000, 300_000))
    with pytest.raises(bearer_model.Violation):
        bearer_model.search(0, bearer_model.COSTLY)


def test_the_chip_s_own_python_finds_the_same():
    here = sum(bearer_model.search(1, kind, (0,)) for kind in bearer_model.DOES)
    said = run_micropython(ON_BUTTON / "bearer_model.py", heap="64M").split()
    assert said[0] == "states" and sum(map(int, said[1:])) == here
