"""The whole firmware made small before it is compiled; every line stays where it was, so that tracebacks are right."""

from __future__ import annotations

import ast

from siaga_tools.shorten.constants import fold
from siaga_tools.shorten.foreign import FOREIGN
from siaga_tools.shorten.names import shorten_names
from siaga_tools.shorten.program import Program


def smaller(texts: dict[str, str], around: list[str]) -> Program:
    """The sources of siaga/ by path, made small together. around: the texts of the files that import them and are
    not compiled with them; what they name keeps its name. Raises Trouble with the place of what cannot be followed."""
    kept = frozenset(name for text in around for name in names_in(text))
    program, _ = shorten_names(fold(Program(texts), kept), kept, FOREIGN)
    return program


def long_names(texts: dict[str, str], around: list[str]) -> dict[str, dict[str, str]]:
    """By module, as siaga.core.at, what its short names stand for."""
    kept = frozenset(name for text in around for name in names_in(text))
    return shorten_names(fold(Program(texts), kept), kept, FOREIGN)[1]


def names_in(text: str) -> set[str]:
    """Every name and every string that could be one."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(node.value.split("."))
        elif isinstance(node, ast.alias):
            found.update(node.name.split("."))
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
    return found
