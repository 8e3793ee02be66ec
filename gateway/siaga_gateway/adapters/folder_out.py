"""Output into a folder: one CAP 1.2 file a notice, for a system that watches a folder or a share."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

from siaga_gateway.adapters.delivery import DEADLINE_S, checked_deadline, made
from siaga_gateway.adapters.one_at_a_time import OneAtATime
from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Notice
from siaga_gateway.formats import cap
from siaga_gateway.service.ports import Delivered, NotDelivered

_SUFFIX: Final = ".cap.xml"
_LONGEST_NAME: Final = 200  # most file systems take 255 bytes; the temporary name is a little longer
# Which of the texts fits an error of the operating system.
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
    """Writes each notice as `<key>.cap.xml`; a reader never sees half a file, and a stored one survives a power cut.

    The same key is the same file, so that a repeated delivery changes nothing. The folder is not created: an unmounted
    share must not be taken for an empty folder on the local disk. Files are for the owner and the group (0640), for
    they name a person.
    """

    def __init__(
        self,
        name: str,
        folder: Path | str,
        receives_tests: bool = False,
        *,
        sender: str | None = None,
        language: str = "id",
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """`sender` is the messages' CAP sender (default the gateway's name).

        Raises ValueError that names the wrong setting and what would be right.
        """
        self.name = name
        self.receives_tests = receives_tests
        self.at_once = 1  # one disk; and who watches the folder sees files in their order
        self._folder = Path(folder)
        if not str(folder) or not self._folder.is_absolute():
            raise ValueError(f"folder {str(folder)!r} must be an absolute path, as /var/spool/siaga/cap")
        self._sender = None if sender is None else cap.check_name(sender, "sender")
        self._language = language
        self._deadline_s = checked_deadline(deadline_s)
        self._disk = OneAtATime(f"folder {name}")

    def deliver(self, notice: Notice, key: str) -> Delivered | NotDelivered:
        until = time.monotonic() + self._deadline_s
        body = made(lambda: cap.document(notice, sender=self._sender), self._language)
        if isinstance(body, NotDelivered):
            return body
        file = self._folder / file_name(key)
        try:
            self._disk.call(lambda: _store(file, body), until)
        except TimeoutError:
            return NotDelivered(self._say("folder_hangs", seconds=f"{self._deadline_s:g}"))
        except OSError as error:
            why = error.strerror or type(error).__name__
            return NotDelivered(self._say(_TEXT_OF.get(error.errno or 0, "folder_failed"), why=why))
        except Exception as error:
            return NotDelivered(text("formats.delivery.unexpected", self._language, why=type(error).__name__))
        return Delivered(text("formats.delivery.written", self._language, file=file.name))

    def close(self) -> None:
        """Nothing is kept open."""

    def _say(self, name: str, **values: object) -> str:
        return text(f"formats.delivery.{name}", self._language, folder=self._folder, **values)


def file_name(key: str) -> str:
    """The file of a key: two keys never share one, whatever stands in them.

    Letters, digits, `-`, `_`, `.` and `~` stay, other characters are percent-encoded; of a long key the tail is
    replaced by a hash of the whole.
    """
    name = quote(key, safe="", errors="surrogatepass")
    if name.startswith("."):  # neither hidden nor a way out of the folder
        name = "%2E" + name[1:]
    if not name or len(name) + len(_SUFFIX) > _LONGEST_NAME:
        # "%%" appears in no percent-encoded name, so this cannot be another key's.
        name = f"{name[:100]}%%{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return name + _SUFFIX


def _store(file: Path, body: bytes) -> None:
    """Write aside, flush to the disk, move into place, flush the folder; raises OSError."""
    if not _holds(file, body):
        aside = file.with_name(f".{file.name}.part")
        try:
            _write_through(aside, body)
            aside.replace(file)
        except OSError:
            with contextlib.suppress(OSError):  # the first error is the one to tell
                aside.unlink(missing_ok=True)
            raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _holds(file: Path, body: bytes) -> bool:
    """The file is there and whole, from an earlier attempt that ended between its rename and the folder's flush."""
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
