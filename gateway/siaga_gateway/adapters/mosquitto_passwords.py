"""Mosquitto's password file, kept in step with the registry: a button's line is there while it may log in.

The file is written beside itself and put in its place, so that Mosquitto reads the old one or the new one. Lines of
users that are no buttons are left as they are. A button's password follows from the keys (PROTOCOL.md 4), so that its
line need not be kept anywhere else: a lost file is made anew.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from siaga_gateway.domain.registry import ADMITTED
from siaga_gateway.domain.verify import GatewayKey
from siaga_gateway.formats.mosquitto import is_device, password_line
from siaga_gateway.service.broker_access import Change, PasswordsUnusable
from siaga_gateway.service.store import Store

_SALT_BYTES: Final = 12
_AT_A_TIME: Final = 500


class PasswordFile:
    """Implements service.broker_access.BrokerPasswords. `pid_file`: of the Mosquitto that reads it; None: somebody else
    tells it."""

    def __init__(self, path: Path, pid_file: Path | None = None) -> None:
        self._path = path
        self._pid_file = pid_file

    @contextmanager
    def _held(self) -> Iterator[None]:
        """One process at a time. Raises PasswordsUnusable for whatever the disk does not do."""
        try:
            with self._path.with_name(f".{self._path.name}.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise PasswordsUnusable(
                f"broker.passwords {self._path}: cannot be kept: {error.strerror or error}; the gateway's user must be "
                "able to write in its folder (`siaga gateway broker-config` says how)"
            ) from None

    def _lines(self) -> dict[str, str]:
        """By user, as they stand."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        return {line.partition(":")[0]: line for line in text.splitlines() if line}

    def _write(self, lines: Collection[str]) -> None:
        draft = self._path.with_name(f".{self._path.name}.draft")
        mode, owner = 0o640, None
        if self._path.exists():
            found = self._path.stat()
            mode, owner = found.st_mode & 0o777, (found.st_uid, found.st_gid)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), mode)
            if owner is not None and os.geteuid() == 0:
                os.fchown(file.fileno(), *owner)
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def put(self, user: str, password: str) -> None:
        """A user that is no button."""
        with self._held():
            lines = self._lines()
            lines[user] = password_line(user, password, os.urandom(_SALT_BYTES))
            self._write(lines.values())

    def drop(self, user: str) -> bool:
        """Whether it was there."""
        with self._held():
            lines = self._lines()
            if lines.pop(user, None) is None:
                return False
            self._write(lines.values())
            return True

    def keep_in_step(self, store: Store, key: GatewayKey) -> Change:
        """Have a line for every button that may log in, and for no other. Raises PasswordsUnusable, StoreFailing."""
        with self._held():
            wanted = {
                device_id.hex(): device_id for device_id, state in store.registrations().items() if state in ADMITTED
            }
            lines = self._lines()
            withdrawn = [user for user in lines if is_device(user) and user not in wanted]
            new = [device_id for user, device_id in wanted.items() if user not in lines]
            if not withdrawn and not new and self._path.exists():
                return Change(admitted=len(wanted))
            for user in withdrawn:
                del lines[user]
            for begin in range(0, len(new), _AT_A_TIME):
                for device_id, enrolled in store.enrolled(new[begin : begin + _AT_A_TIME]).items():
                    user, password = device_id.hex(), key.device_key(enrolled.device.public_xy).broker_password
                    lines[user] = password_line(user, password, os.urandom(_SALT_BYTES))
            self._write(lines.values())
            return Change(len(new), len(withdrawn), len(wanted))

    def tell(self) -> None:
        """Have Mosquitto read it: whose password is gone is cut off. Raises PasswordsUnusable."""
        if self._pid_file is None:
            return
        try:
            pid = int(self._pid_file.read_text(encoding="ascii"))
            name = Path(f"/proc/{pid}/comm")
            if name.exists() and name.read_text(encoding="utf-8").strip() != "mosquitto":
                raise ProcessLookupError(f"process {pid} is no Mosquitto")
            os.kill(pid, signal.SIGHUP)
        except (OSError, ValueError) as error:
            raise PasswordsUnusable(
                f"Mosquitto was not told of its new passwords: broker.pid_file {self._pid_file}: "
                f"{getattr(error, 'strerror', None) or error}. It reads them at its next start; until then "
                "`systemctl reload mosquitto` does it"
            ) from None
