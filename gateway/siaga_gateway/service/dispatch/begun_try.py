"""One try of a message: what a sender thread is given, and what comes of it."""

from __future__ import annotations

import logging

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.notification import Notification, Outcome
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.folded_messages import Fold
from siaga_gateway.service.dispatch.way_traffic import outcome_of
from siaga_gateway.service.dispatch.ways import PersonalMessage, Talk, TalkingWay, Way

log = logging.getLogger(__name__)


@record
class Try:
    """Work for a sender thread."""

    each: Notification
    way: Way
    address: str
    message: PersonalMessage
    key: str
    looked_up_s: float  # when what it says was read; monotonic
    talk: Talk | None = None  # of a way on which people answer by key
    fold: Fold | None = None  # what else the message tells of


def tried(work: Try) -> Outcome:
    """Send it. Never raises."""
    way = work.way
    try:
        if work.talk is not None and isinstance(way, TalkingWay):
            return outcome_of(way.call(work.address, work.message, work.key, work.talk))
        return outcome_of(way.send(work.address, work.message, work.key))
    except Exception as error:
        # A bug hit by one message must not end the others.
        log.exception(Localized("log.fault.output", output=way.name))
        return Outcome(False, type(error).__name__)
