"""Which firmware starts. Put on the button by cable, together with main.py, and never updated over the air.

There are three: the one that lies in the flash's root as the installer copied it ("factory"), and two slots, each one
file: a bundle as it was signed (UPDATE.md), mounted as it is, so that nothing is ever half unpacked. One record says
which runs. A new one is on trial: every start of it is counted before it begins, and after three that did not end in
its own "it works" the one before runs again.
"""

import binascii
import hashlib
import io
import os
import struct
import sys

import vfs

ON_CHIP = sys.platform == "esp32"
ROOT = "" if ON_CHIP else "/flash"
MOUNT = "/siaga-firmware"
FILES = ("", "/siaga-a", "/siaga-b")
STARTS = 3
TRIAL_GUARD_MS = 60000

NOTHING, CONFIRMED, ROLLED_BACK = 0, 1, 2

_MAGIC = b"SGB1"
_NONE = bytes(32)
_HEAD, _BOARD, _ENTRY, _PATH, _SIGNATURE = 16, 24, 88, 48, 64


class Boot:
    """The record. runs: which firmware is confirmed, 0 = factory, 1 and 2 = the slots. trial: the slot that is on
    trial, 0 = none. starts: of the trial, so far. verdict: how the last trial ended. digests: what each slot's bundle
    must hash to, zeros = not to be started."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.why = ""
        self.read()

    def read(self) -> None:
        """As it is on the flash; all zeros, the factory's firmware, where there is none."""
        self.runs = self.trial = self.starts = 0
        self.verdict = NOTHING
        self.digests = [b"", _NONE, _NONE]
        try:
            with open(self.root + "/siaga-boot", "rb") as file:
                self._unpack(file.read(80))
        except OSError:
            pass

    def _unpack(self, record: bytes) -> None:
        if (
            len(record) != 76
            or record[:4] != _MAGIC
            or binascii.crc32(record[:72]) != int.from_bytes(record[72:], "big")
        ):
            self.why = "the record of what to start is damaged: the factory's firmware runs"
            return
        self.runs, self.trial, self.starts, self.verdict = struct.unpack("4B", record[4:8])
        self.digests = [b"", record[8:40], record[40:72]]

    def write(self) -> None:
        """In one step. Raises OSError; the record before is there then."""
        record = _MAGIC + bytes([self.runs, self.trial, self.starts, self.verdict])
        for digest in self.digests[1:]:
            record += digest
        path = self.root + "/siaga-boot"
        with open(path + ".new", "wb") as file:
            file.write(record + binascii.crc32(record).to_bytes(4, "big"))
        os.rename(path + ".new", path)

    def has_news(self) -> bool:
        """Whether the firmware has something to do about it."""
        return bool(self.trial or self.verdict or self.why)

    def path(self, slot: int) -> str:
        return self.root + FILES[slot]

    def is_whole(self, slot: int) -> bool:
        """Whether the slot's file is what was verified when it was switched to."""
        try:
            left = os.stat(self.path(slot))[6] - _SIGNATURE
            whole = hashlib.sha256()
            with open(self.path(slot), "rb") as file:
                while left > 0:
                    piece = file.read(min(left, 1024))
                    if not piece:
                        return False
                    whole.update(piece)
                    left -= len(piece)
        except OSError:
            return False
        return self.digests[slot] == whole.digest()

    def choose(self, check: bool = True) -> int:
        """The firmware to start now; a start on trial is counted first. check: whether a slot is read through."""
        try:
            if self.trial and (self.starts >= STARTS or not self.is_whole(self.trial)):
                self.why = "slot %d is rolled back after %d starts" % (self.trial, self.starts)
                self.digests[self.trial] = _NONE
                self.trial, self.verdict = 0, ROLLED_BACK
                self.write()
            if self.trial:
                self.starts += 1
                self.write()
                return self.trial
        except OSError as error:
            self.why = "a start on trial cannot be counted (%s)" % error
            self.trial = 0
        for slot in (self.runs, 3 - self.runs) if self.runs else ():
            if self.digests[slot] != _NONE and (not check or self.is_whole(slot)):
                return slot
            self.why = "slot %d is damaged" % slot
        return 0


