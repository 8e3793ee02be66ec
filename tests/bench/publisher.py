"""Buttons that publish at a pace, without costing the machine that is measured: packets are made before the clock runs.

A process of its own: `Publisher` starts it, hands it frames and due times, and gets back when each was sent.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from types import TracebackType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

_AT_ONCE_S = 0.001  # what is due within this goes out in one write


def _connect(port: int, name: str) -> socket.socket:
    """An MQTT 3.1.1 connection with a clean session and no keep-alive."""
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack(">H", len(name)) + name.encode()
    sock = socket.create_connection(("127.0.0.1", port), 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(b"\x10" + bytes([len(body)]) + body)
    answer = sock.recv(4)
    if answer[:2] != b"\x20\x02" or answer[3]:
        raise SystemExit(f"the broker did not take the bench's buttons: {answer!r}")
    sock.settimeout(None)
    return sock


def _packet(frame: bytes, number: int) -> bytes:
    topic = b"siaga/v1/up/" + frame[2:10].hex().encode()
    body = struct.pack(">H", len(topic)) + topic + struct.pack(">H", number % 65_535 + 1) + frame
    length = len(body)
    head = bytes([length]) if length < 128 else bytes([length % 128 | 128, length // 128])
    return b"\x32" + head + body


def publish(port: int, name: str, frames: Sequence[bytes], rate: float, begin: float) -> list[float]:
    """Publish with QoS 1 at so many a second from `begin` on (time.monotonic); rate 0: as fast as it goes.

    Returns when each frame was sent, and returns once the broker has acknowledged all.
    """
    sock = _connect(port, name)
    packets = [_packet(frame, number) for number, frame in enumerate(frames)]
    acknowledged = 0
    done = threading.Event()

    def read() -> None:
        nonlocal acknowledged
        while acknowledged < 4 * len(packets):
            got = sock.recv(65_536)
            if not got:
                break
            acknowledged += len(got)
        done.set()

    threading.Thread(target=read, daemon=True).start()
    sent: list[float] = []
    number = 0
    while number < len(packets):
        now = time.monotonic()
        due = len(packets) if rate == 0 else int((now + _AT_ONCE_S / 2 - begin) * rate) + 1
        if due <= number:
            time.sleep(max(0.0, min(0.05, begin + number / rate - now)))  # no wait of a test: its pace
            continue
        upto = min(due, number + 200, len(packets))
        stamp = time.monotonic()
        sock.sendall(b"".join(packets[number:upto]))
        sent += [stamp] * (upto - number)
        number = upto
    if not done.wait(120):
        raise SystemExit("the broker did not acknowledge all within 120 s")
    sock.sendall(b"\xe0\x00")
    sock.close()
    return sent


class Publisher:
    """The process; `start` returns at once."""

    def __init__(self, processes: int = 1) -> None:
        self._pool = ProcessPoolExecutor(processes)
        for one in [self._pool.submit(int, 0) for _ in range(processes)]:
            one.result(60)

    def start(
        self, port: int, name: str, frames: Sequence[bytes], rate: float, begin: float = 0.0
    ) -> Future[list[float]]:
        return self._pool.submit(publish, port, name, frames, rate, begin)

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
