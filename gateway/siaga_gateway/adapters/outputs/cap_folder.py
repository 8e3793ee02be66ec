"""An output to a folder: one CAP 1.2 file a notice, for a system that watches a folder or a share."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from siaga_gateway.adapters.outputs.common import checked_deadline, made
from siaga_gateway.adapters.outputs.deadline_call import DeadlineCall
from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import reason
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.incident import Notice
from siaga_gateway.domain.limits import DELIVERY_DEADLINE_S
from siaga_gateway.formats import cap
from siaga_gateway.service.ports import Delivered, NotDelivered

_SUFFIX: Final = ".cap.xml"
_LONGEST_NAME: Final = 200  # most file systems allow 255 bytes; the temporary name is a little longer
# The text for each error of the operating system.
_TEXT_OF: Final = {
    errno.ENOSPC: "no_room",
    errno.EDQUOT: "no_room",
    errno.EFBIG: "no_room",
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.EROFS: "read_only",
    errno.ENOENT: "no_folder",
    errno.ENOTDIR: "no_folder",
}


class CapFolderOutput:
    """Writes each notice as `<key>.cap.xml`. A reader never sees half a file, and a stored one survives a power cut.

    The same key is the same file, so that a repeated delivery changes nothing. The folder is not created: an unmounted
    share must not be mistaken for an empty local folder. Owner and group may read the files (0640), as they name a
    person.
    """

    def __init__(
        self,
        name: str,
        folder: Path | str,
        receives_tests: bool = False,
        encode: Callable[[Notice, str], bytes] | None = None,
        *,
        language: str = "id",
        deadline_s: float = DELIVERY_DEADLINE_S,
    ) -> None:
        """encode: writes the document; None: as cap.encoder does by itself. Raises: ValueError, which names the wrong
        setting and a right one."""
        self.name = name
        self.receives_tests = receives_tests
        self.at_once = 1  # one disk; and the watcher gets the files in order
        self._folder = Path(folder)
        if not str(folder) or not self._folder.is_absolute():
            raise SettingError("output.folder", why=str(folder))
        self._encode = cap.encoder(None) if encode is None else encode
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self._disk = DeadlineCall(f"folder {name}")

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        until = time.monotonic() + self._deadline_s
        body = made(lambda: self._encode(notice, key), self._language)
        if isinstance(body, NotDelivered):
            return body
        file = self._folder / file_name(key)
        try:
            self._disk.call(lambda: _store(file, body), until)
        except TimeoutError:
            return NotDelivered(self._say("folder_hangs", seconds=f"{self._deadline_s:g}"))
        except OSError as error:
            why = reason(error, self._language)
            return NotDelivered(self._say(_TEXT_OF.get(error.errno or 0, "folder_failed"), why=why))
        except Exception as error:
            return NotDelivered(text("formats.delivery.unexpected", self._language, why=type(error).__name__))
        return Delivered(text("formats.delivery.written", self._language, file=file.name))

    def close(self) -> None:
        """Nothing to close."""

    def _say(self, name: str, **values: object) -> str:
        return text(f"formats.delivery.{name}", self._language, folder=self._folder, **values)


def file_name(key: str) -> str:
    """Return the file name of a key: no two keys share one, whatever they contain.

    Letters, digits, `-`, `_`, `.` and `~` stay, other characters are percent-encoded; a long key's tail is replaced by
    a hash of the whole.
    """
    name = quote(key, safe="", errors="surrogatepass")
    if name.startswith("."):  # neither hidden nor a path out of the folder
        name = "%2E" + name[1:]
    if not name or len(name) + len(_SUFFIX) > _LONGEST_NAME:
        # "%%" occurs in no percent-encoded name, so this cannot be another key's.
        name = f"{name[:100]}%%{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return name + _SUFFIX


def _store(file: Path, body: bytes) -> None:
    """Write to a temporary file, fsync, rename, fsync the folder. Raises: OSError."""
    if not _holds(file, body):
        aside = file.with_name(f".{file.name}.part")
        try:
            _write_through(aside, body)
            aside.replace(file)
        except OSError:
            with contextlib.suppress(OSError):  # the first error is the one to report
                aside.unlink(missing_ok=True)
            raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _holds(file: Path, body: bytes) -> bool:
    """Whether the file exists and is whole, from an attempt that ended between its rename and the folder's fsync."""
    try:
        return file.read_bytes() == body
    except OSError:
        return False


def _write_through(file: Path, body: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
    try:
        rest = memoryview(body)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
