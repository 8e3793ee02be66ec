"""The heap is collected in quiet moments: in a chip's PSRAM that takes a tenth of a second, in which nobody looks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from firmware.boards.bare_chip import BareChip
from micropython import FIRMWARE, flash_image, micropython
from siaga_tools.board_wiring import BOARDS
from siaga_tools.simulate.flash_image import Installer

BOARD = "esp32_devkit"
SPEED = 10
TIDY_MS = 10000
TRIES = 5
# The firmware itself, each of whose own collections is told, and each tick with its time: a collection that is due is
# made in the tick after whose line its own stands.
MAIN = """
import gc
import sys


class Gc:
    told = False

    def collect(self):
        alarm = sys.modules.get("siaga.core.alarm")
        if alarm is not None and not Gc.told:
            Gc.told = True
            tell_ticks(alarm)
        print('{"ev": "collected"}')
        gc.collect()

    def __getattr__(self, name):
        return getattr(gc, name)


def tell_ticks(alarm):
    step = alarm.next_state

    def told(state, event, now_ms):
        if event[0] == alarm.TICK:
            print('{"ev": "tick", "ms": %d}' % now_ms)
        return step(state, event, now_ms)

    alarm.next_state = told


sys.modules["gc"] = Gc()
import siaga_boot

siaga_boot.run()
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    image = tmp_path / "flash.img"
    shutil.copy(flash_image(BOARD), image)
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "settings.json").write_text('{"hold_ms": 10000, "cancel_hold_ms": 30000, "duress_hold_ms": 0}')
    files = {tmp_path / name: f"/{name}" for name in ("main.py", "settings.json")}
    Installer(micropython(), FIRMWARE, tmp_path).copy(image, files)
    return image


def test_it_is_collected_while_nobody_is_at_the_button_and_never_under_the_hand_or_during_an_incident(
    image: Path,
) -> None:
    assert any(_falls_due_under_the_hand(image) for _ in range(TRIES)), "a machine too busy to try it on"


def _falls_due_under_the_hand(image: Path) -> bool:
    """Hold it so that a collection falls due before that is a press; False: none did, on a busy machine."""
    contact = BOARDS[BOARD].button
    with BareChip(image, BOARDS[BOARD], speed=SPEED) as chip:

        def events() -> list[dict[str, Any]]:
            return [json.loads(line) for line in chip.said if line.startswith('{"')]

        def first(word: str) -> int:
            return next((at for at, event in enumerate(events()) if event["ev"] == word), -1)

        def last_ms(before: int | None = None) -> int:
            return next((event["ms"] for event in reversed(events()[:before]) if event["ev"] == "tick"), 0)

        def collected_ms(before: int | None = None) -> int:
            """In the tick of which time, at last."""
            at = max((at for at, event in enumerate(events()[:before]) if event["ev"] == "collected"), default=0)
            return last_ms(at)

        chip.until(lambda: [event["ev"] for event in events()].count("collected") >= 4, "collections while it is idle")
        idle_ms = collected_ms()
        chip.until(lambda: last_ms() - idle_ms >= TIDY_MS // 2, "the half of the time up to the next one")
        chip.chip.drive(contact.pin, contact.level(True))
        chip.until(lambda: first("frame") >= 0, "a press after ten seconds")
        down, pressed = first("button"), first("frame")
        due_ms = collected_ms(down) + TIDY_MS
        chip.chip.drive(contact.pin, contact.level(False))
        chip.until(lambda: last_ms() - last_ms(pressed) > TIDY_MS, "as long a time in the incident")
        assert "collected" not in [event["ev"] for event in events()[down:]]
        return any(event["ev"] == "tick" and event["ms"] >= due_ms for event in events()[down:pressed])
