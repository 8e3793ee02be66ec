"""`siaga device run`: one virtual button by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from siaga_gateway import catalogue
from siaga_tools.micropython import find_firmware
from siaga_tools.simulate.log_view import text
from tools.siaga_process import siaga


def test_a_button_is_pressed_by_hand(runtime: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"hold_ms": 150, "cancel_hold_ms": 900, "duress_hold_ms": 0}))
    done = siaga(
        *("device", "run", "--flash", str(tmp_path / "button.img"), "--settings", str(settings), "--language", "en"),
        runtime=runtime,
        feed="h\nbattery 40\nbattery 400\np\nq\n",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for part in (
        "Button ",  # its device_id and version
        "shows:  NOT SET UP (reaches nobody)",
        "error:  setting mqtt_hosts is missing",
        "error:  not understood: battery 400",
        " pressed (-)",
        " stored on the flash (-)",
        "shows:  SENDING (awaits an answer)",
    ):
        assert part in done.stdout, done.stdout
    assert "{" not in done.stdout  # words, and no Python
    assert (tmp_path / "button.img").stat().st_size == 128 * 4096


def test_its_lines_come_as_json_and_its_flash_keeps_who_it_is(runtime: Path, tmp_path: Path) -> None:
    starts = []
    for _ in range(2):
        done = siaga("device", "run", "--flash", str(tmp_path / "b.img"), "--json", runtime=runtime, feed="q\n")
        assert done.returncode == 0, done.stderr
        told = [json.loads(line) for line in done.stdout.splitlines()]
        starts += [line for line in told if line["ev"] == "start"]
    assert len(starts) == 2 and starts[0]["device_id"] == starts[1]["device_id"]
    assert starts[1]["restarts"] > starts[0]["restarts"]


def test_a_missing_interpreter_is_named(runtime: Path, tmp_path: Path) -> None:
    done = siaga(
        *("device", "run", "--flash", str(tmp_path / "b.img"), "--micropython", "/no/such", "--language", "en"),
        runtime=runtime,
    )
    assert done.returncode == 1 and done.stderr.startswith("siaga: --micropython names '/no/such', which is no program")


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_every_step_of_a_frame_has_its_words(language: str) -> None:
    readme = (find_firmware().parent / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if line.startswith("| `frame` |"))
    steps = re.findall(r"[a-z]{4,}(?=,|  *\()", row.split("`step`: ")[1])
    assert steps[0] == "pressed" and steps[-1] == "witnessed"
    for step in steps:
        assert text(f"frame.{step}", language)


def test_a_first_start_is_told_in_one_language(runtime: Path, tmp_path: Path) -> None:
    flash = str(tmp_path / "b.img")
    done = siaga("device", "run", "--flash", flash, "--language", "id", runtime=runtime, feed="p\nq\n")
    assert done.returncode == 0, done.stderr
    assert "mulai pertama kali: kunci baru dibuat" in done.stdout and "first start" not in done.stdout, done.stdout
    assert "tersimpan di flash" in done.stdout and "step" not in done.stdout, done.stdout
