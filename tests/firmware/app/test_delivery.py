"""From the outbox to several bearers at once, under MicroPython."""

from __future__ import annotations

from pathlib import Path

from micropython import run_micropython

ON_BUTTON = Path(__file__).resolve().parents[1] / "on_button"


def test_bearers_work_side_by_side_and_a_signature_is_owed_until_it_is_answered():
    said = run_micropython(ON_BUTTON / "side_by_side.py", heap="4M").splitlines()
    assert len([line for line in said if line.startswith("holds:")]) == 4


def test_a_press_that_waits_hurries_every_real_bearer():
    said = run_micropython(ON_BUTTON / "hurrying.py", heap="4M").splitlines()
    assert len([line for line in said if line.startswith("holds:")]) == 9


def test_the_first_check_in_of_a_run_and_one_a_day_are_signed_and_the_others_carry_a_mac():
    said = run_micropython(ON_BUTTON / "checkin_forms.py", heap="4M").splitlines()
    assert len([line for line in said if line.startswith("holds:")]) == 7
