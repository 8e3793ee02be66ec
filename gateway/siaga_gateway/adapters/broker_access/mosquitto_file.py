"""Mosquitto's password file, kept in step with the registry: a button has a line while it may log in.

The file is replaced by a rename, so that Mosquitto reads either the old or the new one. Lines of users that are not
buttons are left alone. A button's password is derived from the keys (PROTOCOL.md 4), so that its line is stored nowhere
else: a lost file is regenerated.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.domain.registry import ADMITTED
from siaga_gateway.formats.mosquitto import DOOR, is_device, password_line
from siaga_gateway.service.fleet.broker_access import Change, PasswordsUnusable
from siaga_gateway.service.store import Store

_SALT_BYTES: Final = 12
_AT_A_TIME: Final = 500
_HELD_S: Final = 20.0  # whoever holds the lock writes 100,000 lines in less
_LOOK_S: Final = 0.05


class PasswordFile:
    """Implements service.fleet.broker_access.BrokerPasswords.

    pid_file: of the Mosquitto that reads it; None: somebody else tells it.
    """

    def __init__(self, path: Path, pid_file: Path | None = None) -> None:
        self._path = path
        self._pid_file = pid_file

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Lock out other processes.

        Raises: PasswordsUnusable for any disk error, and if another process does not release the lock.
        """
        lock_file = self._path.with_name(f".{self._path.name}.lock")
        try:
            with lock_file.open("a") as lock:
                until = time.monotonic() + _HELD_S
                while not _locked(lock):
                    if time.monotonic() > until:
                        raise PasswordsUnusable(
                            "broker.passwords_held", path=self._path, lock=lock_file, seconds=round(_HELD_S)
                        )
                    time.sleep(_LOOK_S)
                yield
        except OSError as error:
            raise PasswordsUnusable("broker.passwords_unkept", path=self._path, why=error) from None

    def _lines(self) -> dict[str, str]:
        """Return the file's lines by user."""
        try:
            text = self._path.read_text(encoding="utf-8", errors="surrogateescape")  # others' lines stay as they are
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
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            os.fchmod(file.fileno(), mode)
            if owner is not None and os.geteuid() == 0:
                os.fchown(file.fileno(), *owner)
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def put(self, user: str, password: str) -> None:
        """Set the password of a user that is not a button."""
        with self._held():
            lines = self._lines()
            lines[user] = password_line(user, password, os.urandom(_SALT_BYTES))
            self._write(lines.values())

    def drop(self, user: str) -> bool:
        """Remove a user. Returns whether there was one."""
        with self._held():
            lines = self._lines()
            if lines.pop(user, None) is None:
                return False
            self._write(lines.values())
            return True

    def close_door(self) -> bool:
        return self._path.exists() and self.drop(DOOR)

    def keep_in_step(self, store: Store, key: GatewayKey, shut_out: Collection[str] = ()) -> Change:
        """Make the lines match the buttons that may log in. Raises: PasswordsUnusable, StoreFailing."""
        with self._held():
            wanted = {
                device_id.hex(): device_id
                for device_id, state in store.registrations().items()
                if state in ADMITTED and device_id.hex() not in shut_out
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
        """Make Mosquitto reload; it disconnects users whose password is gone. Raises: PasswordsUnusable."""
        if self._pid_file is None:
            return
        try:
            pid = int(self._pid_file.read_text(encoding="ascii"))
            name = Path(f"/proc/{pid}/comm")
            if name.exists() and name.read_text(encoding="utf-8").strip() != "mosquitto":
                raise PasswordsUnusable("broker.no_mosquitto", pid_file=self._pid_file, pid=pid)
            os.kill(pid, signal.SIGHUP)
        except (OSError, ValueError) as error:
            raise PasswordsUnusable("broker.not_told", pid_file=self._pid_file, why=error) from None


def _locked(file: IO[str]) -> bool:
    """Take the lock if it is free. Raises: OSError."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
