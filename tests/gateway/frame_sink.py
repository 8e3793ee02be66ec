"""What a bearer needs behind it in a test: somebody who takes frames."""

from __future__ import annotations

import queue

from siaga_gateway.service.inbound import InboundFrame


class Sink:
    """Takes frames as long as it has room."""

    def __init__(self, room: int = 10_000) -> None:
        self.frames: queue.Queue[InboundFrame] = queue.Queue(room)

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        try:
            self.frames.put(frame, timeout=min(timeout_s, 0.2)) if timeout_s else self.frames.put_nowait(frame)
        except queue.Full:
            return False
        return True
