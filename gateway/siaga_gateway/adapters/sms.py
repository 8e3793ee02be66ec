"""What the ways of text messages share: where a frame came from, and answers within a budget."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from siaga_gateway.domain.frame import Kind, Stage
from siaga_gateway.formats.sms import masked, text_of
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.reply_budget import ReplyBudget

BEARER: Final = "sms"
REMINDED: Final = 100  # one line in the log for the first, and then for every so many
_DEVICE_ID: Final = slice(2, 10)  # of a downlink frame
_STAGE: Final = 18
_LATER: Final = frozenset({Stage.SEEN, Stage.ASSIGNED, Stage.ON_SCENE, Stage.CLOSED})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SmsOrigin:
    """By which way of ours a message came, and whose it was. The number stays out of every text about it."""

    way: str  # spool | webhook
    number: str = field(repr=False)


class SmsSender(Protocol):
    """Sends one text."""

    def send(self, number: str, text: str, *, urgent: bool) -> None:
        """Queue it; never blocks, never raises. What cannot be sent is counted: the button asks again."""
        ...


@dataclass(slots=True)
class ReplyCounts:
    """Since the start."""

    sent: int = 0
    over_budget: int = 0
    too_long: int = 0
    no_way: int = 0


class SmsReplies:
    """service.downlinks.ReplyBearer for text messages."""

    def __init__(self, senders: Mapping[str, SmsSender], budget: ReplyBudget, clock: Clock) -> None:
        """`senders` by SmsOrigin.way; an origin without one of its own is answered by the first."""
        self._senders = senders
        self._budget = budget
        self._clock = clock
        self.counts = ReplyCounts()

    def send_to(self, origin: Hashable, frame: bytes) -> None:
        """To the number that the frame came from, if its budget and its button's allow one more."""
        if not isinstance(origin, SmsOrigin):
            return
        counts = self.counts
        text = text_of(frame)
        sender = self._senders.get(origin.way) or next(iter(self._senders.values()), None)
        if text is None:
            counts.too_long += 1
            log.info("a downlink of %d bytes does not fit in a text message", len(frame))
        elif sender is None:
            counts.no_way += 1
            if counts.no_way % REMINDED == 1:
                log.warning("%d text messages could not be answered: no way out is set up", counts.no_way)
        elif not self._budget.take(_receivers(origin, frame), self._clock.now_ms()):
            counts.over_budget += 1
            if counts.over_budget % REMINDED == 1:
                said = "%d answers by text message held back for their cost, the last to %s (sms.replies_per_*)"
                log.warning(said, counts.over_budget, masked(origin.number))
        else:
            counts.sent += 1
            sender.send(origin.number, text, urgent=frame[1] == Kind.ACK)


def _receivers(origin: SmsOrigin, frame: bytes) -> tuple[Hashable, ...]:
    """Whose budget a frame is taken from. What the holder waits for, "a unit is assigned", has one of its own: an hour
    of position reports and their acknowledgements must not use it up."""
    sort = "command" if frame[1] == Kind.COMMAND else "stage" if frame[_STAGE] in _LATER else "receipt"
    return (sort, origin.number), (sort, frame[_DEVICE_ID])


class Troubles:
    """What stands in the way just now, by what it is about; tells when the first comes and when the last is over."""

    def __init__(self, on_change: Callable[[bool, str], None]) -> None:
        self._on_change = on_change
        self._troubles: dict[str, str] = {}
        self._lock = threading.Lock()

    def note(self, about: str, why: str) -> None:
        with self._lock:
            if self._troubles.get(about) != why:
                log.error("text messages: %s", why)
            first = not self._troubles
            self._troubles[about] = why
            if first:
                self._on_change(False, why)

    def over(self, about: str) -> None:
        with self._lock:
            if self._troubles.pop(about, None) is not None and not self._troubles:
                self._on_change(True, "")
