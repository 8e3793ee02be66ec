"""A chip's start up to a certain moment, for counting what it costs. Arguments: flash image; pin of the button, and
its level while pressed; reset cause; register of what woke it; a folder for what stands in for the chip; where it ends;
a pty on which every serial line ends; "files" if opened files of the flash are counted, which takes instructions.

    begin    before the chip's own /main.py
    look     somebody looks at the button for the first time: the latch
    hand     the hand's task looks at it
    armed    the button told its state

Says at the end: `cost {"reads": n, "bytes": n, "opened": n, "live": n, "signed": n}`; signed: only with "files".
"""

import asyncio.core
import asyncio.stream  # noqa: F401  # a chip's MicroPython has both in its flash
import gc
import json
import sys

IMAGE, PIN, LEVEL, CAUSE, WAKE, CHIP, UNTIL = sys.argv[1:8]
sys.path.insert(0, CHIP)
sys.path.insert(0, sys.argv[0].rsplit("/", 1)[0])

import host
import still  # noqa: F401  # cuts it off

count = {"reads": 0, "bytes": 0, "opened": 0, "live": 0, "signed": 0}


class Flash:
    def __init__(self):
        self._file = open("/host" + IMAGE, "r+b")
        self._blocks = self._file.seek(0, 2) // 4096

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * 4096 + offset)
        self._file.readinto(buffer)
        count["reads"] += 1
        count["bytes"] += len(buffer)

    def writeblocks(self, block, buffer, offset=0):
        self._file.seek(block * 4096 + offset)
        self._file.write(buffer)

    def ioctl(self, op, arg):
        return {4: self._blocks, 5: 4096}.get(op, 0)


def end():
    if UNTIL != "begin":
        gc.collect()
        count["live"] = gc.mem_alloc() - before
    print("cost " + json.dumps(count))
    sys.exit(0)


class Sys:
    platform = "esp32"

    def __getattr__(self, name):
        return getattr(real_sys, name)


class Flashbdev:
    bdev = None


class Counted:
    """A littlefs whose files are counted as they are opened."""

    def __init__(self, *arguments, **options):
        self._vfs = real_vfs.VfsLfs2(*arguments, **options)

    def open(self, *arguments):
        file = self._vfs.open(*arguments)
        count["opened"] += 1
        return file

    def __getattr__(self, name):
        return getattr(self._vfs, name)


class Vfs:
    VfsLfs2 = Counted

    def __getattr__(self, name):
        return getattr(real_vfs, name)


import builtins

import chip_time
import esp32
import machine
import network
import vfs

real_sys = sys
host.levels[int(PIN)] = int(LEVEL)
host.microvolts[35] = 2000000
host.boot.update({"boot": [CAUSE, WAKE, PIN], "id": ["240ac4000001"], "psram": ["1"], "held": []})
for board_pins in ((26, 27), (27, 26), (21, 22), (19, 18)):
    host.uarts[board_pins] = sys.argv[8]
value = machine.Pin.value


def watched_us():
    """The clock is asked all the time: from the first time on at which signatures are to be had they are counted."""
    p256 = real_sys.modules.get("siaga.core.p256")
    if p256 is not None and hasattr(p256, "sign"):
        host.now_us = now_us
        sign = p256.sign

        def signed(*arguments):
            count["signed"] += 1
            return sign(*arguments)

        p256.sign = signed
    return now_us()


def look(self, level=None):
    if self._number == int(PIN) and level is None:
        if UNTIL == "look" or (UNTIL == "hand" and "siaga.app.device" in real_sys.modules):
            end()
    return value(self, level)


said = print


def tell(*words, **more):
    said(*words, **more)
    if UNTIL == "armed" and '"ev": "state"' in str(words[0]):
        end()


machine.Pin.value = machine.Pin.__call__ = look
builtins.print = tell
sys.modules.update({"sys": Sys(), "time": chip_time, "machine": machine, "network": network, "esp32": esp32})
sys.modules["flashbdev"] = Flashbdev
del sys.path[0:2]
real_vfs = vfs
if sys.argv[9:] == ["files"]:
    vfs = sys.modules["vfs"] = Vfs()
    now_us = host.now_us
    host.now_us = watched_us
vfs.mount(vfs.VfsPosix("/"), "/host")
vfs.umount("/")
Flashbdev.bdev = Flash()
vfs.mount(vfs.VfsLfs2(Flashbdev.bdev, mtime=False), "/")
sys.path[:] = ["", ".frozen", "/lib"]
gc.collect()
before = gc.mem_alloc()
count.update({"reads": 0, "bytes": 0, "opened": 0})
if UNTIL == "begin":
    end()
__import__("main")
