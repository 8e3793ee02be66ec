"""Long texts for people taken out of the code and into a file, from which siaga/words.py reads them one at a time.

Taken out is a text of several words in a function's body: what is raised, told or logged. It stays where it is compared
with something, in the files of the boards, which also run before there is a file system, and in those that read a
receiver's words: what is wrong with one is everyday there, once a second.
"""

from __future__ import annotations

import ast
import re
import zlib
from typing import Final

from siaga_tools.shorten.program import Edit, Module, Program, of_node
from siaga_tools.words import Trouble

HOME: Final = "siaga.words"
_CALL: Final = "long_text"
_WINDOW_BITS: Final = 10  # as siaga/words.py has it
_SHORTEST: Final = 16  # below that the call costs as much as it saves
_FOR_PEOPLE: Final = re.compile(r"[^\x00-\x1f]* [^\x00-\x1f]* [^\x00-\x1f]*")
_STAYS: Final = ("siaga/boards/", "siaga/core/fix.py", "siaga/core/nmea.py", "siaga/core/modem_fix.py")


def take_out(program: Program) -> tuple[Program, list[tuple[str, str]]]:
    """The program with long_text(number) in place of its long texts, and these: (path of the file, text) by number."""
    texts: list[tuple[str, str]] = []
    if HOME not in program.modules:
        return program, texts
    numbers: dict[tuple[str, str], int] = {}
    edits: dict[str, list[Edit]] = {}
    for module in program.modules.values():
        if module.path.startswith(_STAYS) or module.dotted == HOME:
            continue
        found = sorted(_long_texts(module), key=lambda pair: (pair[0].lineno, pair[0].col_offset))
        for node, formatted in found:
            key = module.path, str(node.value)
            if key not in numbers:
                numbers[key] = len(texts)
                texts.append(key)
            edits.setdefault(module.dotted, []).extend(_edits(node, formatted, numbers[key]))
        if found:
            if _CALL in module.bound or _CALL in module.imports:
                raise Trouble("mpy_failed", file=module.path, why=f"the name {_CALL} is wanted by the compile step")
            first = next(s for s in module.tree.body if not _is_docstring(s))
            at = first if isinstance(first, (ast.Import, ast.ImportFrom, ast.Pass, ast.Assign)) else module.tree.body[0]
            place = (at.lineno, at.col_offset)
            edits[module.dotted].append(Edit(place, place, f"from {HOME} import {_CALL}; "))
    return program.edited(edits), texts


def packed(texts: list[str]) -> bytes:
    """The file: the texts, a line each, deflated; the same bytes every time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -_WINDOW_BITS, 9)
    return packer.compress("".join(f"{text}\n" for text in texts).encode()) + packer.flush()


def unpacked(file: bytes) -> list[str]:
    """The texts in such a file, by their numbers."""
    return zlib.decompress(file, -_WINDOW_BITS).decode().splitlines()


def _edits(node: ast.Constant, formatted: ast.BinOp | None, number: int) -> list[Edit]:
    if formatted is None:
        return [of_node(node, f"{_CALL}({number})")]
    right = formatted.right
    end = (right.end_lineno or 0, right.end_col_offset or 0)
    return [
        Edit((node.lineno, node.col_offset), (right.lineno, right.col_offset), f"{_CALL}({number}, "),
        Edit(end, end, ")"),
    ]


def _long_texts(module: Module) -> list[tuple[ast.Constant, ast.BinOp | None]]:
    """Each with the % that fills it, if there is one."""
    found: list[tuple[ast.Constant, ast.BinOp | None]] = []
    lines = module.text.split("\n")

    def walk(node: ast.AST, parent: ast.AST | None) -> None:
        if isinstance(node, ast.Compare) or node in module.annotations:
            return
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            fills = parent if isinstance(parent, ast.BinOp) and parent.left is node else None
            if len(node.value) >= _SHORTEST and _FOR_PEOPLE.fullmatch(node.value) and _is_plain(node, fills, lines):
                found.append((node, fills))
            return
        for child in ast.iter_child_nodes(node):
            if not (isinstance(child, ast.stmt) and _is_docstring(child)):
                walk(child, node)

    for node in ast.walk(module.tree):
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
