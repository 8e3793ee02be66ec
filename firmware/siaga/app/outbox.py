"""The flash journal of frames that the gateway has not acknowledged: one file an entry, on littlefs.

An entry is on the flash, whole, before its frame is signed or sent, and leaves it only when the gateway's verified
acknowledgement has been dealt with. A press is never thrown away. What else has to go, and what could not be read
back, is counted: a CHECKIN tells it.

A press that was acknowledged in its HS256-64 form stays, marked, until its signature has arrived too. It waits for
nobody: whatever asks what waits looks at `entries`, and this stands in `owed`.
"""

import binascii
import struct

from siaga.app import flash
from siaga.core import bearers, frame
from siaga.core.bearers import Waiting
from siaga.core.errors import SiagaError

MAGIC = b"SGO1"
OWED_MAGIC = b"SGO2"  # with the gateway's time of the acknowledgement before the body
LIMIT = 64
# So many signatures are owed at most; the oldest gives way.
OWED_LIMIT = 16
# Copies of the short form that are still under way have arrived, or never will.
SETTLE_S = 120
# Beyond the limit there is room for presses and cancels only.
RESERVE = 32
# So many positions wait at most.
POSITIONS = 16
# What may be thrown away for something more important, the least important first.
_EXPENDABLE = (frame.CHECKIN, frame.RECEIPT, frame.UPDATE, frame.TAMPER)


class OutboxFull(SiagaError):
    """There is no room for this frame, or no counter for it."""


class Outbox:
    """entries: what waits, oldest first. owed: what was acknowledged and is owed as evidence, oldest first. dropped:
    entries that had to go since the start. rejected: files that could not be read back. folder: where they are; mine:
    how the names of this device's begin; links: how many bearers there are. reserve: memory set aside for a press. What
    an earlier run left is read by app/left.py."""

    def __init__(self, folder: str, device_id: bytes, counter: "Counter", links: int) -> None:
        self.folder = folder
        # An entry's name begins with its device, so that one whose key was lost is not taken for this one's.
        self.mine = binascii.hexlify(device_id[:4]).decode()
        self._counter = counter
        self.links = links
        self.entries = []  # type: list[Waiting]
        self.owed = []  # type: list[Waiting]
        self.reserve = None  # type: bytearray | None
        self.dropped = 0
        self.rejected = 0
        flash.make_folder(folder)

    def add_unkept(self, kind: int, counter: int, body: bytes, now_ms: int) -> Waiting:
        """Something that can be made again at any time (an ENROL) and so needs no file."""
        entry = Waiting(kind, counter, body, now_ms, self.links)
        entry.durable = False
        self.entries.append(entry)
        return entry

    def keep(self, kind: int, body_of: "Callable[[int], bytes]", now_ms: int) -> Waiting:
        """Take a counter, make the body for it, and put both on the flash. Raises OutboxFull.

        If the flash takes no more even after making room, a PRESS or CANCEL is kept in memory alone (durable False).
        """
        self._make_room(kind)
        if kind == frame.UPDATE:
            self._thin()
        try:
            counter = self._counter.next()
        except SiagaError as error:
            raise OutboxFull(str(error))
        entry = Waiting(kind, counter, body_of(counter), now_ms, self.links)
        record = flash.seal(MAGIC, struct.pack(">IB", counter, kind) + entry.body)
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
        return _under(self.entries, counter)

    def find_owed(self, counter: int) -> "Waiting | None":
        """The entry under this counter that is owed as evidence."""
        return _under(self.owed, counter)

    def holds(self, kind: int) -> bool:
        """Whether a frame of this kind waits."""
        for entry in self.entries:  # without a generator: it is asked where there is no memory left
            if entry.kind == kind:
                return True
        return False

    def result_of(self, down_counter: int) -> "int | None":
        """The result in the RECEIPT for this down-counter that waits, None where there is none."""
        for entry in self.entries:
            if entry.kind == frame.RECEIPT and int.from_bytes(entry.body[:4], "big") == down_counter:
                return entry.body[4]
        return None

    def remove(self, entry: Waiting) -> None:
        """The gateway's acknowledgement has been dealt with."""
        (self.entries if entry.owed < 0 else self.owed).remove(entry)
        if entry.durable:
            flash.remove(self._path(entry.counter))

    def owe(self, entry: Waiting, told: int, now_ms: int) -> None:
        """The gateway acknowledged the short form at this time of its clock: from now on nobody waits for the entry,
        and its ES256 form is owed. A flash that does not take the mark costs the evidence, not more: a press that
        looked as if it still waited would frighten its holder after a restart."""
        while len(self.owed) >= OWED_LIMIT:
            self._drop(self.owed[0])
        self.entries.remove(entry)
        entry.owe(told, now_ms + SETTLE_S * 1000)
        self.owed.append(entry)
        if entry.durable:
            try:
                marked = struct.pack(">IBI", entry.counter, entry.kind, told) + entry.body
                flash.write_record(self._path(entry.counter), OWED_MAGIC, marked)
            except OSError:
                self._drop(entry)

    def _path(self, counter: int) -> str:
        return "%s/%s%08x" % (self.folder, self.mine, counter)

    def _drop(self, entry: Waiting) -> None:
        self.remove(entry)
        self.dropped += 1

    def _give_way(self, entry: Waiting) -> None:
        """For something more important, which a flash that takes no change must not stop: what it does not let go of
        comes back with a restart."""
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

    def _thin(self) -> None:
        """Where nobody answers for long, the latest positions are worth more than the whole way: memory is short."""
        updates = [entry for entry in self.entries if entry.kind == frame.UPDATE]
        while len(updates) >= POSITIONS:
            self._give_way(updates.pop(0))

    def lighten(self) -> None:
        """There is no memory: let go of what a press can do without. What is on the flash comes back with a restart.

        For a press that waits, what was set aside goes too: without it the task that sends it and the one that hears
        its answer could starve."""
        if self.holds(frame.PRESS):
            self.reserve = None
        for entry in list(self.entries):
            entry.signed = None
            if entry.kind in (frame.CHECKIN, frame.UPDATE):
                self.entries.remove(entry)

    def _drop_one(self, kind: int) -> bool:
        """Throw away the oldest of the least important, if it is no more important than what needs its place. What the
        gateway has in one form is less important than anything that it does not have."""
        if self.owed:
            self._give_way(self.owed[0])
            return True
        for expendable in _EXPENDABLE:
            if bearers.priority(expendable) < bearers.priority(kind):
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
