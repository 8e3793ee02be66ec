"""The chip's start: installs the simulated modules, mounts its flash as the root, then runs its own /main.py.

Argument: the pty to the host. The host's files are under /host from then on, which no firmware knows.
"""

import asyncio.core
import asyncio.stream  # noqa: F401  # a chip's MicroPython has both, and the memory that they take
import gc
import sys

gc.threshold(16384)
sys.path.insert(0, sys.argv[0].rsplit("/", 1)[0])
gc.collect()
_before = gc.mem_alloc()

import host

host.connect(sys.argv[1])
host.wait_for_start()
host.boot["held"] = [int(pin) for pin in host.boot["held"][0].split(",") if pin != "-"]

import pace

pace.begin()


class _Sys:
    platform = "esp32"

    def __getattr__(self, name):
        return getattr(_sys, name)


class _Flashbdev:
    """A module frozen into a chip: the flash that its file system is on."""

    bdev = None


import builtins

import chip_time
import esp32
import flash
import machine
import network
import vfs

_sys = sys
sys.modules.update({"sys": _Sys(), "time": chip_time, "machine": machine, "network": network, "esp32": esp32})
del sys.path[0]
vfs.mount(vfs.VfsPosix("/"), "/host")
vfs.umount("/")
_path, _blocks = host.boot["flash"]
_Flashbdev.bdev = flash.FileFlash("/host" + _path, int(_blocks))
sys.modules["flashbdev"] = _Flashbdev
vfs.mount(vfs.VfsLfs2(_Flashbdev.bdev, mtime=False), "/")
sys.path[:] = ["", ".frozen", "/lib"]
gc.collect()
host.send("heap %d %d" % (gc.mem_alloc() - _before, gc.mem_free()))
_import = builtins.__import__


def _loaded(name, *rest):
    """Loading the firmware takes the chip time, in which interrupts are served."""
    if name == "siaga.start":
        builtins.__import__ = _import
        left_us = host.boot_us + int(host.boot["start"][1]) - host.now_us()
        if left_us > 0:
            chip_time.sleep_us(left_us)
    return _import(name, *rest)


builtins.__import__ = _loaded
_import("main")
host.send("ended")
host.stop()
