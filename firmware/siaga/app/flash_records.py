"""Small records on littlefs, atomically replaced: magic (4 bytes), payload, CRC-32 (4 bytes).

littlefs makes new content visible on close, and a rename in one step, so a kill or power cut leaves either the old
record or the new one. The CRC is for worn flash and for files written by something else.
"""

import binascii
import os

from siaga.core.errors import SiagaError

ENOENT = 2


class CorruptRecord(SiagaError):
    """A record exists but is not what was written."""


def seal(magic: bytes, payload: bytes) -> bytes:
    """Return the bytes of a record."""
    record = magic + payload
    return record + binascii.crc32(record).to_bytes(4, "big")


def unseal(magic: bytes, record: bytes) -> bytes:
    """Return the payload of a record. Raises CorruptRecord."""
    if len(record) < 8 or record[:4] != magic:
        raise CorruptRecord("not a record of kind %s" % repr(magic))
    if binascii.crc32(record[:-4]) != int.from_bytes(record[-4:], "big"):
        raise CorruptRecord("a record of kind %s whose bytes have changed" % repr(magic))
    return record[4:-4]


def write_file(path: str, content: bytes) -> None:
    """Replace a file atomically. Raises OSError (flash full or worn out); the old content is kept then."""
    fresh = path + ".new"
    with open(fresh, "wb") as file:
        file.write(content)
    os.rename(fresh, path)


def read_file(path: str) -> "bytes | None":
    """Return a file's content, None if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        if error.errno == ENOENT:
            return None
        raise


def write_record(path: str, magic: bytes, payload: bytes) -> None:
    """Replace a record atomically. Raises OSError."""
    write_file(path, seal(magic, payload))


def read_record(path: str, magic: bytes) -> "bytes | None":
    """Return a record's payload, None if there is none. Raises CorruptRecord, also if the flash cannot read it."""
    try:
        record = read_file(path)
    except OSError as error:
        raise CorruptRecord("unreadable: flash error %s" % error)
    return None if record is None else unseal(magic, record)


def remove(path: str) -> None:
    """Remove a file, if it exists."""
    try:
        os.remove(path)
    except OSError as error:
        if error.errno != ENOENT:
            raise


def make_folder(path: str) -> None:
    """Make a folder, if it does not exist; an existing one costs no write, which a worn flash would refuse. Raises
    OSError."""
    try:
        os.stat(path)
    except OSError:
        os.mkdir(path)
