"""DECISIONS.md can be found one's way in: each decision under a subject, each subject in the index."""

from __future__ import annotations

import re
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "DECISIONS.md").read_text(encoding="utf-8")


def test_the_index_names_each_subject_in_order() -> None:
    index = re.findall(r"^- \[(.+)\]\(#(.+)\)$", TEXT, re.MULTILINE)
    subjects = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert [title for title, _ in index] == subjects
    for title, anchor in index:
        assert anchor == re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def test_each_paragraph_is_a_decision_under_a_subject() -> None:
    _, *sections = re.split(r"^## .+\n", TEXT, flags=re.MULTILINE)
    for section in sections:
        paragraphs = section.strip().split("\n\n")
        assert all(one.startswith("**") for one in paragraphs), [one for one in paragraphs if not one.startswith("**")]


def test_no_decision_is_written_twice() -> None:
    heads = re.findall(r"^\*\*(.+?)\*\*", TEXT, re.MULTILINE | re.DOTALL)
    assert len(heads) == len(set(heads))
