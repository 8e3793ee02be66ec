"""Run a program under real MicroPython, as the button would.

The interpreter is `micropython` beside this Python's own executable, else the one on PATH; SIAGA_MICROPYTHON names
another. HEAP is what a 64-bit build is given: some 350 KB of a chip (firmware/README.md, Memory).
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from siaga_tools.mpy import runnable

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
HEAP = "512k"


def const(value: int) -> int:
    """MicroPython's own, for the firmware's modules that a test imports."""
    return value


def micropython() -> str:
    """The interpreter's path. Raises FileNotFoundError with what to do where there is none."""
    named = os.environ.get("SIAGA_MICROPYTHON")
    found = shutil.which(named) if named else None
    if named and found is None:
        raise FileNotFoundError(f"SIAGA_MICROPYTHON names {named!r}, which is no program")
    if found is None:
        found = shutil.which("micropython", path=str(Path(sys.executable).parent)) or shutil.which("micropython")
    if found is None:
        raise FileNotFoundError(
            "no MicroPython: run `make setup`, or name one by SIAGA_MICROPYTHON=/path/to/micropython"
        )
    return found


@functools.cache
def compiled() -> Path:
    """main.py of the firmware as bytecode, which is what runs on the chip and leaves the compiler's memory free."""
    digest = hashlib.sha256()
    tools = ROOT / "tools" / "siaga_tools"
    for file in [*sorted(FIRMWARE.rglob("*.py")), tools / "mpy.py", tools / "long_texts.py"]:
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    room = ROOT / "build" / "bytecode" / digest.hexdigest()[:16]
    if not (room / "main.py").is_file():
        fresh = room.with_name(f"{room.name}.{os.getpid()}")
        runnable(FIRMWARE, fresh)
        try:
            fresh.rename(room)
        except OSError:  # another worker was faster
            shutil.rmtree(fresh)
    return room / "main.py"


def environment(**extra: str) -> dict[str, str]:
    """The environment in which `import siaga` finds the firmware."""
    return {**os.environ, "MICROPYPATH": f"{FIRMWARE}:.frozen", **extra}


def run_micropython(
    program: Path | str, *arguments: str, feed: str = "", heap: str = HEAP, deadline_s: float = 120
) -> str:
    """Run a file (a Path) or a program text (a str) to its end and return what it printed.

    A program that fails, or does not end within the deadline, is an AssertionError with everything that it said.
    """
    source = [str(program)] if isinstance(program, Path) else ["-c", program]
    command = [micropython(), "-X", f"heapsize={heap}", *source, *arguments]
    try:
        done = subprocess.run(
            command,
            input=feed,
            capture_output=True,
            text=True,
            env=environment(),
            cwd=ROOT,
            timeout=deadline_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"MicroPython did not end within {deadline_s} s; it said {error.output!r}") from error
    if done.returncode:
        raise AssertionError(f"MicroPython ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def run_main(room: Path, *arguments: str, feed: str = "", deadline_s: float = 120, **environ: str) -> str:
    """What main.py in that folder prints, with the folder's own modules in place of the firmware's. arguments: of the
    interpreter. A program that fails is an AssertionError with what it said."""
    done = subprocess.run(
        [micropython(), *arguments, "main.py"],
        cwd=room,
        env=environment(MICROPYPATH=f"{room}:.frozen", **environ),
        input=feed,
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
