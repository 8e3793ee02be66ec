"""Symbols out of KiCad's libraries: their text for a schematic, and where their pins are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_LIBRARIES: Final = Path("/usr/share/kicad/symbols")
_PIN: Final = re.compile(
    r'\(pin \w+ \w+\s+\(at (\S+) (\S+) (\S+)\)\s+\(length \S+\)(?:(?!\(pin )[\s\S])*?\(number "([^"]*)"'
)


@dataclass(frozen=True)
class Pin:
    """x, y: mm on the page before the symbol is turned, y down; away: degrees, 0 = its wire leaves to the right."""

    x: float
    y: float
    away: int


def turned(pin: Pin, angle: int) -> Pin:
    """Turn counter-clockwise, as one sees it, by a multiple of 90 degrees."""
    for _ in range(angle // 90 % 4):
        pin = Pin(pin.y, -pin.x, (pin.away + 90) % 360)
    return pin


@cache
def _library(name: str) -> str:
    return (_LIBRARIES / f"{name}.kicad_sym").read_text(encoding="utf-8")


def _block(library: str, name: str) -> str:
    text = _library(library)
    start = text.index(f'\n\t(symbol "{name}"\n') + 1
    end = text.find('\n\t(symbol "', start)
    return text[start : end if end > 0 else text.rindex(")")].rstrip()


@cache
def text_of(symbol: str) -> str:
    """Return the symbol's definition, whole, under the name "library:name"."""
    library, name = symbol.split(":")
    block = _block(library, name)
    base = re.search(r'\(extends "([^"]*)"\)', block)
    if base:
        whole = _block(library, base[1])
        for key, value in re.findall(r'\(property "([^"]*)" "([^"]*)"', block):
            whole = re.sub(rf'(\(property "{re.escape(key)}" )"[^"]*"', lambda m, v=value: f'{m[1]}"{v}"', whole)
        block = whole.replace(f'(symbol "{base[1]}"', f'(symbol "{name}"').replace(
            f'(symbol "{base[1]}_', f'(symbol "{name}_'
        )
    return block.replace(f'(symbol "{name}"', f'(symbol "{symbol}"', 1)


@cache
def pins_of(symbol: str) -> dict[str, Pin]:
    """Return the pins by number."""
    return {
        number: Pin(float(x), -float(y), (int(float(angle)) + 180) % 360)
        for x, y, angle, number in _PIN.findall(text_of(symbol))
    }
