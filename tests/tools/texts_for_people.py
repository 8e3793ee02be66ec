"""Which texts of the firmware are for people: what stands in a function, has two words, and goes to nobody else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from siaga_tools.firmware_build.long_texts import STAYS

# Two words of letters beside each other, placeholders apart.
_TWO_WORDS = re.compile(r"[A-Za-z']{2,}[,:;]? [a-z(%]|%[sdr][^ ]* [a-z]{2,}")
# For a modem, a server, the type checker or the program itself.
_FOR_OTHERS = (
    re.compile(r"^[+A-Z]{2}.*[=?]"),  # AT commands
    re.compile(r"^(GET|Host|Range|Connection|HTTP)\b"),
    re.compile(r"^(wake timer|certificate validity|incorrect password|not inserted|not allowed)"),
    re.compile(r"^SIM (PIN|PUK|busy|failure|not)"),
    re.compile(r"^\+no answer$|\| None$"),
)


def of_source(path: str, source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each in a file of the firmware."""
    if path.startswith(STAYS):
        return
    tree = ast.parse(source)
    others: set[ast.AST] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            others.update(
                line.value for line in body if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
            )
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = [*node.args.args, *node.args.kwonlyargs]
            others.update(
                each for part in (node.returns, *(a.annotation for a in arguments)) if part for each in ast.walk(part)
            )
        if isinstance(node, ast.AnnAssign):
            others.update(ast.walk(node.annotation))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in others:
            text = node.value
            if "\n" not in text and _TWO_WORDS.search(text) and not any(each.search(text) for each in _FOR_OTHERS):
                yield node.lineno, text
