"""The wiring tables that people solder by are the board files that the chip runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from siaga_tools.power.figures import book

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "hardware" / "README.md").read_text(encoding="utf-8")
BOARDS = ROOT / "firmware" / "siaga" / "boards"


def pins_of(path: Path) -> dict[str, int]:
    """The public whole numbers of a board file: its pins by name."""
    return {
        statement.targets[0].id: statement.value.value
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and not statement.targets[0].id.startswith("_")
        and isinstance(statement.value, ast.Constant)
        and type(statement.value.value) is int
    }


# Every board file that names pins and is for the chip is a board that somebody wires.
WIRED = {
    path.stem: pins
    for path in sorted(BOARDS.glob("*.py"))
    if re.search(r"^import machine$", path.read_text(encoding="utf-8"), re.M) and (pins := pins_of(path))
}


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
