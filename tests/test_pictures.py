"""The pictures that documents show: there, small, and such as `make pictures` takes anew."""

from __future__ import annotations

import re

import pytest

from pictures import FOLDER, LARGEST, TAKEN
from source_files import ROOT, source_files

SHOWN = {
    (ROOT / file).parent / target
    for file in source_files()
    if file.suffix == ".md"
    for target in re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", (ROOT / file).read_text(encoding="utf-8"))
    if file.parts[0] in ("README.md", "gateway")
}


def test_documents_show_only_pictures_that_are_taken_anew() -> None:
    taken = {FOLDER / f"{name}.png" for name in TAKEN}
    assert len(SHOWN) > 4 and {each.resolve() for each in SHOWN} == {each.resolve() for each in taken}


@pytest.mark.parametrize("name", TAKEN)
def test_a_picture_is_there_and_small(name: str) -> None:
    file = FOLDER / f"{name}.png"
    assert file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and file.stat().st_size <= LARGEST
