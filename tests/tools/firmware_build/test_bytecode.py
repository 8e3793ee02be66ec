"""The firmware as bytecode: all of it, small enough, the same every time, and MicroPython runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from micropython import FIRMWARE, HEAP, environment, micropython, run_main
from siaga_tools.firmware_build.bytecode import AT_HOME, TEXT_FILES, Compiled, compile_firmware, runnable
from siaga_tools.messages import Trouble
from waiting import RUNS_S


@pytest.fixture(scope="module")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Compiled]]:
    out = tmp_path_factory.mktemp("bytecode")
    return out, compile_firmware(FIRMWARE, out)


def test_everything_but_the_simulated_board_is_compiled(bytecode: tuple[Path, list[Compiled]]) -> None:
    out, compiled = bytecode
    sources = {path.relative_to(FIRMWARE).as_posix() for path in (FIRMWARE / "siaga").rglob("*.py")}
    assert sources >= AT_HOME
    assert {module.path for module in compiled} == {name.replace(".py", ".mpy") for name in sources - AT_HOME} | set(
        TEXT_FILES.values()
    )
    assert all((out / module.path).stat().st_size == module.size for module in compiled)


def test_it_is_bytecode_of_version_6_3_that_32_and_64_bits_load(bytecode: tuple[Path, list[Compiled]]) -> None:
    """The header, by docs.micropython.org/en/latest/reference/mpyfiles.html: M, version, sub-version and native
    architecture (0 = none), bits of a small integer."""
    out, compiled = bytecode
    for module in compiled:
        if module.path in TEXT_FILES.values():
            continue
        header = (out / module.path).read_bytes()[:4]
        assert header[:2] == b"M\x06", module.path
        assert header[2] >> 2 == 0, f"{module.path} has native code"
        assert header[3] <= 31, module.path


def test_the_same_source_gives_the_same_bytes_wherever_it_lies(
    bytecode: tuple[Path, list[Compiled]], tmp_path: Path
) -> None:
    out, compiled = bytecode
    shutil.copytree(FIRMWARE, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("__pycache__"))
    assert compile_firmware(tmp_path / "elsewhere", tmp_path / "out") == compiled
    for module in compiled:
        assert (tmp_path / "out" / module.path).read_bytes() == (out / module.path).read_bytes()


def test_a_button_runs_on_it(tmp_path: Path) -> None:
    room = runnable(FIRMWARE, tmp_path / "room").parent
    said = run_main(
        room,
        *("-X", f"heapsize={HEAP}"),
        feed="pin button 0\nheap\nquit\n",
        SIAGA_FLASH=str(tmp_path / "button.img"),
        SIAGA_PINS="button",
    )
    told = [json.loads(line) for line in said.splitlines()]
    assert [line["device_id"] for line in told if line["ev"] == "start"], "a key was made, and signed with"
    assert [line for line in told if line["ev"] == "heap"]


def test_a_source_that_does_not_compile_is_named(tmp_path: Path) -> None:
    (tmp_path / "siaga").mkdir()
    (tmp_path / "main.py").write_text("")
    (tmp_path / "siaga" / "wrong.py").write_text("def press(:\n")
    with pytest.raises(Trouble) as caught:
        compile_firmware(tmp_path, tmp_path / "out")
    assert caught.value.name == "mpy_failed"
    assert "siaga/wrong.py" in str(caught.value) and "SyntaxError" in str(caught.value)


def test_a_folder_without_firmware_is_named(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="firmware is not in"):
        compile_firmware(tmp_path, tmp_path / "out")


def test_what_is_for_the_type_checker_only_stays_at_home(tmp_path: Path) -> None:
    (tmp_path / "siaga").mkdir()
    (tmp_path / "main.py").write_text("")
    tail = "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from siaga.app.settings_rules import Settings\n\n    X = 1\n"
    sizes = {}
    for name, text in {"bare": "a = 1\n", "typed": "a = 1\n\n" + tail}.items():
        (tmp_path / "siaga" / f"{name}.py").write_text(text)
    for module in compile_firmware(tmp_path, tmp_path / "out"):
        sizes[module.path] = module.size - len(module.path)
    assert sizes["siaga/bare.mpy"] == sizes["siaga/typed.mpy"]


def test_every_type_checking_block_of_the_firmware_is_left_out(bytecode: tuple[Path, list[Compiled]]) -> None:
    out, compiled = bytecode
    assert [m.path for m in compiled if b"TYPE_CHECKING" in (out / m.path).read_bytes()] == []


def test_a_chips_traceback_has_the_names_and_lines_of_the_sources(tmp_path: Path) -> None:
    (tmp_path / "siaga").mkdir()
    (tmp_path / "main.py").write_text("")
    (tmp_path / "siaga" / "fails.py").write_text("a = 1\n\n\ndef late():\n    raise ValueError\n")
    compile_firmware(tmp_path, tmp_path / "out")
    done = subprocess.run(
        [micropython(), "-c", "import siaga.fails; siaga.fails.late()"],
        env=environment(MICROPYPATH=str(tmp_path / "out")),
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        check=False,
    )
    assert 'siaga.fails", line 5, in late' in done.stdout + done.stderr
