"""How a bearer hands frames to ingest: each can be acknowledged once stored, and ingest limits how many it takes."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import field
from enum import StrEnum
from typing import Final, Protocol

from siaga_gateway.domain.value import record

# Bearers whose present payload may have no room for a signature.
NARROW: Final = frozenset({"lorawan"})


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


class TextOutcome(StrEnum):
    """What became of a text message that holds no frame."""

    STRANGER = "stranger"  # nobody's number: nothing was done, and nothing is answered
    TAKEN = "taken"  # understood, and durable
    UNCLEAR = "unclear"  # not understood, or nothing that can be done; its sender has been told, within a budget


@record
class InboundText:
    """A text message without a frame, as received; nothing in it is trusted yet."""

    number: str = field(repr=False)  # the sender's: E.164, or of a Telegram account
    text: str = field(repr=False)
    received_ms: int  # Unix ms
    origin: Hashable  # see InboundFrame
    chat: str = field(default="", repr=False)  # of several people, in which it was said; empty: of the sender alone
    late: bool = False  # it was said at a time that nobody knows, perhaps minutes before
    delivered: bool = False  # it is no text: the daemon's report that this number has received one


class TextReader(Protocol):
    """Reads what people answer by text message; `service/incidents/text_answers.py` implements it."""

    def read(self, text: InboundText) -> TextOutcome:
        """Do what the text says, durably. The same text again does no harm.

        Thread-safe. Blocks as long as the store does. Raises: StoreFailing: nothing was done, it must come again.
        """
        ...
