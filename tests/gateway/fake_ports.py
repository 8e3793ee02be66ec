"""Hand-written stand-ins for the gateway's ports. service/test_ports.py holds each to what the real one does."""

from __future__ import annotations

import threading
import time


class ManualClock:
    """ports.Clock that stands still until it is moved."""

    def __init__(self, at_ms: int = 1_790_000_000_000) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


class RunningClock:
    """ports.Clock that goes on as the machine's does, and is moved ahead of it."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


class SentAnswers:
    """ports.AcknowledgementSender, and CommandSender, that keeps what it was given, while its bearer is up."""

    def __init__(self) -> None:
        self.up = True
        self._lock = threading.Lock()
        self.frames: list[tuple[bytes, bytes]] = []

    def send(self, device_id: bytes, frame: bytes) -> None:
        if self.up:
            with self._lock:
                self.frames.append((device_id, frame))

    send_command = send

    def of(self, device_id: bytes) -> list[bytes]:
        """The frames that went to this device."""
        with self._lock:
            return [frame for to, frame in self.frames if to == device_id]

    def stages(self) -> list[tuple[int, int, int]]:
        """(counter, stage, eta) of each ACK."""
        with self._lock:
            return [(int.from_bytes(frame[10:14], "big"), frame[18], frame[19]) for _, frame in self.frames]
