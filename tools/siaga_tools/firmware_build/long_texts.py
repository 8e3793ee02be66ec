"""Moves texts for people from the firmware's code into a file a language, from which siaga/long_texts.py on the button
reads one at a time. Line numbers are unchanged.

Moved is a text of several words in a function's body: what is raised, reported or logged; and a shorter one that has a
translation (firmware/long_texts.id.toml: the English text of the sources is the key). It stays where it is if it is
compared with something, in the simulated board, which runs before there is a file system, and in modules that parse a
receiver's output: errors there are routine, once a second.
"""

from __future__ import annotations

import ast
import re
import tomllib
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from siaga_tools.firmware_build.syntax_trees import syntax_tree
from siaga_tools.messages import Trouble

HOME: Final = "siaga/long_texts.py"
TRANSLATIONS: Final = "long_texts.id.toml"
LANGUAGES: Final = ("en", "id")
_CALL: Final = "long_text"
_WINDOW_BITS: Final = 10  # must match siaga/long_texts.py
_SHORTEST: Final = 16  # below that the call costs as much as it saves
_FOR_PEOPLE: Final = re.compile(r"[^\x00-\x1f]* [^\x00-\x1f]* [^\x00-\x1f]*")
STAYS: Final = (
    "siaga/boards/simulated.py",
    "siaga/core/fix.py",
    "siaga/core/nmea.py",
    "siaga/core/modem_fix.py",
    HOME,
)
_Place = tuple[int, int]


