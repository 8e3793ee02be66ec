"""asyncio in simulated time: its tasks sleep by the simulated clock, and time in which all sleep may be skipped.

The task queue is in C and stamps ready tasks with the host's own ticks (milliseconds since its start). The simulated
ones are Unix milliseconds, always the later: ready tasks go before those that slept.

Skipping is requested when no task is ready and the sockets have been quiet for a while: their other ends work in real
time. The host watches the chip's serial lines itself.
"""

import asyncio
import asyncio.core as core
import asyncio.stream as stream

import host

# This port's poll takes a whole millisecond over a TLS stream, even without waiting; so between two ready tasks it
# polls no more often than this.
_POLL_MS = 4

_ticks = host.real_time.ticks_ms
_wait = core.IOQueue.wait_io_event
_write = stream.Stream.write
_stirred_ms = _polled_ms = 0


def begin():
    core.ticks = _now_ms
    core.IOQueue.wait_io_event = _wait_io_event
    stream.Stream.write = stream.Stream.awrite = _noted_write
    asyncio.create_task(_listen())


def _now_ms():
    return host.now_us() // 1000


def _listen():
    """Process the host's lines as soon as they arrive."""
    while True:
        yield core._io_queue.queue_read(host.line)
        host.heed()


def _noted_write(self, words):
    global _stirred_ms
    _stirred_ms = _ticks()
    if self.s not in host.wired:
        host.sent_us = host.now_us()
    return _write(self, words)


def _sockets(queue):
    """Return how many sockets are waited on."""
    count = len(queue.map)
    for wired in host.wired:
        if id(wired) in queue.map:
            count -= 1
    return count


def _wait_io_event(queue, dt):
    host.judge()
    global _stirred_ms, _polled_ms
    if dt == 0 and _ticks() - _polled_ms < _POLL_MS:
        return
    if dt <= 0:
        _wait(queue, dt)
        _polled_ms = _ticks()
        return
    wait_ms = host.task_wait_ms(dt)
    if not host.quiet_ms:
        _wait(queue, wait_ms)
        _polled_ms = _ticks()
        return
    left_ms = host.quiet_ms - (_ticks() - _stirred_ms)
    asks = left_ms <= 0
    if asks:
        host.send("idle %d" % (host.now_us() + dt * 1000))
    else:
        wait_ms = min(wait_ms, left_ms)
    sockets = _sockets(queue)
    streams = len(queue.map)
    _wait(queue, wait_ms)
    _polled_ms = _ticks()
    if _sockets(queue) < sockets:
        _stirred_ms = _ticks()
    if asks and len(queue.map) < streams and id(host.line) in queue.map:
        host.send("awake")
