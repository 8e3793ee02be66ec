"""Who may read the secrets, and whether the service may write its own files."""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.files.gateway_key import key_path
from siaga_gateway.adapters.sql import key_file
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.health_check import CheckResult, bad, good, unseen

_GROUP_AND_OTHERS: Final = 0o077
_OTHERS: Final = 0o007
_HAS_SECRET: Final = re.compile(r"^\s*\w*(?:password|secret|token|encryption_key|ping_url)\s*=\s*\"", re.MULTILINE)


def permission_checks(config: Path, settings: Settings) -> Iterator[CheckResult]:
    folder = settings.data_dir
    guarded: list[tuple[Path, int]] = [(folder, _OTHERS)]
    guarded += [(key_path(folder), _GROUP_AND_OTHERS), (key_file(settings).path, _GROUP_AND_OTHERS)]
    if _HAS_SECRET.search(config.read_text(encoding="utf-8")):
        guarded.append((config, _OTHERS))
    if settings.broker.passwords is not None:
        guarded.append((settings.broker.passwords, _OTHERS))
    sound = True
    for path, forbidden in guarded:
        for found in _guarded(path, forbidden):
            sound = False
            yield found
    for found in _foreign(folder):
        sound = False
        yield found
    if sound:
        yield good("permissions", folder, Localized("doctor.permissions"))


def _guarded(path: Path, forbidden: int) -> Iterator[CheckResult]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        yield bad("permissions", path, Localized("doctor.no_file"), Localized("doctor.no_file_mend"))
        return
    except PermissionError as error:
        yield unseen("permissions", path, Localized("doctor.closed", why=error), Localized("doctor.closed_mend"))
        return
    if mode & forbidden:
        right = f"{mode & ~forbidden:o}"
        cause = Localized("doctor.open", mode=f"{mode:o}")
        yield bad("permissions", path, cause, Localized("doctor.open_mend", right=right, path=path))


def _foreign(folder: Path) -> Iterator[CheckResult]:
    """Yield what is not the service's own in its folder: a command that root typed left it there."""
    try:
        owner = folder.stat().st_uid
        with os.scandir(folder) as found:
            foreign = sorted(
                (each.name, uid) for each in found if (uid := each.stat(follow_symlinks=False).st_uid) != owner
            )
    except FileNotFoundError:
        return  # told above
    except PermissionError as error:
        yield unseen("permissions", folder, Localized("doctor.closed", why=error), Localized("doctor.closed_mend"))
        return
    for name, uid in foreign:
        path, whose = folder / name, Localized("doctor.foreign", user=_name(uid), owner=_name(owner))
        yield bad("permissions", path, whose, Localized("doctor.foreign_mend", owner=_name(owner), path=path))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
