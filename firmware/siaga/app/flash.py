"""Small records on littlefs: whole or not there. A record is magic (4 bytes), payload, CRC-32 (4 bytes).

littlefs makes a file's new content visible when it is closed, and a rename in one step, so that a kill or a power cut
leaves the old record or the new one. The CRC is for flash that has gone bad and for files that somebody else wrote.
"""

import binascii
import os

from siaga.core.errors import SiagaError

ENOENT = 2


class CorruptRecord(SiagaError):
    """A record that is there and cannot be what was written."""


def seal(magic: bytes, payload: bytes) -> bytes:
    """The bytes of a record."""
    record = magic + payload
    return record + binascii.crc32(record).to_bytes(4, "big")


def unseal(magic: bytes, record: bytes) -> bytes:
    """The payload of a record. Raises CorruptRecord."""
    if len(record) < 8 or record[:4] != magic:
        raise CorruptRecord("not a record of kind %s" % repr(magic))
    if binascii.crc32(record[:-4]) != int.from_bytes(record[-4:], "big"):
        raise CorruptRecord("a record of kind %s whose bytes have changed" % repr(magic))
    return record[4:-4]


def write_file(path: str, content: bytes) -> None:
    """Replace a file in one step. Raises OSError (flash full or worn out); the old content is there then."""
    fresh = path + ".new"
    with open(fresh, "wb") as file:
        file.write(content)
    os.rename(fresh, path)


def read_file(path: str) -> "bytes | None":
    """A file's content, None where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        if error.errno == ENOENT:
            return None
        raise


def write_record(path: str, magic: bytes, payload: bytes) -> None:
    """Replace a record in one step. Raises OSError."""
    write_file(path, seal(magic, payload))


def read_record(path: str, magic: bytes) -> "bytes | None":
    """A record's payload, None where there is none. Raises CorruptRecord, also where the flash gives it no more."""
    try:
        record = read_file(path)
    except OSError as error:
        raise CorruptRecord("unreadable: flash error %s" % error)
    return None if record is None else unseal(magic, record)


def remove(path: str) -> None:
    """Remove a file that may be gone already."""
    try:
        os.remove(path)
    except OSError as error:
        if error.errno != ENOENT:
            raise


def make_folder(path: str) -> None:
    """Make a folder that may be there already; then nothing is written, which a worn flash would refuse. Raises
    OSError."""
    try:
        os.stat(path)
    except OSError:
        os.mkdir(path)
