"""The keys for personal data on disk: for their owner only, written whole or not at all, reread when changed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from siaga_gateway.domain.personal import PersonalKey, PersonalKeyError, PersonalKeys, parsed, written

log = logging.getLogger(__name__)

FILE_NAME: Final = "personal-key"
RETIRED: Final = "-retired"  # beside it: keys that old backups need


class KeyFile:
    """The keys in one file, as `domain.personal.PersonalKeys`. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._keys = PersonalKeys([])

    def keys(self, wanted: str | None = None) -> PersonalKeys:
        """The keys that are there; none where the file is missing or damaged, which `fault` tells. wanted: the id of a
        key that somebody needs: where it is not among those known, the file is looked at again."""
        with self._lock:
            if self._stamp is None or (wanted is not None and not self._keys.has(wanted)):
                self._look()
            return self._keys

    def fault(self) -> str | None:
        """What is wrong with the file, in one sentence, or None."""
        try:
            read_keys(self.path)
        except PersonalKeyError as error:
            return str(error)
        return None

    def _look(self) -> None:
        stamp = _stamp(self.path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = PersonalKeys(read_keys(self.path))
        except PersonalKeyError as error:
            log.error("%s", error)
            self._keys = PersonalKeys([])

    def make(self) -> None:
        """A new file with a new key. Raises PersonalKeyError where there is one or it cannot be written."""
        write_keys(self.path, [PersonalKey.generate()], new=True)

    def make_missing(self) -> None:
        if not self.path.exists():
            try:
                self.make()
            except PersonalKeyError:
                if not self.path.exists():
                    raise
                # another was quicker: that one it is
        self._forget()

    def add(self) -> PersonalKey:
        """A new key that seals from now on; the others stay, for what they sealed."""
        key = PersonalKey.generate()
        write_keys(self.path, [key, *read_keys(self.path)])
        self._forget()
        return key

    def retire(self) -> Sequence[PersonalKey]:
        """Take all keys but the sealing one out, into a file of their own beside it. Returns those."""
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
    """Raises PersonalKeyError where there is no usable file, or others could read it."""
    try:
        if path.stat().st_mode & 0o077:
            raise PersonalKeyError(f"{path}: others can read the keys for personal data; `chmod 600 {path}` mends it")
        return parsed(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        raise PersonalKeyError(
            f"{path}: the key for personal data is not there; put your copy of it back, or name its place by the "
            "setting personal_key"
        ) from None
    except OSError as error:
        raise PersonalKeyError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise PersonalKeyError(f"{path}: is no key file; restore it from your copy") from None
    except PersonalKeyError as error:
        raise error if str(error).startswith(str(path)) else PersonalKeyError(f"{path}: {error}") from None


def write_keys(path: Path, keys: Sequence[PersonalKey], *, new: bool = False) -> None:
    """With mode 0600; a power cut leaves what was there or all of the new. new: where there is a file it stays, whoever
    is quicker. Raises PersonalKeyError."""
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
        raise PersonalKeyError(f"{path}: is there already") from None
    except OSError as error:
        raise PersonalKeyError(f"{path}: cannot be written: {error.strerror}") from None


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
