"""Detects that a store's file lost its name: what is written into a deleted or replaced file is lost."""

from __future__ import annotations

import os
from pathlib import Path

from siaga_gateway.service.store import StoreGone


class StoreFiles:
    """The store's file and log as opened, to check that their names still refer to them."""

    def __init__(self, path: Path) -> None:
        self._paths = tuple(os.fspath(each) for each in (path, f"{path}-wal"))
        self._opened = [_identity(each) for each in self._paths]

    def check(self) -> None:
        """Check with two stat calls, some 3 us. Raises: StoreGone."""
        for number, (path, opened) in enumerate(zip(self._paths, self._opened, strict=True)):
            now = _identity(path)
            if now == opened:
                continue
            if opened is None:
                self._opened[number] = now  # the log is created by the first write
                continue
            raise StoreGone("store.deleted" if now is None else "store.replaced", file=path)


def _identity(path: str) -> tuple[int, int] | None:
    """Return None if the name does not exist."""
    try:
        found = os.stat(path)  # noqa: PTH116 - at each commit
    except OSError:
        return None
    return found.st_dev, found.st_ino
