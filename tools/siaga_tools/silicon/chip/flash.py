"""The chip's flash in a file of the host, as a block device for littlefs; with a new flash's initial content."""

import os

BLOCK_BYTES = 4096


class FileFlash:
    def __init__(self, path, blocks):
        self._file = open(path, "r+b")
        self._blocks = blocks

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * BLOCK_BYTES + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer, offset=0):
        self._file.seek(block * BLOCK_BYTES + offset)
        self._file.write(buffer)

    def ioctl(self, op, arg):
        return {4: self._blocks, 5: BLOCK_BYTES}.get(op, 0)

    def close(self):
        self._file.close()


def erase(path, blocks):
    erased = b"\xff" * BLOCK_BYTES
    with open(path + ".new", "wb") as file:
        for _ in range(blocks):
            file.write(erased)
    os.rename(path + ".new", path)
