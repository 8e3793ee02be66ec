"""Boards are built in several threads; CPython 3.11 parses for one at a time."""

from __future__ import annotations

from micropython import ROOT


def test_nothing_of_the_tools_parses_by_itself() -> None:
    """Two that parse at once fail too seldom to be caught at it."""
    files = (ROOT / "tools").rglob("*.py")
    assert [file.name for file in files if "ast.parse(" in file.read_text(encoding="utf-8")] == ["syntax_trees.py"]
