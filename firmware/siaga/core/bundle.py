"""A firmware bundle: one signed file with a whole firmware (UPDATE.md).

It is checked here from start to end as far as it has arrived, a piece of at most 1 KB a step, and no more than that
piece is held.

    0   magic "SIAB", format, version (3), minimum battery in percent, number of boards, number of files u16, length u32
    16  a name of 24 bytes for each board, zero-padded; none = fits any board
    ..  an entry of 88 bytes for each file: path (48), offset u32, length u32, SHA-256; in the order of the paths
    ..  the files, one after another, in the same order
    ..  64 bytes: ES256 over "siaga/1 bundle" || SHA-256 of everything before
"""

import hashlib
import struct

from micropython import const
from siaga.core import p256_verify
from siaga.core.errors import SiagaError

MAGIC = b"SIAB"
FORMAT = const(1)
CONTEXT = b"siaga/1 bundle"

HEAD = const(16)
BOARD = const(24)
PATH = const(48)
ENTRY = const(88)
SIGNATURE = const(64)
MAX_BOARDS = const(8)
MAX_FILES = const(200)
MAX_LENGTH = const(1048576)
STEP = const(1024)

_LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789_"


class BundleError(SiagaError):
    """This bundle is not used. is_damage: its bytes are not what was signed, so a fresh copy may be better."""

    is_damage = False


def damaged(what: str) -> BundleError:
    """Return the error for bytes that are not what was signed."""
    error = BundleError(what)
    error.is_damage = True
    return error


class Header:
    """What a bundle says about itself; trusted only once its signature is verified."""

    def __init__(self, head: bytes) -> None:
        """head: the first 16 bytes. Raises BundleError."""
        if head[:4] != MAGIC:
            raise damaged("no bundle: it does not begin with SIAB")
        if head[4] != FORMAT:
            raise BundleError("format %d is not read here" % head[4])
        self.version = (head[5], head[6], head[7])
        self.battery = head[8]
        self.board_count = head[9]
        self.file_count, self.length = struct.unpack(">HI", head[10:16])
        self.boards = []  # type: list[str]
        fits = self.battery <= 100 and self.board_count <= MAX_BOARDS and 0 < self.file_count <= MAX_FILES
        if not fits or not self.contents + SIGNATURE < self.length <= MAX_LENGTH:
            raise damaged("an impossible head")

    @property
    def table(self) -> int:
        """Return the offset of the entries."""
        return HEAD + BOARD * self.board_count

    @property
    def contents(self) -> int:
        """Return the offset of the files."""
        return self.table + ENTRY * self.file_count


def padded(name: bytes) -> bytes:
    """Return the content of a fixed-size field. Raises BundleError if anything follows the zeros."""
    text = name.rstrip(b"\0")
    if not text or b"\0" in text:
        raise damaged("a name is wrong")
    return text


def _board(field: bytes) -> str:
    name = padded(field)
    if not all(letter in _LETTERS for letter in name):
        raise damaged("a board's name is wrong")
    return name.decode()


def check_path(path: bytes) -> None:
    """Check a path: only modules below siaga/, so nothing absolute, no climbing, none of the device's own files. Raises
    BundleError."""
    parts = path.split(b"/")
    stem, _, kind = parts[-1].partition(b".")
    fits = len(parts) > 1 and parts[0] == b"siaga" and kind in (b"py", b"mpy", b"txt")
    for part in parts[:-1] + [stem]:
        fits = fits and part != b"" and all(letter in _LETTERS for letter in part)
    if not fits:
        raise damaged("%r is no module below siaga/" % path)


class Check:
    """Checks a bundle.

    read(offset, length): returns the bytes of the bundle that are there
    keys: the public keys (X || Y), one of which must have signed it
    accept(header): raises BundleError for a bundle that this device does not want; called as soon as the head is there
    at: how far it is checked
    digest: SHA-256 of all but the signature, once done
    """

    def __init__(self, read: "Read", keys: "list[bytes]", accept: "Accept") -> None:
        self._read = read
        self._keys = keys
        self._accept = accept
        self._whole = hashlib.sha256()
        self._file = hashlib.sha256()
        self._path = b""
        self._offset = 0
        self._entries = 0
        self._files = 0
        self._left = 0
        self._expected = b""
        self._headed = False
        self.header = None  # type: Header | None
        self.at = 0
        self.digest = b""

    @property
    def done(self) -> bool:
        """Return whether it is complete and its signature verified."""
        return self.digest != b""

    def step(self, have: int) -> bool:
        """Check one more piece. have: how much has arrived. Returns whether a piece was checked. Raises BundleError."""
        if self.done:
            return False
        header = self.header
        if header is None:
            if have < HEAD:
                return False
            header = self.header = Header(self._piece(HEAD))
        if have > header.length:
            raise damaged("longer than it says")
        if len(header.boards) < header.board_count:
            if have - self.at < BOARD:
                return False
            header.boards.append(_board(self._piece(BOARD)))
        elif not self._headed:
            self._headed = True
            self._offset = header.contents
            self._accept(header)
        elif self._entries < header.file_count:
            if have - self.at < ENTRY:
                return False
            self._entry(header, self._piece(ENTRY))
        elif self._left or self._files < header.file_count:
            return self._content(header, have)
        else:
            if have < header.length:
                return False
            self._signature()
        return True

    def _piece(self, length: int) -> bytes:
        piece = self._read(self.at, length)
        if len(piece) != length:
            raise damaged("it cannot be read")
        self._whole.update(piece)
        self.at += length
        return piece

    def _entry(self, header: Header, entry: bytes) -> None:
        path = padded(entry[:PATH])
        check_path(path)
        offset, length = struct.unpack(">II", entry[PATH : PATH + 8])
        if path <= self._path or offset != self._offset or length > header.length:
            raise damaged("the table is wrong at %r" % path)
        self._path = path
        self._offset += length
        self._entries += 1
        if self._entries == header.file_count and self._offset + SIGNATURE != header.length:
            raise damaged("the table is wrong at its end")

    def _content(self, header: Header, have: int) -> bool:
        if not self._left:
            entry = self._read(header.table + ENTRY * self._files, ENTRY)
            if len(entry) != ENTRY:
                raise damaged("it cannot be read")
            self._files += 1
            self._left = struct.unpack(">I", entry[PATH + 4 : PATH + 8])[0]
            self._expected = entry[PATH + 8 :]
            self._file = hashlib.sha256()
        take = min(self._left, STEP)
        if have - self.at < take:
            return False
        if take:
            self._file.update(self._piece(take))
            self._left -= take
        if not self._left and self._file.digest() != self._expected:
            raise damaged("file %d has changed" % self._files)
        return True

    def _signature(self) -> None:
        signature = self._read(self.at, SIGNATURE)
        digest = self._whole.digest()
        for key in self._keys:
            if p256_verify.verify(key, CONTEXT + digest, signature):
                self.at += SIGNATURE
                self.digest = digest
                return
        raise damaged("its signature is by no release key")


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[int, int], bytes]
    Accept = Callable[[Header], None]
