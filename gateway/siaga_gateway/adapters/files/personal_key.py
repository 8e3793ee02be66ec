"""The keys for personal data on disk: readable by their owner only, written atomically, reread when changed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from siaga_gateway.domain.personal_encryption import PersonalKey, PersonalKeyError, PersonalKeys, parsed, written

log = logging.getLogger(__name__)

FILE_NAME: Final = "personal-key"
RETIRED: Final = "-retired"  # suffix of the file beside it with keys that old backups need


class KeyFile:
    """The keys in one file, as `domain.personal_encryption.PersonalKeys`. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._keys = PersonalKeys([])

    def keys(self, wanted: str | None = None) -> PersonalKeys:
        """Return the available keys; none if the file is missing or damaged, see `fault`.

        wanted: the id of a key that is needed; if it is not known, the file is checked again.
        """
        with self._lock:
            if self._stamp is None or (wanted is not None and not self._keys.has(wanted)):
                self._look()
            return self._keys

    def fault(self, wanted: str | None = None) -> str | None:
        """Return what is wrong with the file, in one sentence, or None. wanted: the id of a key that must be in it."""
        try:
            keys = read_keys(self.path)
        except PersonalKeyError as error:
            return str(error)
        if wanted is not None and wanted not in {key.id for key in keys}:
            return str(PersonalKeyError("personal_key.another", path=self.path, id=wanted))
        return None

    def _look(self) -> None:
        stamp = _stamp(self.path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = PersonalKeys(read_keys(self.path))
        except PersonalKeyError as error:
            # Keys read before remain in use: a file that is moved for a moment costs nobody a name.
            log.error(error.message)

    def make(self) -> None:
        """Create the file with a new key. Raises: PersonalKeyError if it exists or cannot be written."""
        write_keys(self.path, [PersonalKey.generate()], new=True)

    def make_missing(self) -> None:
        if not self.path.exists():
            try:
                self.make()
            except PersonalKeyError:
                if not self.path.exists():
                    raise
                # another process was faster: use its key
        self._forget()

    def add(self) -> PersonalKey:
        """Add a new key that encrypts from now on; the others remain for what they encrypted."""
        key = PersonalKey.generate()
        write_keys(self.path, [key, *read_keys(self.path)])
        self._forget()
        return key

    def retire(self) -> Sequence[PersonalKey]:
        """Move all keys but the encrypting one into a file beside this one. Returns them."""
        current, *old = read_keys(self.path)
        if old:
            beside = self.path.with_name(self.path.name + RETIRED)
            kept = list(read_keys(beside)) if beside.exists() else []
            write_keys(beside, [*(key for key in old if key not in kept), *kept])
            write_keys(self.path, [current])
            self._forget()
        return old

    def _forget(self) -> None:
        with self._lock:
            self._stamp = None


def read_keys(path: Path) -> tuple[PersonalKey, ...]:
    """Raises: PersonalKeyError if there is no usable file, or others could read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise PersonalKeyError("personal.open", path=path)
        return parsed(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        raise PersonalKeyError("personal.no_file", path=path) from None
    except OSError as error:
        raise PersonalKeyError("file.unread", path=path, why=error) from None
    except UnicodeDecodeError:
        raise PersonalKeyError("personal.no_key_file", path=path) from None
    except PersonalKeyError as error:
        raise error if str(error).startswith(str(path)) else PersonalKeyError("file.at", path=path, why=error) from None


def write_keys(path: Path, keys: Sequence[PersonalKey], *, new: bool = False) -> None:
    """Write with mode 0600, atomically even across a power cut.

    new: never replace an existing file, not even in a race. Raises: PersonalKeyError.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.draft")
    try:
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(written(keys))
            file.flush()
            os.fsync(file.fileno())
        if new:
            try:
                os.link(draft, path)
            finally:
                draft.unlink()
        else:
            draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        raise PersonalKeyError("file.there", path=path) from None
    except OSError as error:
        raise PersonalKeyError("file.unwritten", path=path, why=error) from None


def _stamp(path: Path) -> tuple[int, ...]:
    """Changes with the file, its name and its permissions."""
    try:
        found = path.stat()
    except OSError as error:
        return (error.errno or 0,)
    return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode)
