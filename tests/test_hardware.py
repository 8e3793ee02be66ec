"""The wiring table that people solder by is the board file that the chip runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wiring_table_is_the_board_file() -> None:
    board = ast.parse((ROOT / "firmware/siaga/boards/esp32_devkit.py").read_text(encoding="utf-8"))
    pins = {
        statement.targets[0].id: statement.value.value
        for statement in board.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and not statement.targets[0].id.startswith("_")
        and isinstance(statement.value, ast.Constant)
        and type(statement.value.value) is int
    }
    table = re.findall(r"^\| (\d+) \| `(\w+)` \|", (ROOT / "hardware/README.md").read_text(encoding="utf-8"), re.M)
    assert pins
    assert {name: int(gpio) for gpio, name in table} == pins
