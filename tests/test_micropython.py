"""The interpreter that tests start is the one that a user has, but starts sooner."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from micropython import micropython
from waiting import RUNS_S

LONG = "print('y' * 100_000)"
PROGRAMS = (
    LONG,
    "import sys; sys.stderr.write('complained'); sys.exit()",
    "import sys; print('some', end=''); sys.exit(3)",
    "import sys; sys.exit('a reason')",
    "raise SystemExit(300)",
    "1 / 0",
    "import os; print(os.system('exit 3'))",
    "import sys; sys.atexit(lambda: print('at the end')); print('first')",
    "print(input())",
    "import sys; print(sys.argv, sys.version)",
)


def told(interpreter: str, *arguments: str) -> tuple[int, str, str]:
    """What a run ends with and says."""
    done = subprocess.run(
        [interpreter, *arguments], input="a line\n", capture_output=True, text=True, timeout=RUNS_S, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def installed() -> str:
    """As its wheel has installed it."""
    found = shutil.which("micropython", path=str(Path(sys.executable).parent))
    if found is None or micropython() == found:
        pytest.skip("this MicroPython is no script of a wheel: it is started as it is")
    return found


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_says_and_ends_with_what_the_installed_one_does(installed: str, program: str) -> None:
    assert told(micropython(), "-c", program) == told(installed, "-c", program)


def test_a_program_in_a_file_too(installed: str, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"{LONG}\nimport sys\nsys.exit(5)\n")
    got = told(micropython(), str(file), "one", "two")
    assert got[:2] == (5, "y" * 100_000 + "\n")
    assert got == told(installed, str(file), "one", "two")


def test_what_is_told_into_a_file_is_all_there(installed: str, tmp_path: Path) -> None:
    for interpreter in (micropython(), installed):
        with (tmp_path / "told").open("w") as out:
            assert subprocess.run([interpreter, "-c", LONG], stdout=out, timeout=RUNS_S, check=False).returncode == 0
        assert (tmp_path / "told").read_text() == "y" * 100_000 + "\n"
