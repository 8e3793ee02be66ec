"""The whole firmware made small before it is compiled. Every line stays where it was, so that tracebacks are right,
unless files are joined."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from siaga_tools.shorten.constants import fold
from siaga_tools.shorten.foreign import FOREIGN
from siaga_tools.shorten.join import join
from siaga_tools.shorten.names import HAD_ANYWAY, LongNames, shorten_names
from siaga_tools.shorten.program import Program
from siaga_tools.shorten.words import take_out


@dataclass(frozen=True)
class Small:
    """program: what is compiled. texts: (path of the file that says it, text), by the number that siaga/words.py is
    asked for. names: by module, as siaga.core.at, what its short names stand for; several, with a | between, where
    that depends on the object. homes: in which file of the program each source is, by path."""

    program: Program
    texts: list[tuple[str, str]]
    names: LongNames
    homes: dict[str, str]


def smaller(texts: dict[str, str], around: list[str], *, joined: bool = False) -> Small:
    """The sources of siaga/ by path, made small together. around: the texts of the files that import them and are
    not compiled with them; what they name keeps its name. joined: what is always loaded together is one file, and lines
    move. Raises Trouble with the place of what cannot be followed."""
    kept = frozenset(name for text in around for name in names_in(text))
    program, words = take_out(fold(Program(texts), kept))
    program, names = shorten_names(program, kept, FOREIGN)
    if not joined:
        return Small(program, words, names, {path: path for path in texts})
    whole = join(program, around, HAD_ANYWAY, names)
    return Small(whole.program, [(whole.homes[path], text) for path, text in words], whole.names, whole.homes)


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
