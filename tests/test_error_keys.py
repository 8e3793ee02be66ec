"""Each text of the catalogue's `errors` is one that something says: a key nobody raises would be translated for nobody,
and hides that two places say the same in different words."""

from __future__ import annotations

import ast
import errno
import re
from collections.abc import Iterator

import pytest

from siaga_gateway.catalogue import texts
from test_texts import sources

ROOM = "errors."
# Groups whose names come from elsewhere: the system's errno, SQLite's and pydantic's codes.
FOREIGN = {"system": set(errno.errorcode.values()) | {"EAI_NONAME"}}
GIVEN = {"sqlite", "pydantic"}


def _literals(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _patterns(tree: ast.AST) -> Iterator[str]:
    """Keys that are put together, as regular expressions; only those of which a group is fixed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(part.value) if isinstance(part, ast.Constant) and isinstance(part.value, str) else "[^.]+"
                for part in node.values
            ]
            pattern = "".join(parts).removeprefix(re.escape(ROOM))
            if re.match(r"[a-z_]+\\\.", pattern) and " " not in pattern:
                yield pattern


def unsaid(keys: set[str], sources: dict[str, ast.Module]) -> set[str]:
    """Those of the keys (`<group>.<name>`) that no source names."""
    literals = {each for tree in sources.values() for each in _literals(tree)}
    named = literals | {each.removeprefix(ROOM) for each in literals}
    patterns = [re.compile(each) for tree in sources.values() for each in _patterns(tree)]
    tails = {each.rpartition(".")[2] for each in literals}

    def said(key: str) -> bool:
        group, _, name = key.rpartition(".")
        if key in named or name in FOREIGN.get(group, ()):
            return True
        return any(each.fullmatch(key) for each in patterns) and (group in GIVEN or name in tails)

    return {key for key in keys if not said(key)}


@pytest.fixture(scope="module")
def keys() -> set[str]:
    return {key.removeprefix(ROOM) for key in texts("errors", "en")}


def test_every_text_of_the_errors_is_said_somewhere(keys: set[str]) -> None:
    assert unsaid(keys, sources()) == set()


def test_a_text_that_nobody_says_is_found(keys: set[str]) -> None:
    left_over = {"store.left_over", "broker.left_over", "left_over"}
    assert unsaid(keys | left_over, sources()) == left_over


def test_no_two_texts_of_the_errors_say_the_same_under_one_name() -> None:
    """Twins of different groups may; in one group one of the two is left over."""
    english, indonesian = texts("errors", "en"), texts("errors", "id")
    seen: dict[tuple[str, str, str], str] = {}
    twins = []
    for key, text in english.items():
        group = key.rpartition(".")[0]
        if group.removeprefix(ROOM) in ("system", "pydantic"):
            continue
        before = seen.setdefault((group, text, indonesian[key]), key)
        if before != key:
            twins.append((before, key))
    assert twins == []
