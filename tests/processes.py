"""What the kernel tells of processes, while they and their threads end at any moment (Linux)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_LOOKS: Final = 10


def children(pid: int) -> dict[int, str]:
    """Direct children of all threads of a process, each with its command line, also of those that ended and are not
    waited for; empty when the process is gone."""
    found: set[int] = set()
    for _ in range(_LOOKS):
        missed = False
        for thread in _threads(pid):
            try:
                found.update(map(int, (thread / "children").read_text().split()))
            except OSError:  # it ended, and has left its children to one that was perhaps looked at before
                missed = True
        if not missed:
            break
    return {child: command(child) for child in found if (of := _stat(child)) and of[1] == pid}


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def command(pid: int) -> str:
    """With spaces between the arguments; "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip()
    except OSError:
        return ""


def state(pid: int) -> tuple[str, int] | None:
    """(state, parent) of a process that still runs; None of one that ended, also if nobody has waited for it yet."""
    found = _stat(pid)
    return None if found is None or found[0] in "ZX" else found


def _stat(pid: int) -> tuple[str, int] | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1])
