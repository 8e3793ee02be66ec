"""A figure told to run.py: one JSON object a line."""

from __future__ import annotations

import json


def say(name: str, value: float, unit: str, base: str | None = None, wanted: str | None = None) -> None:
    """base: the figure that a ratio is taken of. wanted: the bound that it is held against."""
    line: dict[str, object] = {"name": name, "value": round(value, 3 if value < 100 else 0), "unit": unit}
    if base is not None:
        line["base"] = base
    if wanted is not None:
        line["wanted"] = wanted
    print(json.dumps(line), flush=True)
