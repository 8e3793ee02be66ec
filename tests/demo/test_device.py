"""`siaga device run`: one virtual button by hand."""

from __future__ import annotations

import json
from pathlib import Path

from demo_process import siaga


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
        "step pressed",
        "step stored",
        "shows:  SENDING (awaits an answer)",
    ):
        assert part in done.stdout, done.stdout
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
