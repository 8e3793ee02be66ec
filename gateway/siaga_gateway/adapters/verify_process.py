"""Verifies signatures in a separate process, beside the one that stores.

`cryptography` holds the GIL while it verifies, so a thread would gain nothing. A batch is sent as one message and
answered with one byte a frame. Nothing depends on the process: it knows only public keys, and what it does not answer
in time the gateway verifies itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.frame_authentication import KeyFormatError, is_signed, load_public
from siaga_gateway.service.ingest.verification import Verdicts

log = logging.getLogger(__name__)

_HEAD: Final = struct.Struct(">II")  # bytes that follow, number of frames
_SIZE: Final = struct.Struct(">H")
_XY: Final = 64
_READY: Final = b"\x01"
_KEYS: Final = 50_000  # loaded; about 1 kB each
_BUFFER: Final = 1 << 20  # bytes of socket buffer, so that sending a message does not block
# For an answer: far more than any batch takes on a healthy machine.
_ANSWER_S: Final = 5.0
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
_END_S: Final = 2.0


def room_beside(workers: int) -> bool:
    """Whether this machine has a core left beside this many workers. On theirs the process would slow them down."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > workers


class _Asked:
    """A batch that was sent; implements service.ingest.verification.Verdicts."""

    def __init__(self, process: VerifyProcess, link: socket.socket, frames: int) -> None:
        self._process = process
        self.link = link
        self.frames = frames
        self.answer: bytes | None = None

    def wait(self) -> Sequence[bool] | None:
        answer = self._process.answer_to(self)
        return None if answer is None else [byte == 1 for byte in answer]


class VerifyProcess:
    """Implements service.ingest.verification.Verifier. For one thread."""

    def __init__(self, pause_s: float = _FIRST_PAUSE_S) -> None:
        """pause_s: before the first restart; then twice as long each time."""
        self._first_pause_s = self._pause_s = pause_s
        self._child: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._ready = False
        self._asked: deque[_Asked] = deque()  # in the order in which answers arrive
        self._again_at = 0.0

    def start(self) -> None:
        """Start the process early, as loading takes a while. Otherwise the first batch starts it."""
        self._start()

    @property
    def pid(self) -> int | None:
        """Of the running process; None: there is none just now."""
        return None if self._child is None else self._child.pid

    def is_ready(self) -> bool:
        """Whether it has reported that everything is loaded; until then nobody waits for it."""
        if not self._ready and self._link is not None:
            readable, _, _ = select.select([self._link], [], [], 0)
            if readable:
                try:
                    if self._link.recv(1) != _READY:
                        raise ConnectionResetError("it ended")
                    self._ready = True
                except OSError as error:
                    self._lost(error)
        return self._ready

    def begin(self, frames: Sequence[tuple[bytes, bytes]]) -> Verdicts | None:
        link = self._link
        if link is None:
            if time.monotonic() >= self._again_at:
                self._start()
            return None
        if not self._ready and not self.is_ready():
            return None
        parts: list[bytes] = []
        for public_xy, frame in frames:
            parts += (public_xy, _SIZE.pack(len(frame)), frame)
        body = b"".join(parts)
        try:
            link.settimeout(_ANSWER_S)
            link.sendall(_HEAD.pack(len(body), len(frames)) + body)
        except OSError as error:
            self._lost(error)
            return None
        asked = _Asked(self, link, len(frames))
        self._asked.append(asked)
        return asked

    def answer_to(self, asked: _Asked) -> bytes | None:
        """Return the process's bytes, storing those of earlier batches; None: there will be none."""
        while asked.answer is None and asked.link is self._link:
            first = self._asked[0]
            try:
                first.answer = _received(first.link, first.frames, time.monotonic() + _ANSWER_S)
            except OSError as error:
                self._lost(error)
                break
            self._asked.popleft()
            self._pause_s = self._first_pause_s
        return asked.answer

    def close(self) -> None:
        """Closing its input ends the process."""
        child, self._child = self._child, None
        if self._link is not None:
            self._link.close()
            self._link = None
        self._asked.clear()
        if child is not None:
            try:
                child.wait(_END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _start(self) -> None:
        mine, its = socket.socketpair()
        for end in (mine, its):
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
        self._ready = False
        try:
            # Signals to the group (Ctrl-C, systemd's SIGTERM) are for the gateway, which then stops it in order.
            self._child = subprocess.Popen(
                [sys.executable, "-m", __name__], stdin=its.fileno(), stdout=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            mine.close()
            self._lost(error)
            return
        finally:
            its.close()
        self._link = mine

    def _lost(self, error: Exception) -> None:
        log.warning(Localized("log.verify.gone", why=error))
        with contextlib.suppress(OSError):
            if self._child is not None:
                self._child.kill()
        self.close()
        self._again_at = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)


def _received(link: socket.socket, size: int, deadline: float) -> bytes:
    """Receive exactly `size` bytes. Raises: OSError if they do not arrive."""
    got = b""
    while len(got) < size:
        link.settimeout(max(0.001, deadline - time.monotonic()))
        part = link.recv(size - len(got))
        if not part:
            raise ConnectionResetError("it ended")
        got += part
    return got


# The process itself


def verdicts(body: bytes, keys: dict[bytes, ec.EllipticCurvePublicKey]) -> bytes:
    """Return a byte for each frame of a message; 1: the key made it. keys: cache of loaded keys, by X || Y."""
    found = bytearray()
    at = 0
    while at < len(body):
        public_xy = body[at : at + _XY]
        (size,) = _SIZE.unpack_from(body, at + _XY)
        at += _XY + _SIZE.size
        frame = body[at : at + size]
        at += size
        public = keys.get(public_xy)
        if public is None:
            try:
                public = keys[public_xy] = load_public(public_xy)
            except KeyFormatError:
                found.append(0)
                continue
            if len(keys) > _KEYS:
                del keys[next(iter(keys))]
        found.append(is_signed(frame, public))
    return bytes(found)


def serve(link: socket.socket) -> None:
    """Serve until the gateway closes its end, or is gone."""
    keys: dict[bytes, ec.EllipticCurvePublicKey] = {}
    link.sendall(_READY)
    with link.makefile("rb", _BUFFER) as stream:
        while len(head := stream.read(_HEAD.size)) == _HEAD.size:
            size, _ = _HEAD.unpack(head)
            body = stream.read(size)
            if len(body) < size:
                return
            link.sendall(verdicts(body, keys))


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError), socket.socket(fileno=0) as gateway:
        serve(gateway)
