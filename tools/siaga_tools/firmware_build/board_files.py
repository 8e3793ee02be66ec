"""The firmware files that a board needs: what it may import, according to firmware/siaga/boards/installed.toml."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from siaga_tools.firmware_build.syntax_trees import syntax_tree
from siaga_tools.messages import Trouble

MANIFEST: Final = "siaga/boards/installed.toml"
_DRIVERS: Final = "siaga.drivers."


def boards(firmware: Path) -> tuple[str, ...]:
    return tuple(tomllib.loads((firmware / MANIFEST).read_text(encoding="utf-8"))["boards"])


def board_line(firmware: Path, board: str) -> str:
    """Return this board's /board.txt: its name, the pins that the loader sets HIGH first, and the contacts that it
    samples."""
    manifest = tomllib.loads((firmware / MANIFEST).read_text(encoding="utf-8"))
    early = manifest["early"].get(board, ())
    return " ".join([board, *(str(pin) for pin in early), *manifest["contacts"][board]])


def of_boards(firmware: Path, sources: dict[str, str], names: tuple[str, ...]) -> frozenset[str]:
    """Return the paths, such as siaga/core/at.py, of what these boards may import. sources: by path, without
    type-checking code. Raises KeyError for a board missing from the manifest, Trouble for a source that does not
    parse."""
    manifest = tomllib.loads((firmware / MANIFEST).read_text(encoding="utf-8"))
    paths = {_dotted(path): path for path in sources}
    around = [source.read_text(encoding="utf-8") for source in sorted(firmware.glob("*.py"))]
    start = [dotted for text in around for dotted in _imported(text, "", paths)]
    reached: set[str] = set()
    for name in names:
        parts = manifest["boards"][name]
        without = {
            _DRIVERS + driver for part, drivers in manifest["parts"].items() if part not in parts for driver in drivers
        }
        ahead = [*start, f"siaga.boards.{name}"]
        mine = set(without)
        while ahead:
            dotted = ahead.pop()
            if dotted not in mine:
                mine.add(dotted)
                ahead.extend(_imported(sources[paths[dotted]], paths[dotted], paths))
                ahead.extend([dotted.rpartition(".")[0]] if "." in dotted else [])
        reached |= mine - without
    return frozenset(paths[dotted] for dotted in reached)


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(text: str, path: str, known: Iterable[str]) -> Iterator[str]:
    """Yield what the file imports anywhere, as far as known."""
    try:
        ahead: list[ast.AST] = [syntax_tree(text)]
    except SyntaxError as error:
        raise Trouble("mpy_failed", file=path, why=f"SyntaxError: {error.msg} (line {error.lineno})") from error
    while ahead:
        node = ahead.pop()
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            ahead.extend(ast.iter_child_nodes(node))
            continue
        yield from (name for name in names if name in known)
