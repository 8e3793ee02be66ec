"""The flash journal of frames that the gateway has not acknowledged: one file an entry, on littlefs.

An entry is on flash, complete, before its frame is signed or sent, and is removed only when the gateway's verified
acknowledgement has been handled. A press is never dropped. What else has to be dropped, or could not be read back, is
counted, and a CHECKIN reports it.

A press acknowledged in its HS256-64 form is kept, marked, until its signature has been delivered too. It no longer
counts as pending: pending frames are in `entries`, these are in `owed`.
"""

import binascii
import struct

from siaga.app import flash_records
from siaga.core import bearer_policy, frame
from siaga.core.bearer_policy import Waiting
from siaga.core.errors import SiagaError

MAGIC = b"SGO1"
OWED_MAGIC = b"SGO2"  # with the gateway's time of the acknowledgement before the body
LIMIT = 64
# Limit of owed signatures; the oldest is dropped.
OWED_LIMIT = 16
# After this, copies of the short form in transit have arrived or never will.
SETTLE_S = 120
# Beyond the limit there is room for presses and cancels only.
RESERVE = 32
# Limit of pending positions.
POSITIONS = 16
# What may be dropped for something more important, least important first.
_EXPENDABLE = (frame.CHECKIN, frame.RECEIPT, frame.UPDATE, frame.TAMPER)


class OutboxFull(SiagaError):
    """There is no room for this frame, or no counter for it."""


class Outbox:
    """The journal and its entries.

    entries: pending frames, oldest first
    owed: acknowledged presses still owed as evidence, oldest first
    dropped: entries dropped since the start
    rejected: files that could not be read back
    folder: where the files are
    mine: prefix of this device's file names
    links: number of bearers
    reserve: memory set aside for a press

    What an earlier run left is read by app/restore.py.
    """

    def __init__(self, folder: str, device_id: bytes, counter: "Counter", links: int) -> None:
        self.folder = folder
        # File names begin with the device, so that another identity's entry is not taken for this one's.
        self.mine = binascii.hexlify(device_id[:4]).decode()
        self._counter = counter
        self.links = links
        self.entries = []  # type: list[Waiting]
        self.owed = []  # type: list[Waiting]
        self.reserve = None  # type: bytearray | None
        self.dropped = 0
        self.rejected = 0
        flash_records.make_folder(folder)

    def add_unkept(self, kind: int, counter: int, body: bytes, now_ms: int) -> Waiting:
        """Add a frame that can be made again at any time (an ENROL) and so needs no file."""
        entry = Waiting(kind, counter, body, now_ms, self.links)
        entry.durable = False
        self.entries.append(entry)
        return entry

    def keep(self, kind: int, body_of: "Callable[[int], bytes]", now_ms: int) -> Waiting:
        """Take a counter, make the body for it, and put both on flash. Raises OutboxFull. If the flash is still full
        after making room, a PRESS or CANCEL is kept in memory only (durable False)."""
        self._make_room(kind)
        if kind == frame.UPDATE:
            self._drop_old_updates()
        try:
            counter = self._counter.next()
        except SiagaError as error:
            raise OutboxFull(str(error))
        entry = Waiting(kind, counter, body_of(counter), now_ms, self.links)
        record = flash_records.seal(MAGIC, struct.pack(">IB", counter, kind) + entry.body)
        while True:
            try:
                flash_records.write_file(self._path(counter), record)
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
        """Return the pending entry with this counter."""
        return _under(self.entries, counter)

    def find_owed(self, counter: int) -> "Waiting | None":
        """Return the owed entry with this counter."""
        return _under(self.owed, counter)

    def holds(self, kind: int) -> bool:
        """Return whether a frame of this kind is pending."""
        for entry in self.entries:  # no generator: called when memory has run out
            if entry.kind == kind:
                return True
        return False

    def result_of(self, down_counter: int) -> "int | None":
        """Return the result in the pending RECEIPT for this down-counter, None if there is none."""
        for entry in self.entries:
            if entry.kind == frame.RECEIPT:
                counter, result = frame.receipt_of(entry.body)
                if counter == down_counter:
                    return result
        return None

    def remove(self, entry: Waiting) -> None:
        """Remove an entry whose acknowledgement has been handled."""
        (self.entries if entry.owed < 0 else self.owed).remove(entry)
        if entry.durable:
            flash_records.remove(self._path(entry.counter))

    def owe(self, entry: Waiting, told: int, now_ms: int) -> None:
        """Mark an entry whose short form the gateway acknowledged at `told` (its clock): it is no longer pending, but
        its ES256 form is owed. If the flash cannot take the mark only the evidence is lost: a press that looked pending
        would alarm its holder after a restart."""
        while len(self.owed) >= OWED_LIMIT:
            self._drop(self.owed[0])
        self.entries.remove(entry)
        entry.owe(told, now_ms + SETTLE_S * 1000)
        self.owed.append(entry)
        if entry.durable:
            try:
                marked = struct.pack(">IBI", entry.counter, entry.kind, told) + entry.body
                flash_records.write_record(self._path(entry.counter), OWED_MAGIC, marked)
            except OSError:
                self._drop(entry)

    def _path(self, counter: int) -> str:
        return "%s/%s%08x" % (self.folder, self.mine, counter)

    def _drop(self, entry: Waiting) -> None:
        self.remove(entry)
        self.dropped += 1

    def _give_way(self, entry: Waiting) -> None:
        """Drop an entry for something more important, even if the flash refuses: what it keeps returns with a
        restart."""
        try:
            self._drop(entry)
        except OSError:
            self.dropped += 1

    def _make_room(self, kind: int) -> None:
        if len(self.entries) + len(self.owed) < LIMIT or self._drop_one(kind):
            return
        if kind in (frame.PRESS, frame.CANCEL) and len(self.entries) < LIMIT + RESERVE:
            return
        raise OutboxFull("%d frames wait already" % len(self.entries))

    def _drop_old_updates(self) -> None:
        """Limit the pending positions: memory is short, and the latest are worth more than the whole track."""
        updates = [entry for entry in self.entries if entry.kind == frame.UPDATE]
        while len(updates) >= POSITIONS:
            self._give_way(updates.pop(0))

    def lighten(self) -> None:
        """Free memory that a press can do without. What is on flash returns with a restart.

        If a press is pending, the reserve is released too: otherwise the tasks that send it and hear its answer could
        starve.
        """
        if self.holds(frame.PRESS):
            self.reserve = None
        for entry in list(self.entries):
            entry.signed = None
            if entry.kind in (frame.CHECKIN, frame.UPDATE):
                self.entries.remove(entry)

    def _drop_one(self, kind: int) -> bool:
        """Drop the oldest of the least important entries, if no more important than `kind`. What the gateway has in one
        form is less important than anything it does not have."""
        if self.owed:
            self._give_way(self.owed[0])
            return True
        for expendable in _EXPENDABLE:
            if bearer_policy.priority(expendable) < bearer_policy.priority(kind):
                return False
            for entry in self.entries:
                if entry.kind == expendable:
                    self._give_way(entry)
                    return True
        return False


def _under(entries: "list[Waiting]", counter: int) -> "Waiting | None":
    for entry in entries:
        if entry.counter == counter:
            return entry
    return None


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from siaga.app.counter import Counter
