"""Which firmware starts. Put on the button by cable, together with main.py, and never updated over the air.

There are three, each one file, a bundle (UPDATE.md), mounted as it is, so that nothing is ever half unpacked: the one
that the installer copied ("factory"), and two slots, whose bundles are as they were signed. Without the first a folder
siaga/ in the flash's root is it, a developer's. One record says which runs. A new one is on trial: every start of it is
counted before it begins, and after three that did not end in its own "it works" the one before runs again.
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
FILES = ("/siaga-factory", "/siaga-a", "/siaga-b")
STARTS = 3
GUARD_MS = 60000

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
                    piece = file.read(min(left, 4096))
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


class Bundle:
    """A bundle as a file system that can only be read. It was verified before. A file is read in one piece, and is then
    a stream that takes no Python to read from. Raises OSError, also for one that is not whole."""

    def __init__(self, path: str) -> None:
        length = os.stat(path)[6]
        self._file = open(path, "rb")
        head = self._file.read(_HEAD)
        if len(head) < _HEAD or int.from_bytes(head[12:16], "big") != length:
            raise OSError(5)
        table = self._file.read(_BOARD * head[9] + _ENTRY * int.from_bytes(head[10:12], "big"))
        self._files = {}  # type: dict[str, tuple[int, int]]
        self._folders = {""}
        try:
            for at in range(_BOARD * head[9], len(table), _ENTRY):
                name = table[at : at + _PATH].rstrip(b"\0").decode()
                self._files[name] = struct.unpack(">II", table[at + _PATH : at + _PATH + 8])
                self._folders.add(name.rpartition("/")[0])
        except ValueError:  # a name that is no text, a table that ends too early
            raise OSError(5)

    def mount(self, readonly: bool, mkfs: bool) -> None: ...

    def umount(self) -> None: ...

    def chdir(self, path: str) -> None: ...

    def getcwd(self) -> str:
        return "/"

    def stat(self, path: str) -> tuple:
        name = path.strip("/")
        if name in self._files:
            return (0x8000, 0, 0, 0, 0, 0, self._files[name][1], 0, 0, 0)
        if name in self._folders:
            return (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        raise OSError(2)

    def open(self, path: str, mode: str) -> io.BytesIO:
        name = path.strip("/")
        if name not in self._files or "r" not in mode:
            raise OSError(2)
        offset, length = self._files[name]
        self._file.seek(offset)
        content = self._file.read(length)
        if len(content) != length:
            raise OSError(5)
        return io.BytesIO(content)


# What runs now, for the firmware itself; None before begin().
boot = None  # type: Boot | None
running = 0
_path = []  # type: list[str]


def hold(path: str = "/board.txt") -> None:
    """Take HIGH, and hold, the pins whose numbers stand after the board's name. A board may need one before anything
    else: on a battery a T-A7670 restarts without it, and it takes seconds to read a slot through and load the
    firmware, whose board file does the same. What cannot be read is left to that."""
    import machine

    try:
        with open(path) as file:
            for word in file.read(64).split()[1:]:
                if word[0] in "+-":
                    continue  # a contact: siaga_latch.py
                machine.Pin(int(word), machine.Pin.OUT, value=1, hold=True)  # type: ignore[call-arg]
    except (OSError, ValueError):
        pass


def remount() -> None:
    """Have the flash read 256 bytes at a time, not 32: fewer and larger reads. Where that does not go it stays as
    MicroPython mounted it."""
    try:
        from flashbdev import bdev

        quick = vfs.VfsLfs2(bdev, readsize=256)  # type: ignore[abstract]
    except Exception:  # whatever it is: a start needs the flash, not its speed
        return
    vfs.umount("/")
    try:
        vfs.mount(quick, "/")
    except Exception:
        vfs.mount(bdev, "/")  # type: ignore[arg-type]


def begin() -> None:
    """Choose, and make `import siaga` find it."""
    global boot, running
    check = True
    if ON_CHIP:
        import machine

        hold()
        # Until the firmware's own begins: whatever hangs before that, a driver that is made or a flash that is read,
        # would hang for ever.
        machine.WDT(timeout=GUARD_MS)
        remount()
        check = machine.reset_cause() != machine.DEEPSLEEP_RESET
    boot = Boot(ROOT)
    running = boot.choose(check)
    for slot in (running, 0) if running else (0,):
        try:
            mounted = Bundle(boot.path(slot))
        except OSError as error:
            if slot:
                boot.why = "slot %d cannot be mounted (%s)" % (slot, error)
            elif error.errno != 2:
                print("%s is not whole: copy it again" % boot.path(0))
            continue
        running = slot
        vfs.mount(mounted, MOUNT)  # type: ignore[arg-type]
        # Nothing else: an import of one of MicroPython's own modules would look for it on the flash first.
        _path[:] = sys.path
        sys.path[:] = [MOUNT, ".frozen"]
        return
    running = 0


def end() -> None:
    """As it was before begin()."""
    if _path:
        vfs.umount(MOUNT)
        sys.path[:] = _path
        del _path[:]


def run() -> str:
    """Be the button. Comes back only where what was chosen did not even start; and then not at once."""
    import time

    try:
        begin()
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
