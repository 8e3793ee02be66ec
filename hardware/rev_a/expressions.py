"""Reads KiCad's files: nested lists of words."""

from __future__ import annotations

import re
from typing import Any, Final

_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([()])|([^\s()"]+)')


def read(text: str) -> list[Any]:
    """Return the outermost list: ["netlist", ["version", "E"], ...]."""
    stack: list[list[Any]] = [[]]
    for quoted, bracket, word in _TOKEN.findall(text):
        if bracket == "(":
            stack.append([])
        elif bracket == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(word or quoted)
    outermost: list[Any] = stack[0][0]
    return outermost


def children(items: list[Any], name: str) -> list[list[Any]]:
    """Return the lists that begin with this word."""
    return [item for item in items if isinstance(item, list) and item and item[0] == name]


def child(items: list[Any], name: str) -> list[Any]:
    """Return the first of them. Raises LookupError if there is none."""
    found = children(items, name)
    if not found:
        raise LookupError(name)
    return found[0]
