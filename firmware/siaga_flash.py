"""Stands in for the chip on a button without hardware: its flash, a file that contains the chip's file system, mounted
as /flash, and its reset. Not needed on a chip."""

import os
import sys

import vfs

BLOCK_BYTES = 4096
BLOCKS = 128
MOUNT = "/flash"
# What was wrong with the flash when it was mounted, "" = nothing.
wrong = ""
# What a board without hardware passes on to the next run of the firmware: why the processor starts, and its state.
woke_by = ""
carried = ()  # type: tuple
_mounted = None  # type: FileFlash | None


class FileFlash:
    """A block device in a file, for littlefs."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "r+b")

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        self._file.seek(block * BLOCK_BYTES + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        self._file.seek(block * BLOCK_BYTES + offset)
        self._file.write(buffer)

    def ioctl(self, op: int, arg: int) -> int:
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK_BYTES
        return 0

    def close(self) -> None:
        self._file.close()


def _littlefs(device: FileFlash) -> vfs.VfsLfs2:
    return vfs.VfsLfs2(device, mtime=False)  # type: ignore[abstract, arg-type]  # the stub confuses the two


def _erased(path: str) -> None:
    """Create an erased flash with an empty file system, in one step."""
    with open(path + ".new", "wb") as file:
        erased = b"\xff" * 512
        for _ in range(BLOCK_BYTES * BLOCKS // 512):
            file.write(erased)
    device = FileFlash(path + ".new")
    vfs.VfsLfs2.mkfs(device)  # type: ignore[arg-type]
    device.close()
    os.rename(path + ".new", path)


def mount() -> None:
    """Mount the file that SIAGA_FLASH names, created if missing; does nothing if it is mounted already.

    An unreadable file system is formatted: a button cannot run without one, and its new identity shows the loss.
    Raises SystemExit if the variable is not set or names something that is not a flash image.
    """
    global _mounted, wrong
    if _mounted is not None:
        return
    path = os.getenv("SIAGA_FLASH")
    if not path:
        raise SystemExit("SIAGA_FLASH is not set; it names the file that holds the button's flash")
    try:
        size = os.stat(path)[6]
    except OSError:
        size = 0
        _erased(path)
    if size not in (0, BLOCK_BYTES * BLOCKS):
        raise SystemExit("SIAGA_FLASH names %s, which is no flash image (%d bytes): left as it is" % (path, size))
    device = FileFlash(path)
    wrong = ""
    try:
        vfs.mount(_littlefs(device), MOUNT)
    except OSError as error:
        vfs.VfsLfs2.mkfs(device)  # type: ignore[arg-type]
        vfs.mount(_littlefs(device), MOUNT)
        wrong = "the flash had no file system that can be read (%s); it was formatted" % error
    _mounted = device


def unmount() -> None:
    """Unmount it, as when the power is cut."""
    global _mounted
    if _mounted is not None:
        vfs.umount(MOUNT)
        _mounted.close()
        _mounted = None


def run() -> str:
    """Run the button, beginning with the loader. Returns why it ended."""
    mount()
    try:
        os.stat(MOUNT + "/siaga-boot")
        import siaga_boot

        siaga_boot.begin()
    except OSError:
        pass  # never updated: the loader has nothing to choose, and would only take memory
    try:
        from siaga.start import start

        return start()
    except Exception as error:
        sys.print_exception(error)
    return "failed"


def again(ended: str) -> bool:
    """Return whether the processor restarts, which here means forgetting everything. Raises SystemExit(1) if a firmware
    that is not on trial failed."""
    loader = sys.modules.get("siaga_boot")
    if ended == "failed" and not (loader is not None and loader.is_trying()):
        raise SystemExit(1)
    if loader is not None:
        loader.end()
    for name in list(sys.modules):
        if name.startswith(("siaga.", "asyncio")) or name in ("siaga", "siaga_boot"):
            del sys.modules[name]
    unmount()
    return ended in ("power", "restart", "sleep", "failed")
