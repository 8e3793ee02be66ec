"""Which files of the firmware a board is given: what it can come to import, by firmware/siaga/boards/installed.toml."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from siaga_tools.shorten.program import Module, Program

MANIFEST: Final = "siaga/boards/installed.toml"
_DRIVERS: Final = "siaga.drivers."


def boards(firmware: Path) -> tuple[str, ...]:
    return tuple(tomllib.loads((firmware / MANIFEST).read_text(encoding="utf-8"))["boards"])


def board_line(firmware: Path, board: str) -> str:
    """What /board.txt says on this board: its name, and the pins that the loader takes HIGH first."""
    early = tomllib.loads((firmware / MANIFEST).read_text(encoding="utf-8"))["early"].get(board, ())
    return " ".join([board, *(str(pin) for pin in early)])


def of_boards(firmware: Path, program: Program, around: list[str], names: tuple[str, ...]) -> frozenset[str]:
    """The paths, such as siaga/core/at.py, of what these boards can come to import. Raises KeyError for a board that
    the manifest does not know. around: the files that start the firmware."""
    manifest = tomllib.loads((firmware / MANIFEST).read_text(encoding="utf-8"))
    reached: set[str] = set()
    for name in names:
        parts = manifest["boards"][name]
        without = {
            _DRIVERS + driver for part, drivers in manifest["parts"].items() if part not in parts for driver in drivers
        }
        start = [dotted for text in around for dotted in imported(program, Module("", text))]
        reached |= _reachable(program, [*start, f"siaga.boards.{name}"], without)
    return frozenset(program.modules[dotted].path for dotted in reached)


def _reachable(program: Program, start: list[str], without: set[str]) -> set[str]:
    reached: set[str] = set()
    ahead = [*start]
    while ahead:
        dotted = ahead.pop()
        if dotted in reached or dotted in without:
            continue
        reached.add(dotted)
        ahead.extend(imported(program, program.modules[dotted]))
        if "." in dotted:
            ahead.append(dotted.rpartition(".")[0])
    return reached


def imported(program: Program, module: Module) -> Iterator[str]:
    """What the file imports anywhere, of the program."""
    for node in module.running():
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if name in program.modules)
