"""Puts planned files onto the machine: nothing is overwritten without a word, and the old one stays beside."""

from __future__ import annotations

import difflib
import grp
import os
import pwd
import shutil
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from siaga_gateway.bootstrap.setup.installation_plan import PlannedFile, PlannedFolder
from siaga_gateway.config.loading import SettingsError


class Placed(StrEnum):
    MADE = "made"
    SAME = "same"
    KEPT = "kept"  # the administrator's own
    REPLACED = "replaced"
    LEFT = "left"  # another one is there, and was not to be replaced


class Placement:
    """Puts files below `root`; owners are set where they can be, by root on the real machine."""

    def __init__(self, root: Path, replace: Callable[[Path, str], bool]) -> None:
        """replace: asked with the path and the difference whether another file may be replaced."""
        self._root = root
        self._replace = replace
        self._owns = root == Path("/") and os.geteuid() == 0

    def at(self, path: Path) -> Path:
        """Return where a path of the machine is."""
        return self._root / path.relative_to("/")

    def folder(self, planned: PlannedFolder) -> None:
        """Make a folder, or give one that is there its owner and mode. Raises: SettingsError."""
        place = self.at(planned.path)
        try:
            place.mkdir(parents=True, exist_ok=True)
            if self._owns:
                shutil.chown(place, planned.owner, planned.group)
            place.chmod(planned.mode)  # after chown, which clears the group's bit
        except (OSError, LookupError) as error:
            raise SettingsError("setup.unwritten", path=place, why=error) from None

    def file(self, planned: PlannedFile) -> Placed:
        """Raises: SettingsError."""
        place = self.at(planned.path)
        try:
            before = place.read_text(encoding="utf-8") if place.exists() else None
            if before is None:
                self._write(place, planned)
                return Placed.MADE
            if planned.kept:
                return Placed.KEPT
            if before == planned.text:
                return Placed.SAME
            if not self._replace(planned.path, _difference(planned.path, before, planned.text)):
                return Placed.LEFT
            beside = place.with_name(f"{place.name}.{time.strftime('%Y%m%d-%H%M%S')}.before")
            shutil.copy2(place, beside)
            self._write(place, planned)
        except (OSError, LookupError, UnicodeDecodeError) as error:
            raise SettingsError("setup.unwritten", path=place, why=error) from None
        return Placed.REPLACED

    def would(self, planned: PlannedFile) -> Placed:
        """Return what `file` would do, without doing it: somebody else writes this one. Raises: SettingsError."""
        place = self.at(planned.path)
        try:
            before = place.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Placed.MADE
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError("setup.unwritten", path=place, why=error) from None
        if before == planned.text:
            return Placed.SAME
        allowed = self._replace(planned.path, _difference(planned.path, before, planned.text))
        return Placed.REPLACED if allowed else Placed.LEFT

    def _write(self, place: Path, planned: PlannedFile) -> None:
        """Whole or not at all, and never readable for others than it is to be."""
        _open_to_all(place.parent)
        draft = place.with_name(f".{place.name}.draft")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(planned.text)
                file.flush()
                # By the descriptor: nobody can put another file in its place meanwhile.
                if self._owns:
                    os.fchown(descriptor, pwd.getpwnam(planned.owner).pw_uid, grp.getgrnam(planned.group).gr_gid)
                os.fchmod(descriptor, planned.mode)
                os.fsync(descriptor)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)


def _open_to_all(folder: Path) -> None:
    """Make what is missing of it as 755, whatever umask its administrator has: of systemd and nginx others read too."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        each.chmod(0o755)


def _difference(path: Path, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), str(path), f"{path} (new)", lineterm="")
    return "\n".join(lines)
