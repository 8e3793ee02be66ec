"""Say what moved in a requirements.lock that was renewed: `lock.py OLD NEW`, two files."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def pinned(lock: str) -> dict[str, str]:
    """Version by package."""
    return dict(_PINNED.findall(lock))


def moves(old: str, new: str) -> list[str]:
    """A line for each package that moved, came or went, by name; one whose first number grew says so."""
    before, after = pinned(old), pinned(new)
    lines = []
    for name in sorted(before.keys() | after.keys()):
        was, is_now = before.get(name), after.get(name)
        if was == is_now:
            continue
        if was is None:
            lines.append(f"{name}: new, {is_now}")
        elif is_now is None:
            lines.append(f"{name}: gone, was {was}")
        else:
            major = " (MAJOR: read its changes)" if was.split(".")[0] != is_now.split(".")[0] else ""
            lines.append(f"{name}: {was} -> {is_now}{major}")
    return lines


if __name__ == "__main__":
    print("\n".join(moves(*(Path(file).read_text(encoding="utf-8") for file in sys.argv[1:3]))) or "nothing moved")
