"""The heap is collected in quiet moments: in a chip's PSRAM that takes a tenth of a second, in which nobody looks."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from bare_chip import BareChip

from micropython import FIRMWARE, micropython
from siaga_tools.simulate.image import Installer
from siaga_tools.simulate.wiring import BOARDS

BOARD = "esp32_devkit"
SPEED = 20
# The firmware itself, each of whose own collections is told.
MAIN = """
import gc
import sys


class Gc:
    def collect(self):
        print('{"ev": "collected"}')
        gc.collect()

    def __getattr__(self, name):
        return getattr(gc, name)


sys.modules["gc"] = Gc()
import siaga_boot

siaga_boot.run()
"""


def test_it_is_collected_while_nobody_is_at_the_button_and_not_under_the_hand(images, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    image = tmp_path / "flash.img"
    shutil.copy(images.of(BOARD), image)
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "settings.json").write_text('{"hold_ms": 10000, "cancel_hold_ms": 30000, "duress_hold_ms": 0}')
    files = {tmp_path / name: f"/{name}" for name in ("main.py", "settings.json")}
    Installer(micropython(), FIRMWARE, tmp_path).copy(image, files)
    button = BOARDS[BOARD].button

    with BareChip(image, BOARDS[BOARD], speed=SPEED) as chip:

        def events() -> list[str]:
            return [str(json.loads(line).get("ev")) for line in chip.said if line.startswith('{"')]

        chip.until(lambda: "state" in events(), "start")
        before = len(events())
        chip.until(lambda: events()[before:].count("collected") >= 3, "collections while it is idle")
        time.sleep(6 / SPEED)  # so that the next one would come under the hand
        chip.chip.drive(button.pin, button.level(True))
        chip.until(lambda: "button" in events(), "a hand")
        chip.until(lambda: "frame" in events(), "a press after ten seconds")
        under = events()[events().index("button") : events().index("frame")]
        assert "collected" not in under
