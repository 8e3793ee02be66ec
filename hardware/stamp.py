"""Notes in checked.json which sources the checks last passed for: KiCad and CadQuery are not on every machine, this is.

A test (tests/hardware/test_checked.py) compares: whoever changes a source has to run its checks, and commits the note.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
NOTE: Final = _HERE / "checked.json"
# What each command's checks depend on.
SOURCES: Final = {
    "hardware": ("stamp.py", "rev_a/*.py", "rev_a/tracks.json"),
    "enclosure": ("stamp.py", "enclosure/*.py", "enclosure/requirements.lock", "rev_a/placement.py"),
}


def digest(command: str) -> str:
    """Return SHA-256 over the names and contents of the command's sources, in hexadecimal."""
    whole = hashlib.sha256()
    for pattern in SOURCES[command]:
        for file in sorted(_HERE.glob(pattern)):
            content = file.read_bytes()
            whole.update(f"{file.relative_to(_HERE).as_posix()} {len(content)}\n".encode() + content)
    return whole.hexdigest()


def noted() -> dict[str, str]:
    """Return the digest that each command's checks last passed for."""
    return dict(json.loads(NOTE.read_text(encoding="utf-8"))) if NOTE.exists() else {}


def note(command: str, passed: str) -> None:
    """Write down that the command's checks passed for the sources with this digest, taken before they ran."""
    NOTE.write_text(json.dumps(noted() | {command: passed}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
