"""The flash journal of frames that the gateway has not acknowledged: one file an entry, on littlefs.

An entry is on the flash, whole, before its frame is signed or sent, and leaves it only when the gateway's verified
acknowledgement has been dealt with. A press is never thrown away. What else has to go, and what could not be read
back, is counted: a CHECKIN tells it.
"""

import binascii
import os
import struct

from siaga.app import flash
from siaga.core import bearers, frame
from siaga.core.bearers import Waiting
from siaga.core.errors import SiagaError

_MAGIC = b"SGO1"
LIMIT = 64
# Beyond the limit there is room for presses and cancels only.
RESERVE = 32
# What may be thrown away for something more important, the least important first.
_EXPENDABLE = (frame.CHECKIN, frame.RECEIPT, frame.UPDATE, frame.TAMPER)


class OutboxFull(SiagaError):
    """There is no room for this frame, or no counter for it."""


class Outbox:
    """entries: what waits, oldest first. dropped: entries that had to go since the start. rejected: files that could
    not be read back. folder: where they are; bearers: how many."""

    def __init__(self, folder: str, device_id: bytes, counter: "Counter", links: int) -> None:
        self._folder = folder
        # An entry's name begins with its device, so that one whose key was lost is not taken for this one's.
        self._mine = binascii.hexlify(device_id[:4]).decode()
        self._counter = counter
        self._links = links
        self.entries = []  # type: list[Waiting]
        self.dropped = 0
        self.rejected = 0
        flash.make_folder(folder)

    def load(self, now_ms: int) -> None:
        """Read what an earlier run left. What is torn or corrupt is counted and removed.

        Presses of an earlier identity go on under new counters, as presses of their own: a lost key must not lose a
        press. Whatever else that identity had to say is dropped, and counted.
        """
        orphans = []
        for name in sorted(item[0] for item in os.ilistdir(self._folder)):
            path = self._folder + "/" + name
            if name.endswith(".new"):  # never finished, so nobody was told that it was kept
                flash.remove(path)
                continue
            try:
                counter, kind, body = self._read(path, name)
            except SiagaError:
                self.rejected += 1
                flash.remove(path)
                continue
            if name.startswith(self._mine):
                self.entries.append(Waiting(kind, counter, body, now_ms, self._links))
            else:
                orphans.append((path, kind, body))
        for path, kind, body in orphans:
            if kind == frame.PRESS and not body[18] & frame.FLAG_TEST:
                self.keep(frame.PRESS, _opening(body), now_ms)
            else:
                self.dropped += 1
            flash.remove(path)

    def _read(self, path: str, name: str) -> "tuple[int, int, bytes]":
        record = flash.read_record(path, _MAGIC)
        if record is None or len(record) < 5:
            raise flash.CorruptRecord("an entry without a body")
        counter, kind = struct.unpack(">IB", record[:5])
        frame.unsigned(frame.ES256, kind, b"\0" * 8, counter, record[5:])
        if name[8:] != "%08x" % counter:
            raise flash.CorruptRecord("an entry under another one's name")
        return counter, kind, record[5:]

    def add_unkept(self, kind: int, counter: int, body: bytes, now_ms: int) -> Waiting:
        """Something that can be made again at any time (an ENROL) and so needs no file."""
        entry = Waiting(kind, counter, body, now_ms, self._links)
        entry.durable = False
        self.entries.append(entry)
        return entry

    def keep(self, kind: int, body_of: "Callable[[int], bytes]", now_ms: int) -> Waiting:
        """Take a counter, make the body for it, and put both on the flash. Raises OutboxFull.

        If the flash takes no more even after making room, a PRESS or CANCEL is kept in memory alone (durable False).
        """
        self._make_room(kind)
        try:
            counter = self._counter.next()
        except SiagaError as error:
            raise OutboxFull(str(error))
        entry = Waiting(kind, counter, body_of(counter), now_ms, self._links)
        record = flash.seal(_MAGIC, struct.pack(">IB", counter, kind) + entry.body)
        while True:
            try:
                flash.write_file(self._path(counter), record)
                break
            except OSError as error:
                if self._drop_one(kind):
                    continue
                if kind not in (frame.PRESS, frame.CANCEL):
                    raise OutboxFull("the flash takes no more: %s" % error)
                entry.durable = False
                break
        self.entries.append(entry)
        return entry

    def find(self, counter: int) -> "Waiting | None":
        """The entry that waits under this counter."""
        for entry in self.entries:
            if entry.counter == counter:
                return entry
        return None

    def holds(self, kind: int) -> bool:
        """Whether a frame of this kind waits."""
        return any(entry.kind == kind for entry in self.entries)

    def remove(self, entry: Waiting) -> None:
        """The gateway's acknowledgement has been dealt with."""
        self.entries.remove(entry)
        if entry.durable:
            flash.remove(self._path(entry.counter))

    def _path(self, counter: int) -> str:
        return "%s/%s%08x" % (self._folder, self._mine, counter)

    def _make_room(self, kind: int) -> None:
        if len(self.entries) < LIMIT or self._drop_one(kind):
            return
        if kind in (frame.PRESS, frame.CANCEL) and len(self.entries) < LIMIT + RESERVE:
            return
        raise OutboxFull("%d frames wait already" % len(self.entries))

    def _drop_one(self, kind: int) -> bool:
        """Throw away the oldest of the least important, if it is no more important than what needs its place."""
        for expendable in _EXPENDABLE:
            if bearers.priority(expendable) < bearers.priority(kind):
                return False
            for entry in self.entries:
                if entry.kind == expendable:
                    self.remove(entry)
                    self.dropped += 1
                    return True
        return False


def _opening(body: bytes) -> "Callable[[int], bytes]":
    """The same report as the first of an incident."""
    return lambda counter: body[:19] + b"\0\0"


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.app.counter import Counter
