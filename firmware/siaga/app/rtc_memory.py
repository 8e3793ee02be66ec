"""What the button remembers across deep sleep and resets, in the board's memory without flash wear; the last fix
survives a power cut too, on flash, written rarely."""

import struct

from siaga.app import flash_records
from siaga.app.board import POWER, RESET

_MAGIC = b"SGK2"
_FIX_MAGIC = b"SGX1"
_FORMAT = ">BIIIHBII"
_HEAD = 24
_SLEPT = 1
_CONNECTED = 2
_CASE_OPEN = 4
_LOW = 8
_AT_FLOOR = 16
# The fix is written to flash at most this often: littlefs endures many writes, not endless ones.
_FIX_S = 3600


class RtcMemory:
    """The record of the last run.

    slept: whether it ended in deep sleep
    connected: whether the modem stayed connected
    due_s: when the next check-in is due, in Rtc.seconds(), 0 = now
    case_open, low, at_floor: case and battery as last reported
    up_s: uptime by then, sleep included
    failures: how often it slept with a frame pending
    counter: the next unused one, 0 = unknown
    proven_s: when the last signed check-in was acknowledged, in Rtc.seconds(), 0 = not since the start
    fix: a receiver's saved() record
    fix_ago_s: age of that fix, whatever became of the calendar, -1 = unknown
    """

    def __init__(self, board: "Board") -> None:
        self._board = board
        self._path = board.folder + "/fix"
        self._fix_s = -_FIX_S  # far from any clock value
        self.slept = False
        self.connected = False
        self.case_open = self.low = self.at_floor = False
        self.due_s = 0
        self.up_s = 0
        self.failures = 0
        self.counter = 0
        self.proven_s = 0
        self.fix = b""
        self.fix_ago_s = -1
        self._fix_new_s = 0
        try:
            kept = flash_records.unseal(_MAGIC, board.kept())
        except flash_records.CorruptRecord:
            kept = b""  # after a power cut
        if len(kept) >= _HEAD:
            head = struct.unpack(_FORMAT, kept[:_HEAD])
            marks, due_s, up_s, counter, failures, length, self._fix_new_s, proven_s = head
            self.fix = kept[_HEAD : _HEAD + length]
            if self.fix:
                self.fix_ago_s = max(board.rtc.seconds() - self._fix_new_s, -1)
            if board.woke_by() not in (POWER, RESET):
                self.slept = bool(marks & _SLEPT)
                self.connected = bool(marks & _CONNECTED)
                self.case_open = bool(marks & _CASE_OPEN)
                self.low, self.at_floor = bool(marks & _LOW), bool(marks & _AT_FLOOR)
                self.due_s, self.up_s, self.failures, self.counter = due_s, up_s, failures, counter
                self.proven_s = proven_s
            if marks & _SLEPT:
                self._keep(0)  # single use: erased before any counter is used
        if not self.fix:
            try:
                self.fix = flash_records.read_record(self._path, _FIX_MAGIC) or b""
            except flash_records.CorruptRecord:
                pass

    def keep_fix(self, fix: bytes) -> None:
        """Store the receiver's record, whenever it changes."""
        if fix == self.fix:
            return
        self.fix = fix
        now_s = self._fix_new_s = self._board.rtc.seconds()
        self._keep(0)
        if not 0 <= now_s - self._fix_s < _FIX_S:
            self._fix_s = now_s
            try:
                flash_records.write_record(self._path, _FIX_MAGIC, fix)
            except OSError:
                pass  # a fix is not worth the space that others may need

    def sleep(self, due_s: int, up_s: int, failures: int, connected: bool, case_open: bool, counter: int) -> None:
        """Store the record just before sleep; nothing runs after it."""
        self.due_s, self.up_s, self.failures = due_s, up_s, failures
        marks = _SLEPT | (_CONNECTED if connected else 0) | (_CASE_OPEN if case_open else 0)
        self._keep(marks | (_LOW if self.low else 0) | (_AT_FLOOR if self.at_floor else 0), counter)

    def _keep(self, marks: int, counter: int = 0) -> None:
        head = struct.pack(
            _FORMAT,
            marks,
            self.due_s,
            self.up_s,
            counter,
            min(self.failures, 65535),
            len(self.fix),
            self._fix_new_s,
            self.proven_s,
        )
        self._board.keep(flash_records.seal(_MAGIC, head + self.fix))


TYPE_CHECKING = False
if TYPE_CHECKING:
    from siaga.app.board import Board