def translations(firmware: Path) -> dict[str, str]:
    """Return Indonesian by English. Raises Trouble."""
    file = firmware / TRANSLATIONS
    try:
        return {str(english): str(text) for english, text in tomllib.loads(file.read_text(encoding="utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Trouble("mpy_failed", file=file.name, why=error) from error


def in_languages(texts: list[tuple[str, str]], indonesian: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the texts in the order of their numbers, by language; English if there is no translation."""
    return {
        "en": [text for _, text in texts],
        "id": [indonesian.get(text, text) for _, text in texts],
    }


def take_out(sources: dict[str, str], short: Collection[str] = ()) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the sources by path with long_text(number) in place of their long texts, and these: (path, text) by
    number. short: texts moved although short. Raises Trouble if a source uses that name or does not parse."""
    texts: list[tuple[str, str]] = []
    if HOME not in sources:
        return sources, texts
    changed = dict(sources)
    for path, source in sorted(sources.items()):
        if path.startswith(STAYS):
            continue
        tree = _parsed(path, source)
        nodes = list(ast.walk(tree))
        found = sorted(_long_texts(nodes, source, short), key=lambda pair: (pair[0].lineno, pair[0].col_offset))
        if not found:
            continue
        if any(isinstance(node, (ast.Name, ast.arg)) and _name_of(node) == _CALL for node in nodes):
            raise Trouble("mpy_failed", file=path, why=f"the name {_CALL} is wanted by the compile step")
        numbers: dict[str, int] = {}
        edits: list[tuple[_Place, _Place, str]] = []
        for node, formatted in found:
            text = str(node.value)
            if text not in numbers:
                numbers[text] = len(texts)
                texts.append((path, text))
            edits += _edits(node, formatted, numbers[text], source)
        first = next(statement for statement in tree.body if not _is_docstring(statement))
        at = first if isinstance(first, (ast.Import, ast.ImportFrom, ast.Assign)) else tree.body[0]
        place = (at.lineno, at.col_offset)
        edits.append((place, place, f"from {HOME.removesuffix('.py').replace('/', '.')} import {_CALL}; "))
        changed[path] = _replaced(source, edits)
    return changed, texts


def packed(texts: list[str]) -> bytes:
    """Return the file: the texts, a line each, deflated; the same bytes every time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -_WINDOW_BITS, 9)
    return packer.compress("".join(f"{text}\n" for text in texts).encode()) + packer.flush()


def unpacked(file: bytes) -> list[str]:
    """Return the texts in such a file, by their numbers."""
    return zlib.decompress(file, -_WINDOW_BITS).decode().splitlines()


def _parsed(path: str, source: str) -> ast.Module:
    try:
        return syntax_tree(source)
    except SyntaxError as error:
        raise Trouble("mpy_failed", file=path, why=f"SyntaxError: {error.msg} (line {error.lineno})") from error


def _name_of(node: ast.Name | ast.arg) -> str:
    return node.id if isinstance(node, ast.Name) else node.arg


def _edits(
    node: ast.Constant, formatted: ast.BinOp | None, number: int, source: str
) -> list[tuple[_Place, _Place, str]]:
    if formatted is None:
        return [(_start(node), _end(node), f"{_CALL}({number})")]
    right = formatted.right
    opening = (_start(node), _start(right), f"{_CALL}({number}, ")
    if _between(node, formatted, source.split("\n")).endswith(b"("):
        return [opening]  # its bracket closes the call
    return [opening, (_end(right), _end(right), ")")]


def _start(node: ast.expr) -> _Place:
    return node.lineno, node.col_offset


def _end(node: ast.expr) -> _Place:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def _replaced(source: str, edits: list[tuple[_Place, _Place, str]]) -> str:
    """Return the text with the edits, each line where it was. A place: (line, from 1; byte of the line, from 0)."""
    lines = [line.encode() for line in source.split("\n")]
    for (first, left), (last, right), text in sorted(edits, reverse=True):
        head, tail = lines[first - 1][:left], lines[last - 1][right:]
        lines[first - 1 : last] = [head + text.encode() + tail, *[b""] * (last - first)]
    return b"\n".join(lines).decode()


def _long_texts(
    nodes: list[ast.AST], source: str, short: Collection[str]
) -> list[tuple[ast.Constant, ast.BinOp | None]]:
    """Return each of a module's nodes, with the % that fills it, if there is one."""
    found: list[tuple[ast.Constant, ast.BinOp | None]] = []
    lines = source.split("\n")
    annotations = _annotations(nodes)

    def walk(node: ast.AST, parent: ast.AST | None) -> None:
        if isinstance(node, ast.Compare) or node in annotations:
            return
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            filled = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mod) and parent.left is node
            fills = parent if filled and isinstance(parent, ast.BinOp) else None
            is_long = len(node.value) >= _SHORTEST and _FOR_PEOPLE.fullmatch(node.value)
            if (is_long or node.value in short) and _is_plain(node, fills, lines):
                found.append((node, fills))
            return
        for child in ast.iter_child_nodes(node):
            if not (isinstance(child, ast.stmt) and _is_docstring(child)):
                walk(child, node)

    for node in nodes:
        if isinstance(node, (ast.Module, ast.ClassDef)):
            for function in node.body:
                if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    for statement in function.body:
                        if not _is_docstring(statement):
                            walk(statement, None)
    return found


def _is_plain(node: ast.Constant, fills: ast.BinOp | None, lines: list[str]) -> bool:
    """Return whether only the operator, and a bracket, is between the text and what fills it."""
    return fills is None or _between(node, fills, lines) in (b"%", b"%(")


def _between(node: ast.Constant, fills: ast.BinOp, lines: list[str]) -> bytes:
    """Return what is between them, without spaces."""
    (first, left), (last, right) = _end(node), _start(fills.right)
    if first == last:
        between = lines[first - 1].encode()[left:right]
    else:
        middle = "".join(lines[first : last - 1]).encode()
        between = lines[first - 1].encode()[left:] + middle + lines[last - 1].encode()[:right]
    return b"".join(between.split())


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _annotations(nodes: list[ast.AST]) -> set[ast.AST]:
    """Return those that MicroPython's compiler ignores."""
    found: set[ast.AST] = set()
    for node in nodes:
        if isinstance(node, ast.arg) and node.annotation is not None:
            found.add(node.annotation)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            found.add(node.returns)
        elif isinstance(node, ast.AnnAssign):
            found.add(node.annotation)
    return found
