"""Long texts for people taken out of the firmware's code and into a file, from which siaga/words.py reads them one at a
time. Every line stays where it is.

Taken out is a text of several words in a function's body: what is raised, told or logged. It stays where it is compared
with something, in the files of the boards, which also run before there is a file system, and in those that read a
receiver's words: what is wrong with one is everyday there, once a second.
"""

from __future__ import annotations

import ast
import re
import zlib
from typing import Final

from siaga_tools.words import Trouble

HOME: Final = "siaga/words.py"
_CALL: Final = "long_text"
_WINDOW_BITS: Final = 10  # as siaga/words.py has it
_SHORTEST: Final = 16  # below that the call costs as much as it saves
_FOR_PEOPLE: Final = re.compile(r"[^\x00-\x1f]* [^\x00-\x1f]* [^\x00-\x1f]*")
_STAYS: Final = ("siaga/boards/", "siaga/core/fix.py", "siaga/core/nmea.py", "siaga/core/modem_fix.py", HOME)
_Place = tuple[int, int]


def take_out(sources: dict[str, str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The sources by path with long_text(number) in place of their long texts, and these: (path, text) by number.
    Raises Trouble where one uses that name or does not parse."""
    texts: list[tuple[str, str]] = []
    if HOME not in sources:
        return sources, texts
    changed = dict(sources)
    for path, source in sorted(sources.items()):
        if path.startswith(_STAYS):
            continue
        tree = _parsed(path, source)
        found = sorted(_long_texts(tree, source), key=lambda pair: (pair[0].lineno, pair[0].col_offset))
        if not found:
            continue
        if any(isinstance(node, (ast.Name, ast.arg)) and _name_of(node) == _CALL for node in ast.walk(tree)):
            raise Trouble("mpy_failed", file=path, why=f"the name {_CALL} is wanted by the compile step")
        numbers: dict[str, int] = {}
        edits: list[tuple[_Place, _Place, str]] = []
        for node, formatted in found:
            text = str(node.value)
            if text not in numbers:
                numbers[text] = len(texts)
                texts.append((path, text))
            edits += _edits(node, formatted, numbers[text])
        first = next(statement for statement in tree.body if not _is_docstring(statement))
        at = first if isinstance(first, (ast.Import, ast.ImportFrom, ast.Assign)) else tree.body[0]
        place = (at.lineno, at.col_offset)
        edits.append((place, place, f"from {HOME.removesuffix('.py').replace('/', '.')} import {_CALL}; "))
        changed[path] = _replaced(source, edits)
    return changed, texts


def packed(texts: list[str]) -> bytes:
    """The file: the texts, a line each, deflated; the same bytes every time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -_WINDOW_BITS, 9)
    return packer.compress("".join(f"{text}\n" for text in texts).encode()) + packer.flush()


def unpacked(file: bytes) -> list[str]:
    """The texts in such a file, by their numbers."""
    return zlib.decompress(file, -_WINDOW_BITS).decode().splitlines()


def _parsed(path: str, source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise Trouble("mpy_failed", file=path, why=f"SyntaxError: {error.msg} (line {error.lineno})") from error


def _name_of(node: ast.Name | ast.arg) -> str:
    return node.id if isinstance(node, ast.Name) else node.arg


def _edits(node: ast.Constant, formatted: ast.BinOp | None, number: int) -> list[tuple[_Place, _Place, str]]:
    if formatted is None:
        return [(_start(node), _end(node), f"{_CALL}({number})")]
    right = formatted.right
    return [(_start(node), _start(right), f"{_CALL}({number}, "), (_end(right), _end(right), ")")]


def _start(node: ast.expr) -> _Place:
    return node.lineno, node.col_offset


def _end(node: ast.expr) -> _Place:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def _replaced(source: str, edits: list[tuple[_Place, _Place, str]]) -> str:
    """The text with the edits, each line where it was. A place: (line, from 1; byte of the line, from 0)."""
    lines = [line.encode() for line in source.split("\n")]
    for (first, left), (last, right), text in sorted(edits, reverse=True):
        head, tail = lines[first - 1][:left], lines[last - 1][right:]
        lines[first - 1 : last] = [head + text.encode() + tail, *[b""] * (last - first)]
    return b"\n".join(lines).decode()


def _long_texts(tree: ast.Module, source: str) -> list[tuple[ast.Constant, ast.BinOp | None]]:
    """Each with the % that fills it, if there is one."""
    found: list[tuple[ast.Constant, ast.BinOp | None]] = []
    lines = source.split("\n")
    annotations = _annotations(tree)

    def walk(node: ast.AST, parent: ast.AST | None) -> None:
        if isinstance(node, ast.Compare) or node in annotations:
            return
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            fills = parent if isinstance(parent, ast.BinOp) and parent.left is node else None
            if len(node.value) >= _SHORTEST and _FOR_PEOPLE.fullmatch(node.value) and _is_plain(node, fills, lines):
                found.append((node, fills))
            return
        for child in ast.iter_child_nodes(node):
            if not (isinstance(child, ast.stmt) and _is_docstring(child)):
                walk(child, node)

    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef)):
            for function in node.body:
                if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    for statement in function.body:
                        if not _is_docstring(statement):
                            walk(statement, None)
    return found


def _is_plain(node: ast.Constant, fills: ast.BinOp | None, lines: list[str]) -> bool:
    """Whether nothing but the operator stands between the text and what fills it."""
    if fills is None:
        return True
    if not isinstance(fills.op, ast.Mod) or node.end_lineno is None or node.end_col_offset is None:
        return False
    first, last = node.end_lineno - 1, fills.right.lineno - 1
    if first == last:
        between = lines[first].encode()[node.end_col_offset : fills.right.col_offset]
    else:
        between = b" ".join(
            [
                lines[first].encode()[node.end_col_offset :],
                *(line.encode() for line in lines[first + 1 : last]),
                lines[last].encode()[: fills.right.col_offset],
            ]
        )
    return between.strip() == b"%"


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _annotations(tree: ast.Module) -> set[ast.AST]:
    """Which MicroPython's compiler passes over."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            found.add(node.annotation)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            found.add(node.returns)
        elif isinstance(node, ast.AnnAssign):
            found.add(node.annotation)
    return found
