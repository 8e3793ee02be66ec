"""The chip's start: the simulated modules in their places, its flash as the root, then its own /main.py.

Argument: the pty to the host. The host's files are under /host from then on, which no firmware knows.

asyncio's queue of tasks is C and reads the host's own ticks; so the queue stays in real time, and what is simulated is
the length of each sleep.
"""

import gc
import sys

gc.threshold(16384)
sys.path.insert(0, sys.argv[0].rsplit("/", 1)[0])

import asyncio
import asyncio.core as core

import host

host.connect(sys.argv[1])
host.wait_for_start()
host.boot["held"] = [int(pin) for pin in host.boot["held"][0].split(",") if pin != "-"]

_real_sleep_ms = core.sleep_ms
_PIECE_MS = 200  # that a change of pace is felt soon


def sleep_ms(ms):
    real = host.real_ms(ms)
    return _real_sleep_ms(real) if real <= _PIECE_MS else _sleep_long(ms)


async def _sleep_long(ms):
    until = host.now_us() + ms * 1000
    while True:
        host.heed()
        left_ms = (until - host.now_us() + 999) // 1000
        if left_ms <= 0:
            return
        await _real_sleep_ms(min(_PIECE_MS, host.real_ms(left_ms)))


def sleep(seconds):
    return sleep_ms(int(seconds * 1000))


for module in (core, asyncio):
    module.sleep_ms = sleep_ms
    module.sleep = sleep


class _Sys:
    platform = "esp32"

    def __getattr__(self, name):
        return getattr(_sys, name)


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
vfs.mount(vfs.VfsLfs2(flash.FileFlash("/host" + _path, int(_blocks)), mtime=False), "/")
sys.path[:] = ["", ".frozen", "/lib"]
gc.collect()
host.send("heap %d %d" % (gc.mem_alloc(), gc.mem_free()))
__import__("main")
host.send("ended")
host.stop()
