"""A clock of its own for a process, by libfaketime."""

from __future__ import annotations

from pathlib import Path

import pytest


def faketime() -> Path:
    """The library. Skips the test where it is missing, and says what to install."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("libfaketime is missing. On Debian or Ubuntu: sudo apt-get install libfaketime")
    return found[0]


def faked(folder: Path) -> dict[str, str]:
    """The environment of a button whose certificates are judged by its own clock: it writes how far that is ahead of
    the host's into a file, which the library reads at each look at the time."""
    folder.mkdir(parents=True, exist_ok=True)
    ahead = folder / "ahead"
    ahead.write_text("+0")
    return {
        "LD_PRELOAD": str(faketime()),
        "FAKETIME_TIMESTAMP_FILE": str(ahead),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
