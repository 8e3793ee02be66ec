"""`siaga device simulate` as a person and a script run it: real processes, its own broker and gateway."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from textual.widgets import Static

import preloaded
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_tools.firmware_build.bundle import read_bundle
from siaga_tools.messages import Trouble
from siaga_tools.simulate.line_view import shown
from siaga_tools.simulate.screen_view import SimulateView
from siaga_tools.simulate.session import Options, Session
from waiting import RUNS_S

SIAGA = [preloaded.SIAGA, "device", "simulate"]


def simulate(*arguments: str, typed: str) -> subprocess.CompletedProcess[str]:
    return preloaded.run([*SIAGA, *arguments], feed=typed, timeout_s=RUNS_S)


def test_a_press_is_received_and_an_operator_answers_it(tmp_path: Path):
    typed = "wait enrolled\np\nwait received\na\nwait seen\na\nwait assigned\nheap\nsms +620000 halo\nq\n"
    done = simulate("--speed", "6", "--at", "--language", "en", "--data", str(tmp_path / "kept"), typed=typed)
    assert done.returncode == 0, done.stderr
    for line in (
        "Installing the firmware on t_a7670",
        "Enrolled at the gateway",
        "hand:   press",
        "shows:  RECEIVED (it is stored)",
        "operator: has seen it",
        "shows:  UNIT ASSIGNED (help is assigned)",
        "modem > AT+CMQTTPUB=0,1,60⏎",
        "memory: ",
    ):
        assert line in done.stdout, done.stdout
    assert "error" not in done.stdout
    assert (tmp_path / "kept" / "t_a7670" / "flash.img").stat().st_size == 512 * 4096


def test_the_devkit_in_indonesian_keeps_its_identity_in_a_folder(tmp_path: Path):
    """The second run of one folder is the same button, which needs no enrolment."""
    common = ("--board", "esp32_devkit", "--speed", "4", "--language", "id", "--data", str(tmp_path / "kept"))
    first = simulate(*common, typed="wait enrolled\nq\n")
    second = simulate(*common, typed="tekan\ntunggu received\nsiapa\nbattery 900\ncall 1\nq\n")
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "isyarat: DITERIMA" in second.stdout
    assert "Terdaftar" in first.stdout and "Terdaftar" not in second.stdout
    assert "siapa" in second.stdout and "battery 0..100" in second.stdout
    assert "tanpa modem" in second.stdout


def test_its_own_lines_are_json_and_settings_of_ones_own_start_no_gateway(tmp_path: Path):
    settings = tmp_path / "s.json"
    key = GatewayKey.generate().public_xy.hex()
    wanted = {"mqtt_hosts": ["127.0.0.1"], "mqtt_port": 9, "mqtt_tls": False, "gateway_key": key, "hold_ms": 300}
    settings.write_text(json.dumps(wanted), encoding="utf-8")
    done = simulate("--json", "--speed", "4", "--settings", str(settings), typed="p 0.5\nwait sending\na\nq\n")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert {"start", "state", "frame"} <= {event["ev"] for event in events}
    assert not any(event["ev"] == "ack" for event in events)
    assert len(lines) == len(events) + 1, "one answer in words: there is no operator"


@pytest.mark.parametrize("content", ["[1]", "{", None])
def test_wrong_settings_are_refused_by_name(tmp_path: Path, content: str | None):
    settings = tmp_path / "wrong.json"
    if content is None:
        done = simulate("--settings", str(settings), typed="")
        assert done.returncode == 2
        return
    settings.write_text(content, encoding="utf-8")
    done = simulate("--language", "en", "--settings", str(settings), typed="")
    assert done.returncode == 1
    assert "wrong.json" in done.stderr and "Traceback" not in done.stderr


def test_a_signal_ends_it_in_order_even_while_it_waits_and_nothing_stays_behind(tmp_path: Path):
    running = preloaded.Popen(
        [*SIAGA, "--plain", "--language", "en"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        assert running.stdout is not None and running.stdin is not None
        running.stdin.write("wait on_scene\n")
        running.stdin.flush()
        for line in running.stdout:
            if "start:" in line:
                break
        running.send_signal(signal.SIGTERM)
        rest = running.stdout.read()
        assert running.wait(RUNS_S) == 128 + signal.SIGTERM
        assert "chip:   without power" in rest
        assert list(tmp_path.iterdir()) == []
    finally:
        running.kill()
        running.wait()


def test_the_full_screen_shows_the_lamp_what_it_means_and_the_at_traffic(tmp_path: Path):
    """Without a terminal, by Textual's own pilot; the button behind it is a whole one."""

    async def play() -> None:
        app = SimulateView(Options("t_a7670", "en", data=tmp_path, speed=6, at=True), None)
        async with app.run_test(size=(120, 36)) as pilot:

            async def until(what: str, panel: str) -> None:
                until = time.monotonic() + RUNS_S
                while what not in str(app.query_one(panel, Static).content):
                    assert time.monotonic() < until, f"{what!r} never came: {app.query_one(panel, Static).content}"
                    await pilot.pause(0.1)

            await until("Enrolled", "#log")
            await pilot.press("p", "enter")
            await until("RECEIVED", "#hand")
            await until("AT+CMQTTPUB", "#wire")
            await pilot.press("a", "enter")
            await until("by an operator", "#hand")
            await pilot.press(*"what", "enter")
            await until("'what'", "#hint")
            await pilot.press("l", "enter")
            await until("petugas", "#hint")
            await pilot.press("q", "enter")
        await app.session.stop()
        assert app.trouble is None

    asyncio.run(play())


def test_nothing_is_done_before_it_is_ready():
    async def play() -> None:
        session = Session(Options("t_a7670", "en"), lambda: None)
        with pytest.raises(Trouble, match="not ready"):
            await session.obey("p")
        assert await session.obey("") == ""
        assert await session.obey("q") == "q"
        await session.stop()

    asyncio.run(play())


def test_bytes_of_a_line_are_readable():
    assert shown(b"\r\n+CMT: \x00\xff\r\n") == "⏎+CMT: \\x00\\xff⏎"


def test_the_files_for_a_real_chip_are_those_that_the_simulated_one_runs(tmp_path: Path):
    settings = tmp_path / "s.json"
    key = GatewayKey.generate().public_xy.hex()
    settings.write_text(json.dumps({"gateway_key": key, "sms_numbers": ["+6281200000000"]}), encoding="utf-8")
    command = [*SIAGA[:2], "files", str(tmp_path / "out"), "--board", "t_sim7600", "--language", "en"]
    done = subprocess.run([*command, "--settings", str(settings)], capture_output=True, text=True, check=True)
    assert (
        "mpremote cp board.txt main.py siaga-factory siaga_boot.mpy siaga_latch.mpy settings.json : + reset"
        in done.stdout
    )
    laid = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert laid == {"main.py", "board.txt", "settings.json", "siaga-factory", "siaga_boot.mpy", "siaga_latch.mpy"}
    files = read_bundle((tmp_path / "out" / "siaga-factory").read_bytes()).files
    assert {"siaga/boards/t_sim7600.mpy", "siaga/start.mpy"} <= set(files)
    assert not any("simulated" in name for name in files)
    assert (tmp_path / "out" / "board.txt").read_text(encoding="ascii") == "t_sim7600 +39 +14\n"
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 1 and "not empty" in again.stderr
