"""How a bearer hands frames to ingest: with a way to say "it is stored", and never more than ingest has room for."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

from siaga_gateway.domain.record import record


@record
class InboundFrame:
    """One frame as it came from a bearer; nothing of it is believed yet."""

    raw: bytes
    received_ms: int  # Unix ms, when this process got it
    bearer: str  # mqtt | lorawan | sms
    # Called once the frame is dealt with and committed, in the order in which frames came (MQTT 3.1.1, 4.6: a broker
    # may drop a connection that acknowledges out of order). From any thread; never raises.
    acknowledge: Callable[[], None]
    # Where on that bearer an answer goes, in a form that only its adapter knows. None: nowhere but to the device_id.
    origin: Hashable = None
    # Who the bearer says that it came from, where that is not told by `origin`. See service/lanes.py.
    sender: Hashable = None
    posed: bool = False  # the bearer says that another than the device that it names has sent it
    # False from `offer` holds nobody else up: the bearer keeps this frame and brings it again by itself.
    kept_by_bearer: bool = False


class FrameSink(Protocol):
    """Takes frames from bearers; `service.ingest` implements it."""

    def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
        """Queue the frame. False when there was no room for timeout_s: then it must come again, unacknowledged.

        Under overload a frame that is no call may be let go instead: acknowledged, counted, and not answered.
        """
        ...
