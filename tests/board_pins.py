"""The pins of a board file, as it has them: its own, and those of the module that it begins with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

BOARD_FILES: Final = Path(__file__).parents[1] / "firmware" / "siaga" / "boards"


def sources_of(board: str, folder: Path = BOARD_FILES) -> list[str]:
    """Return the text of the board's file, and of the module that it begins with, if any."""
    source = (folder / f"{board}.py").read_text(encoding="utf-8")
    bases = re.findall(r"^from siaga\.boards\.(\w+_module) import", source, re.MULTILINE)
    return [source, *(text for base in bases for text in sources_of(base, folder))]


def pins_of(board: str, folder: Path = BOARD_FILES) -> dict[str, int]:
    """Return the GPIO of each name. Raises ValueError if a board has another number for a name of its base."""
    found: dict[str, int] = {}
    for source in sources_of(board, folder):
        pins = {name: int(gpio) for name, gpio in re.findall(r"^([A-Z][A-Z_]*) = (\d+)\b", source, re.MULTILINE)}
        if again := found.keys() & pins.keys():
            raise ValueError(f"{board} names pins of its base again: {', '.join(sorted(again))}")
        found |= pins
    return found
