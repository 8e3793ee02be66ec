"""A clock of its own for a process, by libfaketime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest


def faketime() -> Path:
    """The library. Skips the test where it is missing, and says what to install."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("libfaketime is missing. On Debian or Ubuntu: sudo apt-get install libfaketime")
    return found[0]


class ProcessClock:
    """The wall clock of whatever is started with `environ`, ahead of the host's; the monotonic one stays what it is, as
    when a person or an NTP server sets a machine's time. A process may also write the file itself."""

    def __init__(self, folder: Path, **environ: str) -> None:
        """environ: more of the library's, and of the process's."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "ahead"
        self.environ: Mapping[str, str] = {
            "LD_PRELOAD": str(faketime()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            **environ,
        }
        self.set(0)

    def set(self, ahead_s: int) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{ahead_s:+d}\n")
        draft.replace(self._file)
