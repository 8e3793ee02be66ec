"""How a bearer hands frames to ingest: each can be acknowledged once stored, and ingest limits how many it takes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

from siaga_gateway.domain.value import record


@record
class InboundFrame:
    """One frame as received from a bearer; nothing in it is trusted yet."""

    raw: bytes
    received_ms: int  # Unix ms, when this process received it
    bearer: str  # mqtt | lorawan | sms
    # Called once the frame is dealt with and committed, in the order of arrival (MQTT 3.1.1, 4.6: a broker may drop a
    # connection that acknowledges out of order). Thread-safe; never raises.
    acknowledge: Callable[[], None]
    # Where on that bearer to send an answer, in a form that only its adapter knows. None: only by device_id.
    origin: Hashable = None
    # The sender according to the bearer, if `origin` does not tell. See service/ingest/lanes.py.
    sender: Hashable = None
    posed: bool = False  # the bearer says that another device sent it than the one it names
    # After False from `offer` nothing else waits: the bearer keeps this frame and redelivers it by itself.
    kept_by_bearer: bool = False
    # Called before `acknowledge` if the frame is authentic and stored, now or earlier. Thread-safe.
    stored: Callable[[], None] | None = None
    # Called instead of `acknowledge` if a remote sink accepted the frame but had no room after all. Thread-safe.
    no_room: Callable[[], None] | None = None


class FrameSink(Protocol):
    """Accepts frames from bearers; `service/ingest/worker.py` implements it."""

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        """Queue the frame. False: no room within timeout_s, the bearer must redeliver it unacknowledged.

        Under overload a frame that is not a call may be shed instead: acknowledged and counted, but not answered.
        """
        ...
