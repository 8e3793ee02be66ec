"""Reads rows of a damaged file in SQLite's file format (sqlite.org/fileformat2.html).

Nothing here trusts the file: whatever does not fit is skipped. The write-ahead log overlays the file; unlike in SQLite,
a damaged frame of it does not discard the frames after it.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

Record = tuple[Any, ...]

PAGE_SIZE: Final = 4096  # the page size of all our stores
TABLE_LEAF: Final = 0x0D
INDEX_LEAF: Final = 0x0A
INDEX_INTERIOR: Final = 0x02
TABLE_INTERIOR: Final = 0x05
_HEADER: Final = b"SQLite format 3\0"
_FIRST_CELLS: Final = 100  # page 1 begins with the file header
_LOG_HEADER: Final = 32
_FRAME_HEADER: Final = 24
_MAGIC: Final = 0x377F0682  # plus 1: big-endian checksums
_LARGEST: Final = 1 << 24  # bytes in a row; ours have a few hundred
_INTEGERS: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes by serial type


class Unreadable(Exception):  # Not a SiagaError: a rescue passes the row over and counts it.
    """These bytes are not a row."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A row as found on a page."""

    rowid: int | None  # None: from an index, or from a table without rowid
    record: Record


class Pages:
    """The pages of a store, numbered from 1, as of the last commit. A context manager."""

    def __init__(self, path: Path) -> None:
        """Raises: OSError."""
        self._file = path.open("rb", buffering=0)
        self._log: IO[bytes] | None = None
        self.size = self._page_size()
        self.log_damaged = False
        self._over: dict[int, int] = {}  # page -> offset in the log
        self.count = -(-path.stat().st_size // self.size)
        log = Path(f"{path}-wal")
        if log.exists() and log.stat().st_size > _LOG_HEADER:
            self._log = log.open("rb")
            self._lay_over(log.stat().st_size)

    def __enter__(self) -> Pages:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._log is not None:
            self._log.close()

    def _page_size(self) -> int:
        with suppress(OSError):
            head = self._file.read(18)
            size = int.from_bytes(head[16:18], "big")
            if head.startswith(_HEADER) and size >= 512 and size & (size - 1) == 0:
                return size
        return PAGE_SIZE

    def page(self, number: int) -> bytes:
        """Return a page. Raises: Unreadable if the disk does not return it, or it does not exist."""
        try:
            if (offset := self._over.get(number)) is not None and self._log is not None:
                self._log.seek(offset)
                data = self._log.read(self.size)
            else:
                self._file.seek((number - 1) * self.size)
                data = self._file.read(self.size)
        except OSError as error:
            raise Unreadable(str(error)) from None
        if number < 1 or len(data) != self.size:
            raise Unreadable(f"there is no page {number}")
        return data

    def _lay_over(self, size: int) -> None:
        """Apply log frames up to the last complete commit; after a damaged frame those that are valid by themselves."""
        assert self._log is not None
        head = self._log.read(_LOG_HEADER)
        magic, _, page_size, _, *_ = struct.unpack(">IIII8sII", head)
        order = ">" if magic == _MAGIC + 1 else "<"
        seed: tuple[int, int] = struct.unpack(">II", head[24:])
        sound = magic & ~1 == _MAGIC and page_size == self.size and _checksum(order, head[:24], (0, 0)) == seed
        salts = head[16:24] if sound else None  # without a header the first frame tells which log this is
        broken, commits = not sound, 0  # commits: since the first damage
        waiting, behind = dict[int, int](), dict[int, int]()
        step = _FRAME_HEADER + self.size
        for at in range(_LOG_HEADER, size - step + 1, step):
            self._log.seek(at)
            frame = self._log.read(step)
            number, pages, frame_salts, *told = struct.unpack_from(">II8sII", frame)
            whole = salts is None or _checksum(order, frame[:8] + frame[_FRAME_HEADER:], seed) == tuple(told)
            if salts is None:
                salts = frame_salts
            elif frame_salts != salts:
                break
            seed = (told[0], told[1])
            broken = broken or not whole
            if whole:
                waiting[number] = at + _FRAME_HEADER
            if pages:
                (behind if broken else self._over).update(waiting)
                waiting.clear()
                commits += broken
                self.count = max(self.count, min(pages, self.count + size // step)) if whole else self.count
        # A commit whose sync never completed can leave one torn frame and its commit mark at the end of the log. Two
        # commit marks after a damaged frame prove that this frame was once whole.
        self.log_damaged = commits >= 2 or (not sound and commits >= 1)
        if self.log_damaged:
            self._over.update(behind)


def _checksum(order: str, data: bytes, seed: tuple[int, int]) -> tuple[int, int]:
    first, second = seed
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def kind_of(page: bytes, number: int) -> int:
    """Return TABLE_LEAF, INDEX_LEAF, INDEX_INTERIOR or another value."""
    return page[_FIRST_CELLS if number == 1 else 0]


def trees(pages: Pages, roots: Mapping[str, int], sound: Collection[str] = ()) -> dict[int, str]:
    """Return to which tree pages belong, as far as inner pages can be read. A page that two trees claim is left out.

    roots: the first page of each tree, by name. sound: trees that are whole: what they claim is theirs.
    """
    found: dict[int, str] = {}
    claimed_twice = set[int]()
    for name, root in sorted(roots.items(), key=lambda each: each[0] not in sound):
        waiting, seen = [root], set[int]()
        while waiting:
            number = waiting.pop()
            if number in seen or not 1 <= number <= pages.count:
                continue
            seen.add(number)
            with suppress(Unreadable, IndexError):  # what is below it belongs to nobody
                waiting.extend(_children(pages.page(number), number))
            if (first := found.setdefault(number, name)) != name and first not in sound:
                claimed_twice.add(number)
    return {number: name for number, name in found.items() if number not in claimed_twice}


def _children(page: bytes, number: int) -> Iterator[int]:
    start = _FIRST_CELLS if number == 1 else 0
    if page[start] not in (TABLE_INTERIOR, INDEX_INTERIOR):
        return
    yield int.from_bytes(page[start + 8 : start + 12], "big")
    head, count = start + 12, int.from_bytes(page[start + 3 : start + 5], "big")
    for pointer in range(head, min(head + 2 * count, len(page) - 1), 2):
        at = int.from_bytes(page[pointer : pointer + 2], "big")
        yield int.from_bytes(page[at : at + 4], "big")


def cells(pages: Pages, page: bytes, number: int) -> Iterator[Cell | None]:
    """Yield the rows of a table leaf, an index leaf or an inner index page; None for each unreadable one."""
    start = _FIRST_CELLS if number == 1 else 0
    kind = page[start]
    head = start + (12 if kind == INDEX_INTERIOR else 8)
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    for pointer in range(head, min(head + 2 * count, len(page) - 1), 2):
        try:
            yield _cell(pages, page, int.from_bytes(page[pointer : pointer + 2], "big"), kind, head + 2 * count)
        except (Unreadable, IndexError, struct.error, UnicodeDecodeError):
            yield None


def _cell(pages: Pages, page: bytes, at: int, kind: int, least: int) -> Cell:
    if at < least:
        raise Unreadable("a row lies in its page's own head")
    if kind == INDEX_INTERIOR:
        at += 4
    size, at = _varint(page, at)
    rowid: int | None = None
    if kind == TABLE_LEAF:
        rowid, at = _varint(page, at)
        rowid = rowid - (1 << 64) if rowid >> 63 else rowid
    if size > _LARGEST:
        raise Unreadable("a row longer than any of ours")
    usable = pages.size
    most = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
    if size <= most:
        if at + size > len(page):
            raise Unreadable("a row that ends behind its page")
        return Cell(rowid, record(page[at : at + size]))
    least_here = (usable - 12) * 32 // 255 - 23
    here = least_here + (size - least_here) % (usable - 4)
    here = here if here <= most else least_here
    payload, following = page[at : at + here], int.from_bytes(page[at + here : at + here + 4], "big")
    while len(payload) < size:
        over = pages.page(following)
        payload += over[4 : 4 + size - len(payload)]
        following = int.from_bytes(over[:4], "big")
    return Cell(rowid, record(payload))


def record(payload: bytes) -> Record:
    """Return a row's values. Raises: Unreadable."""
    head, at = _varint(payload, 0)
    if head > len(payload):
        raise Unreadable("a head longer than its row")
    values: list[Any] = []
    body = head
    while at < head:
        serial, at = _varint(payload, at)
        if serial == 0:
            values.append(None)
        elif serial in (8, 9):
            values.append(serial - 8)
        elif (length := _INTEGERS.get(serial)) is not None:
            values.append(int.from_bytes(payload[body : body + length], "big", signed=True))
            body += length
        elif serial >= 12:
            length = (serial - 12) // 2
            part = payload[body : body + length]
            values.append(part.decode() if serial & 1 else part)
            body += length
        else:
            raise Unreadable("a value of a kind that no table of ours has")
    if at != head or body != len(payload):
        raise Unreadable("a row whose values do not fill it")
    return tuple(values)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for step in range(9):
        byte = data[at + step]
        if step == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    raise Unreadable("a number without an end")
