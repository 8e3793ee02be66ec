"""The wiring tables that people solder by are the board files that the chip runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from board_pins import pins_of
from siaga_tools.board_wiring import BOARDS
from siaga_tools.power.figures import book

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "hardware" / "README.md").read_text(encoding="utf-8")


WIRED = {board: pins_of(board) for board in BOARDS}


def table_of(board: str) -> list[tuple[str, int]]:
    section = re.search(rf"^### Pins of `{board}`\n(.*?)(?=^#|\Z)", TEXT, re.M | re.S)
    assert section, f"hardware/README.md has no table '### Pins of `{board}`'"
    return [(name, int(gpio)) for gpio, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", section[1], re.M)]


def test_there_are_boards() -> None:
    assert "esp32_devkit" in WIRED


@pytest.mark.parametrize("board", WIRED)
def test_the_wiring_table_is_the_board_file(board: str) -> None:
    table = table_of(board)
    assert len(dict(table)) == len(table), "a pin stands there twice"
    assert dict(table) == WIRED[board]


@pytest.mark.parametrize("board", WIRED)
def test_no_board_takes_the_psrams_pins(board: str) -> None:
    assert not {16, 17} & set(WIRED[board].values())


def test_every_table_is_of_a_board_that_the_power_model_knows() -> None:
    assert set(re.findall(r"^### Pins of `(\w+)`", TEXT, re.M)) == set(book().boards)


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT):
        assert (ROOT / "hardware" / target).exists(), target
    anchors = {re.sub(r"[^\w -]", "", line.lower()).strip().replace(" ", "-") for line in headings(TEXT)}
    for anchor in re.findall(r"\]\(#([^)]+)\)", TEXT):
        assert anchor in anchors, anchor


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.M)
