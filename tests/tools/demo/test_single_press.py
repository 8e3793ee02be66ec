"""`siaga demo --once`: the whole path on the real parts, and one clear line for each thing that can be missing."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from siaga_gateway import catalogue
from siaga_tools.demo.folder import DemoFolder
from siaga_tools.demo.run import DemoOptions
from siaga_tools.demo.single_press import press_once
from siaga_tools.install_source import install_command
from tools.siaga_process import Running, all_gone, children, siaga
from waiting import ENDS_S, RUNS_S

HOPS = [key.removeprefix("demo.hop.") for key in catalogue.texts("demo", "en") if key.startswith("demo.hop.")]


def hop_times(output: str) -> dict[str, int]:
    """Each hop's time since the press from the table that people read."""
    names = {catalogue.text(f"demo.hop.{hop}", "en"): hop for hop in HOPS}
    rows = re.findall(r"^  (\S.*?)  +(\d+) ms(?: +(?:\d+ ms|-))?$", output, re.MULTILINE)
    return {names[name]: int(ms) for name, ms in rows}


def test_a_press_reaches_every_hop_and_the_times_are_printed(runtime: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = siaga("demo", "--once", "--fast", "--language", "en", "--data", str(kept), runtime=runtime, executed=True)
    assert done.returncode == 0, done.stderr
    times = hop_times(done.stdout)
    assert set(times) == set(HOPS) - {"stored_test"}
    # What one process does in order has its times in order; all of it lies between the press and the deadlines.
    assert times["pressed"] == 0
    assert times["kept"] <= times["signed"] <= times["published"]
    assert times["gateway"] <= times["stored"] <= times["ack"]
    total = re.search(r"answer shown on the button: (\d+) ms$", done.stdout.strip())
    assert total is not None and int(total[1]) == times["ack"]
    # It really was sent: the CAP message names the invented owner and says that it is an exercise.
    (message,) = (kept / "cap").glob("*.cap.xml")
    text = message.read_text(encoding="utf-8")
    assert "Siti Contoh" in text and "<status>Exercise</status>" in text
    # And it was stored once, by the gateway's own word.
    log = siaga("gateway", "log", "--config", str(kept / "siaga.toml"), "--json", runtime=runtime)
    kinds = [json.loads(line)["kind"] for line in log.stdout.splitlines()]
    assert kinds.count("incident_opened") == 1 and kinds.count("delivered") == 2 and kinds.count("enrolled") == 3


def test_a_gateway_that_dies_in_the_middle_is_named(runtime: Path) -> None:
    demo = Running("demo", "--once", "--language", "en", runtime=runtime)  # two seconds' hold: time to kill in
    try:
        demo.wait_line("held for 2 s")
        family = children(demo.process.pid)
        (gateway,) = (pid for pid, command in family.items() if "gateway run" in command)
        os.kill(gateway, signal.SIGKILL)
        assert demo.wait() == 1
        assert any(line.startswith("siaga: ") and "The gateway ended (SIGKILL)" in line for line in demo.lines), (
            demo.lines
        )
        assert all_gone(family, deadline_s=ENDS_S) == {}, "a killed gateway's own"
    finally:
        demo.close()


def once(capfd: pytest.CaptureFixture[str], *, as_json: bool = False, **options: Any) -> tuple[int, str, str]:
    """The same in this process, for what ends before anything is started: exit code and both streams."""
    code = asyncio.run(press_once(DemoOptions(language="en", recover=False, **options), as_json=as_json))
    out, err = capfd.readouterr()
    return code, out, err.strip()


def test_a_missing_micropython_is_named_with_the_mend(runtime: Path) -> None:
    done = siaga("demo", "--once", "--language", "en", runtime=runtime, SIAGA_MICROPYTHON="/no/such/micropython")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.strip() == (
        "siaga: SIAGA_MICROPYTHON names '/no/such/micropython', which is no program. Name the path of a MicroPython "
        "unix port that has vfs.VfsLfs2"
    )


def test_a_program_that_is_no_micropython_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = once(capfd, micropython="/bin/false")
    assert code == 1
    assert err.startswith("siaga: /bin/false is no MicroPython unix port with vfs.VfsLfs2, asyncio and ssl (-)")


@pytest.mark.parametrize("option", ["broker_port", "console_port"])
def test_a_busy_port_is_named_with_the_option_that_chooses_another(
    capfd: pytest.CaptureFixture[str], option: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = once(capfd, **{option: port})
    assert code == 1
    flag = "--" + option.replace("_", "-")
    assert err == f"siaga: Port {port} on 127.0.0.1 is in use. Choose another with {flag}, or stop whoever uses it"


def test_a_privileged_port_is_refused_also_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = once(capfd, as_json=True, broker_port=80)
    assert code == 1 and err == "siaga: --broker-port 80: a port from 1024 to 65535"
    told = json.loads(out)
    assert told["ok"] is False and told["trouble"] == "port_wrong" and err.endswith(told["text"])


def test_a_folder_that_is_not_a_demos_is_left_alone(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    code, _, err = once(capfd, data=tmp_path)
    assert code == 1
    assert err == f"siaga: Folder {tmp_path} is neither empty nor a demo's. Name a new folder with --data"
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_in_use_by_another_demo_is_refused(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first = DemoFolder(tmp_path / "demo")
    try:
        code, _, err = once(capfd, data=tmp_path / "demo")
    finally:
        first.close()
    assert code == 1 and "is in use by another demo" in err


def test_a_folder_that_cannot_be_made_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = once(capfd, data=Path("/dev/null/demo"))
    assert code == 1 and "/dev/null/demo" in err and "--data" in err


@pytest.mark.parametrize("module", ["iotcore", "textual"])
def test_a_missing_extra_is_named_with_the_command_that_installs_it(runtime: Path, module: str) -> None:
    # None in sys.modules is what makes `import` fail as if the package were not there (Python reference, 5.3.1).
    program = f"import sys; sys.modules[{module!r}] = None; from siaga_tools.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "demo", "--once", "--language", "en"],
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"siaga: The demo's parts are not installed ({module}). Install them with: {install_command('demo')}"
    )


def test_help_needs_none_of_the_heavy_packages() -> None:
    heavy = ("textual", "rich", "iotcore", "fastapi", "uvicorn", "pydantic", "cryptography", "httpx", "paho")
    program = (
        "import sys; from siaga_tools.cli import siaga\n"
        "try: siaga(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=RUNS_S, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
