"""One tree of errors: each exception that gateway and tools define is a SiagaError, or says why no person meets it; and
the tree that domain/errors.py draws is the one there is."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from siaga_gateway.domain import errors

ROOT = Path(__file__).parents[1]
SOURCES = {
    str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
    for folder in ("gateway", "tools")
    for file in sorted((ROOT / folder).rglob("*.py"))
}
PYTHONS = {name for name, each in vars(builtins).items() if isinstance(each, type) and issubclass(each, BaseException)}
SAYS_WHY = re.compile(r"# Not a SiagaError: \S+ \S+")


@cache
def _classes(source: str) -> list[ast.ClassDef]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]


class Tree:
    """The classes of some sources: `above` by (file, name)."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.lines: dict[tuple[str, str], str] = {}
        self.above: dict[tuple[str, str], list[str]] = {}
        self._files: dict[str, list[str]] = {}
        for file, source in sources.items():
            lines = source.splitlines()
            for node in _classes(source):
                self.lines[file, node.name] = lines[node.lineno - 1]
                self.above[file, node.name] = [
                    each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "") for each in node.bases
                ]
                self._files.setdefault(node.name, []).append(file)

    def ancestors(self, file: str, name: str) -> set[str]:
        """Of a class, by name. A name is the file's own class; else any of ours that is called so, for whoever
        imports it may do so by another module's name."""
        found: set[str] = set()
        for base in self.above.get((file, name), ()):
            found.add(base)
            own = [file] if (file, base) in self.above else self._files.get(base, [])
            for where in own:
                if (where, base) != (file, name):
                    found |= self.ancestors(where, base)
        return found

    def rootless(self) -> set[str]:
        """Exceptions without the root, that do not say why."""
        return {
            f"{file}: {name}"
            for (file, name), line in self.lines.items()
            if (above := self.ancestors(file, name)) & PYTHONS
            and name != "SiagaError"
            and "SiagaError" not in above
            and not any(SAYS_WHY.search(self.lines.get((file, each), "")) for each in {name} | above)
        }


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree(SOURCES)


def test_every_exception_of_ours_has_the_one_root_or_says_why_not(tree: Tree) -> None:
    assert tree.rootless() == set()


@pytest.mark.parametrize(
    "new",
    [
        "class Lost(Exception): pass",
        "class Lost(asyncio.TimeoutError, ValueError): pass",
        "class Lost(LookupError):  # Not a SiagaError:\n    pass",
        "class Lost(Base): pass\nclass Base(OSError): pass",
        "class Lost(VendorError, OSError): pass",
    ],
)
def test_a_new_one_without_it_is_found(new: str) -> None:
    file = "gateway/siaga_gateway/service/new.py"
    assert f"{file}: Lost" in Tree({**SOURCES, file: new}).rootless()


@pytest.mark.parametrize(
    "new",
    [
        "class Lost(StoreFailing):",
        "class Lost(errors.Refused, ValueError):",
        "class Lost(Exception):  # Not a SiagaError: caught in this module",
    ],
)
def test_a_new_one_that_has_it_or_says_why_not_is_none(new: str) -> None:
    file = "gateway/siaga_gateway/service/new.py"
    assert not any(file in each for each in Tree({**SOURCES, file: f"{new}\n    pass"}).rootless())


def test_the_drawn_tree_is_the_one_there_is(tree: Tree) -> None:
    """What stands directly below the root and below its branches, without what is private to its module."""
    drawn: dict[str, set[str]] = {}
    named = None
    _, _, lower = (errors.__doc__ or "").partition("Below the branches:")
    for line in lower.splitlines():
        if found := re.match(r"([A-Z]\w+) {2,}(?=[A-Z])", line):
            named = found[1]
            line = line[found.end() :]
        elif not line.startswith("   "):
            named = None
        if named is not None:
            drawn.setdefault(named, set()).update(re.findall(r"\b[A-Z]\w+", re.sub(r"\([^)]*\)", "", line)))
    there: dict[str, set[str]] = {branch: set() for branch in drawn}
    for (_, name), above in tree.above.items():
        for base in above:
            if base in there and not name.startswith("_"):
                there[base].add(name)
    assert drawn == there
    upper = (errors.__doc__ or "").partition("Below the branches:")[0]
    directly = {name for (_, name), above in tree.above.items() if "SiagaError" in above}
    assert directly == set(re.findall(r"^  ([A-Z]\w+)", upper, re.MULTILINE)) | {"Trouble", "BundleError"}
