"""The host process of one start of a simulated chip: MicroPython's unix port with the chip's stand-ins, and its console
output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final

# What mem_info() prints, and the bytes of a block of this 64-bit port's heap.
_MEMORY: Final = ("mem: ", "stack: ", "GC: ", " No. of 1-blocks: ")
_BLOCK: Final = 32
_PIECE: Final = 65536
# The stand-ins for the chip's own modules are on the same heap, and take at least this much: the firmware gets so much
# more, and has what was specified. What they allocate at run time (pins, lines) is at the firmware's cost.
STAND_INS: Final = 29 * 1024
_SHARED: Final = Path("/dev/shm")  # noqa: S108 - where the C library has shared memory


class ChipProcess:
    """Used within the loop's thread.

    on_line(line): called for its console
    on_stop(code): called if it ended by itself, a fault of the firmware or of the simulation
    largest_free: bytes of the largest free block when last asked
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_line: Callable[[str], None], on_stop: Callable[[int], None]
    ) -> None:
        self._loop = loop
        self._on_line = on_line
        self._on_stop = on_stop
        self._process: subprocess.Popen[bytes] | None = None
        self._said = _Lines(self._take)
        self._complained = _Lines(on_line)
        self.largest_free = 0

    @property
    def pid(self) -> int | None:
        """None = there is no process."""
        return None if self._process is None else self._process.pid

    def start(self, command: list[str], environment: dict[str, str]) -> None:
        """Start a new one; the previous one has ended."""
        self._said, self._complained = _Lines(self._take), _Lines(self._on_line)
        process = self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        for stream, read in self._streams(process):
            os.set_blocking(stream.fileno(), False)
            self._loop.add_reader(stream.fileno(), read, stream.fileno(), process)

    def end(self) -> None:
        """Kill it, and whatever it started; earlier output is still read."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _forget_clock(process.pid)
        for stream, read in self._streams(process):
            read(stream.fileno(), process)
            self._loop.remove_reader(stream.fileno())
            stream.close()

    def _streams(
        self, process: subprocess.Popen[bytes]
    ) -> list[tuple[IO[bytes], Callable[[int, subprocess.Popen[bytes]], None]]]:
        assert process.stdout is not None and process.stderr is not None
        return [(process.stdout, self._read_console), (process.stderr, self._read_complaints)]

    def _read_console(self, fileno: int, process: subprocess.Popen[bytes]) -> None:
        if self._said.read(fileno) and process is self._process:
            self._loop.remove_reader(fileno)
            code = process.wait()
            self.end()
            self._on_stop(code)

    def _read_complaints(self, fileno: int, process: subprocess.Popen[bytes]) -> None:
        if self._complained.read(fileno) and process is self._process:
            self._loop.remove_reader(fileno)

    def _take(self, line: str) -> None:
        """Take a console line, unless it is micropython.mem_info()'s."""
        if line.startswith(_MEMORY):
            _, found, blocks = line.partition("max free sz: ")
            self.largest_free = int(blocks) * _BLOCK if found else self.largest_free
        else:
            self._on_line(line)


class _Lines:
    """Splits the bytes of a pipe into lines."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._rest = b""

    def read(self, fileno: int) -> bool:
        """Read what is there now. Returns whether the other end is closed."""
        while True:
            try:
                got = os.read(fileno, _PIECE)
            except BlockingIOError:
                return False
            except OSError:
                return True
            if not got:
                return True
            *lines, self._rest = (self._rest + got).split(b"\n")
            for line in lines:
                self._take(line.decode("utf-8", "replace").rstrip("\r"))


def _forget_clock(pid: int) -> None:
    """Delete what libfaketime keeps in memory for a process: one that is killed leaves it there for ever."""
    for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
        with contextlib.suppress(OSError):
            (_SHARED / name).unlink()


def heap_option(words: str) -> str:
    """Return MicroPython's -X for a firmware with this heap: 192k, 1m or plain bytes. Raises ValueError."""
    factor = {"k": 1024, "m": 1024 * 1024}.get(words[-1:].lower(), 1)
    return f"heapsize={int(words[:-1] if factor > 1 else words) * factor + STAND_INS}"


def judged_by_its_own_clock(flash: Path) -> dict[str, str]:
    """Return the environment in which certificates are judged by the chip's clock, if libfaketime is installed;
    otherwise the host's clock applies."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        return {}
    ahead = flash.with_suffix(".ahead")
    ahead.write_text("+0", encoding="ascii")
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(ahead),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
