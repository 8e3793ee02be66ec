"""Tests' folders in memory, where there is enough of it.

What every commit waits for, a disk's flush, is no part of what tests prove: who kills a process loses nothing that is
not on the disk yet, and power is cut only in simulation.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/dev/shm")
_ROOT: Final = "PYTEST_DEBUG_TEMPROOT"  # pytest's own; --basetemp goes before it
# A whole run left 1.7 GB; three are kept where tests failed.
_ROOM: Final = 6 << 30
_AVAILABLE: Final = 10 << 30


def choose(memory: Path = _MEMORY, meminfo: Path = Path("/proc/meminfo")) -> None:
    """Let pytest make its temporary folders in memory."""
    try:
        room = shutil.disk_usage(memory).free
        lines = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
        available = int(lines["MemAvailable"].split()[0]) << 10
    except (OSError, ValueError, KeyError):
        return
    if room >= _ROOM and available >= _AVAILABLE and os.access(memory, os.W_OK):
        os.environ.setdefault(_ROOT, str(memory))