class _Part(io.IOBase):
    """One file of a bundle, for the importer."""

    def __init__(self, file: object, offset: int, length: int) -> None:
        self._file = file
        self._at = offset
        self._left = length

    def readinto(self, buffer: bytearray) -> int:
        count = min(len(buffer), self._left)
        self._file.seek(self._at)  # type: ignore[attr-defined]
        count = self._file.readinto(memoryview(buffer)[:count]) if count else 0  # type: ignore[attr-defined]
        self._at += count
        self._left -= count
        return count

    def __enter__(self) -> "_Part":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None: ...

    def ioctl(self, request: int, argument: int) -> int:
        return 512 if request == 11 else 0  # 11: how much the importer reads at a time


class Bundle:
    """A bundle as a file system that can only be read. It was verified before."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")
        head = self._file.read(_HEAD)
        self._table = _HEAD + _BOARD * head[9]
        self._count = int.from_bytes(head[10:12], "big")

    def _entry(self, index: int) -> "tuple[bytes, int, int]":
        self._file.seek(self._table + _ENTRY * index)
        entry = self._file.read(_PATH + 8)
        offset, length = struct.unpack(">II", entry[_PATH:])
        return entry[:_PATH].rstrip(b"\0"), offset, length

    def _find(self, path: str) -> "tuple[bytes, int, int]":
        """The first entry that is not before this path; the table is in order."""
        name = path.strip("/").encode()
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._entry(middle)[0] < name:
                low = middle + 1
            else:
                high = middle
        return self._entry(low) if low < self._count else (b"", 0, 0)

    def mount(self, readonly: bool, mkfs: bool) -> None: ...

    def umount(self) -> None: ...

    def chdir(self, path: str) -> None: ...

    def getcwd(self) -> str:
        return "/"

    def stat(self, path: str) -> tuple:
        name = path.strip("/")
        found, _, length = self._find(name)
        if found == name.encode():
            return (0x8000, 0, 0, 0, 0, 0, length, 0, 0, 0)
        if not name or self._find(name + "/")[0].startswith((name + "/").encode()):
            return (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        raise OSError(2)

    def open(self, path: str, mode: str) -> _Part:
        found, offset, length = self._find(path)
        if found != path.strip("/").encode() or "r" not in mode:
            raise OSError(2)
        return _Part(self._file, offset, length)


# What runs now, for the firmware itself; None before begin().
boot = None  # type: Boot | None
running = 0


def hold(path: str = "/board.txt") -> None:
    """Take HIGH, and hold, the pins whose numbers stand after the board's name. A board may need one before anything
    else: on a battery a T-A7670 restarts without it, and it takes seconds to read a slot through and load the
    firmware, whose board file does the same. What cannot be read is left to that."""
    import machine

    try:
        with open(path) as file:
            for word in file.read(64).split()[1:]:
                machine.Pin(int(word), machine.Pin.OUT, value=1, hold=True)  # type: ignore[call-arg]
    except (OSError, ValueError):
        pass


def begin() -> None:
    """Choose, and make `import siaga` find it."""
    global boot, running
    check = True
    if ON_CHIP:
        import machine

        hold()
        check = machine.reset_cause() != machine.DEEPSLEEP_RESET
    boot = Boot(ROOT)
    running = boot.choose(check)
    if not running:
        return
    if ON_CHIP and boot.trial:
        machine.WDT(timeout=TRIAL_GUARD_MS)  # until the firmware's own begins: it may hang before
    try:
        vfs.mount(Bundle(boot.path(running)), MOUNT)  # type: ignore[arg-type]
        sys.path.insert(0, MOUNT)
    except OSError as error:
        boot.why = "slot %d cannot be mounted (%s)" % (running, error)
        running = 0


def run() -> str:
    """Be the button. Comes back only where what was chosen did not even start; and then not at once."""
    import time

    begin()
    try:
        from siaga.start import start

        start()
    except Exception as error:
        sys.print_exception(error)
    time.sleep(5)
    return "failed"


def again(ended: str) -> bool:
    """Start anew, which counts while a firmware is on trial."""
    import machine

    machine.reset()


def is_trying() -> bool:
    """Whether a firmware is on trial, or about to be."""
    return boot is not None and boot.trial != 0
