"""What the SMS routes share: where a frame came from, and answers within a budget."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.frame import Kind, Stage, counter_of, device_id_of, kind_of, stage_of
from siaga_gateway.formats.sms import masked, text_of
from siaga_gateway.formats.sms_notice import LONGEST, plain
from siaga_gateway.service.downlink.routes import ReplyReason
from siaga_gateway.service.downlink.sms_budget import ReplyBudget
from siaga_gateway.service.ports import Clock

BEARER: Final = "sms"
WEBHOOK: Final = "webhook"  # SmsOrigin.way of what an aggregator posts
REMINDED: Final = 100  # one log line for the first, and then for every so many
_LATER: Final = frozenset({Stage.SEEN, Stage.ASSIGNED, Stage.ON_SCENE, Stage.CLOSED})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SmsOrigin:
    """The route that a message came by, and its sender. The number is kept out of every text about it."""

    way: str  # spool | webhook
    number: str = field(repr=False)


class SmsSender(Protocol):
    """Sends texts."""

    def send(self, number: str, text: str, *, urgent: bool) -> None:
        """Queue it; never blocks or raises. What cannot be sent is counted: the button asks again."""
        ...


@dataclass(slots=True)
class ReplyCounts:
    """Counts since the start."""

    sent: int = 0
    over_budget: int = 0
    too_long: int = 0
    no_way: int = 0


class SmsReplies:
    """Implements service.downlink.routes.ReplyBearer for text messages."""

    def __init__(self, senders: Mapping[str, SmsSender], budget: ReplyBudget, clock: Clock) -> None:
        """senders: by SmsOrigin.way; an origin without its own is answered by the first."""
        self._senders = senders
        self._budget = budget
        self._clock = clock
        self.counts = ReplyCounts()

    def send_to(self, origin: Hashable, frame: bytes, asked: ReplyReason = ReplyReason.NEW) -> None:
        """Answer to the frame's number, if its budget and the button's allow it."""
        if not isinstance(origin, SmsOrigin):
            return
        counts = self.counts
        text = text_of(frame)
        sender = _sender(self._senders, origin)
        if text is None:
            counts.too_long += 1
            log.info(Localized("log.sms.too_long", bytes=len(frame)))
        elif sender is None:
            counts.no_way += 1
            if counts.no_way % REMINDED == 1:
                log.warning(Localized("log.sms.no_way", count=counts.no_way))
        elif not self._budget.take(_receivers(origin, frame, asked), self._clock.now_ms()):
            counts.over_budget += 1
            if counts.over_budget % REMINDED == 1:
                last = masked(origin.number)
                log.warning(Localized("log.sms.over_budget", count=counts.over_budget, last=last))
        else:
            counts.sent += 1
            sender.send(origin.number, text, urgent=kind_of(frame) == Kind.ACK)


class TextBack:
    """Implements service.incidents.text_answers.TextReplies. Calls and answers to buttons go before these."""

    def __init__(self, senders: Mapping[str, SmsSender]) -> None:
        """senders: see SmsReplies."""
        self._senders = senders
        self._unsent = 0

    def reply(self, origin: Hashable, text: str) -> None:
        if not isinstance(origin, SmsOrigin):
            return
        if (sender := _sender(self._senders, origin)) is not None:
            sender.send(origin.number, plain(text)[:LONGEST], urgent=False)
            return
        self._unsent += 1
        if self._unsent % REMINDED == 1:
            log.warning(Localized("log.sms.no_way", count=self._unsent))


def _sender(senders: Mapping[str, SmsSender], origin: SmsOrigin) -> SmsSender | None:
    return senders.get(origin.way) or next(iter(senders.values()), None)


def _receivers(origin: SmsOrigin, frame: bytes, asked: ReplyReason) -> tuple[Hashable, ...]:
    """Return whose budgets a frame counts against.

    What the holder waits for, "a unit is assigned", has its own: neither an hour of position reports with their
    acknowledgements nor someone repeating a frame may use it up. Repetitions of the latest frame have a budget for each
    frame: a call after them finds it untouched.
    """
    sort: Hashable
    if asked is ReplyReason.AGAIN:
        sort = asked, counter_of(frame)
    elif asked is ReplyReason.OLD:
        sort = asked
    else:
        sort = "command" if kind_of(frame) == Kind.COMMAND else "stage" if stage_of(frame) in _LATER else "receipt"
    return (sort, origin.number), (sort, device_id_of(frame))


class Troubles:
    """Current problems, by subject; reports when the first appears and when the last is gone."""

    def __init__(self, on_change: Callable[[bool, str], None]) -> None:
        self._on_change = on_change
        self._troubles: dict[str, str] = {}
        self._lock = threading.Lock()

    def note(self, about: str, why: str) -> None:
        with self._lock:
            if self._troubles.get(about) != why:
                log.error(Localized("log.sms.trouble", why=why))
            first = not self._troubles
            self._troubles[about] = why
            if first:
                self._on_change(False, why)

    def over(self, about: str) -> None:
        with self._lock:
            if self._troubles.pop(about, None) is not None and not self._troubles:
                self._on_change(True, "")
