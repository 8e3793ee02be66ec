"""What is on the flash, under MicroPython with the real littlefs: records, identity, counters, outbox."""

from __future__ import annotations

from pathlib import Path

from micropython import run_micropython

ON_BUTTON = Path(__file__).resolve().parents[1] / "on_button"


def test_the_power_is_cut_at_every_single_flash_operation():
    said = run_micropython(ON_BUTTON / "power_cuts.py", heap="8M").splitlines()
    # littlefs' own complaints about files of a cut life that are collected later stand before it.
    word, first, second = said[-1].split()
    assert word == "survived"
    assert int(first) > 40 and int(second) > 40, "too few operations for a life"


def test_identity_counters_and_outbox_hold_what_they_promise():
    said = run_micropython(ON_BUTTON / "flash_room.py", heap="4M").splitlines()
    assert len([line for line in said if line.startswith("holds:")]) == 13
