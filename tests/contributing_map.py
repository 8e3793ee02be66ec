"""The map in CONTRIBUTING.md, read: its rooms and its arrows."""

from __future__ import annotations

import re
from typing import Final

from source_files import ROOT

PACKAGES: Final = {"siaga_gateway": "gateway", "siaga": "firmware", "siaga_tools": "tools"}
Layers = list[set[str]]


def section(heading: str) -> list[str]:
    """The indented lines below a heading of the map, without their indent."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    body = re.split(r"^#+ ", text.split(f"\n### {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return [line[4:] for line in body.splitlines() if line.startswith("    ")]


def arrows() -> dict[str, Layers]:
    """By package: its children from the one that may import all to the one that may import none."""
    drawn: dict[str, str] = {}
    for line in section("Arrows"):
        name, _, rest = line.partition(" ")
        if name:
            drawn[name] = rest
        else:
            drawn[list(drawn)[-1]] += rest
    return {package: [_words(layer) for layer in line.split("->")] for package, line in drawn.items()}


def _words(layer: str) -> set[str]:
    return {word.strip() for word in layer.split(",")}
