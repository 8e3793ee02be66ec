"""The loader: chooses which firmware starts. Copied by cable together with main.py, never updated over the air.

There are three firmwares: "factory", which the installer copied, and two slots, whose bundles are stored as signed.
Each is one file, a bundle (UPDATE.md), mounted without unpacking, so that none is ever half unpacked. If the factory
bundle is missing, a folder siaga/ in the flash's root, a developer's, takes its place. One record says which runs. A
new firmware is on trial: each of its starts is counted before it begins, and after three that it did not confirm as
working, the previous firmware runs again.
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
    """The boot record.

    runs: the confirmed firmware: 0 = factory, 1 and 2 = the slots
    trial: the slot on trial, 0 = none
    starts: how often the trial has started so far
    verdict: how the last trial ended
    digests: the SHA-256 that each slot's bundle must have; zeros = never start it
    why: what went wrong in choosing, "" = nothing
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.why = ""
        self.read()

    def read(self) -> None:
        """Read it from the flash; without a valid one all is zero: the factory firmware."""
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
        """Replace it on the flash in one step. Raises OSError, and then the previous record remains."""
        record = _MAGIC + bytes([self.runs, self.trial, self.starts, self.verdict])
        for digest in self.digests[1:]:
            record += digest
        path = self.root + "/siaga-boot"
        with open(path + ".new", "wb") as file:
            file.write(record + binascii.crc32(record).to_bytes(4, "big"))
        os.rename(path + ".new", path)

    def has_news(self) -> bool:
        """Whether the firmware has to report or confirm something."""
        return bool(self.trial or self.verdict or self.why)

    def path(self, slot: int) -> str:
        return self.root + FILES[slot]

    def is_whole(self, slot: int) -> bool:
        """Whether the slot's file is still the one that was verified before the switch to it."""
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
        """Return the firmware to start now; a start on trial is counted. check: whether to hash a confirmed slot."""
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
    """A verified bundle as a read-only file system. A file is read in one piece and returned as a stream in memory,
    which is read without running Python code. Raises OSError, also for an incomplete bundle."""

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
        except ValueError:  # a name that is not text, or a truncated table
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


# What runs now, for the firmware to read; None before begin().
boot = None  # type: Boot | None
running = 0
_path = []  # type: list[str]


def hold(path: str = "/board.txt") -> None:
    """Drive HIGH, and hold, the pins whose numbers follow the board's name in the file. A board may need one before
    anything else: on battery a T-A7670 restarts without it, and hashing a slot and loading the firmware, whose board
    file does the same, takes seconds. If the file cannot be read, that is left to the board file."""
    import machine

    try:
        with open(path) as file:
            for word in file.read(64).split()[1:]:
                if word[0] in "+-":
                    continue  # a contact, for siaga_latch.py
                machine.Pin(int(word), machine.Pin.OUT, value=1, hold=True)  # type: ignore[call-arg]
    except (OSError, ValueError):
        pass


def remount() -> None:
    """Remount the flash to be read 256 bytes at a time instead of 32: fewer, larger reads. If that fails, it stays as
    MicroPython mounted it."""
    try:
        from flashbdev import bdev

        quick = vfs.VfsLfs2(bdev, readsize=256)  # type: ignore[abstract]
    except Exception:  # whatever it is: starting needs the flash, not its speed
        return
    vfs.umount("/")
    try:
        vfs.mount(quick, "/")
    except Exception:
        vfs.mount(bdev, "/")  # type: ignore[arg-type]


def begin() -> None:
    """Choose a firmware and make `import siaga` find it."""
    global boot, running
    check = True
    if ON_CHIP:
        import machine

        hold()
        # Guards until the firmware starts its own watchdog: without it a hang in the flash or in making a driver would
        # last for ever.
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
        # Nothing else: importing one of MicroPython's own modules would search the flash first.
        _path[:] = sys.path
        sys.path[:] = [MOUNT, ".frozen"]
        return
    running = 0


def end() -> None:
    """Undo begin()."""
    if _path:
        vfs.umount(MOUNT)
        sys.path[:] = _path
        del _path[:]


def run() -> str:
    """Run the button. Returns only if the chosen firmware failed to start, after a pause."""
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
    """Reset the chip, which counts as a start while a firmware is on trial."""
    import machine

    machine.reset()


def is_trying() -> bool:
    """Whether a firmware is, or is about to be, on trial."""
    return boot is not None and boot.trial != 0
