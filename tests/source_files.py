"""The files that are ours, without what was built or fetched."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from waiting import RUNS_S

ROOT: Final = Path(__file__).resolve().parents[1]
_LISTED: Final = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
_NOT_OURS: Final = {".git", ".venv", "__pycache__", "build", "node_modules", "vendor"}


def source_files(*folders: str) -> list[Path]:
    """Paths from ROOT, in these folders or in all, also of files not yet added and in a copy without a repository."""
    listed = subprocess.run([*_LISTED, *folders], cwd=ROOT, capture_output=True, timeout=RUNS_S, check=False)
    if listed.returncode == 0 and listed.stdout:
        names = [Path(name.decode()) for name in listed.stdout.split(b"\0") if name]
        return [name for name in names if (ROOT / name).is_file()]
    found = (path for folder in folders or (".",) for path in (ROOT / folder).rglob("*") if path.is_file())
    names = [path.relative_to(ROOT) for path in found]
    return [name for name in names if not _NOT_OURS & set(name.parts)]
