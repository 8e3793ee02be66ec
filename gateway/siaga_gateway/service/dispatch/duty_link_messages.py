"""Sends people links to their own pages, on ways that they have proven: whoever types somebody's key gets nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder
from siaga_gateway.domain.value import record
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_links import UNUSED_MS, DutyLinks
from siaga_gateway.service.dispatch.responder_lists import ResponderError
from siaga_gateway.service.dispatch.way_traffic import WayTraffic, outcome_of, traffic_of
from siaga_gateway.service.dispatch.ways import HandedOver, TalkingWay, Way
from siaga_gateway.service.ports import Clock

log = logging.getLogger(__name__)

EVERY_S: Final = 2.0
EACH_MS: Final = 600_000  # one link a person in this time, however often it is asked for
_WAITING: Final = 100
_REMEMBERED: Final = 10_000
_AT_MOST: Final = 2  # in a turn
_TRIES: Final = 5
_PAUSE_MS: Final = 60_000
_SHORT_MS: Final = 1_000  # a budget that is there again so soon is waited for
_SPOKEN: Final = (ContactWay.PHONE, ContactWay.RADIO)  # a link is to be read, and nobody is rung for one


@record
class _Asked:
    key: str
    next_ms: int
    tries: int = 0


class DutyLinkMessages:
    """`ask` from any thread; `work` is a periodic job in a thread of its own: a service may take a minute to answer.

    What waits here when the gateway ends is asked for again by whoever wants it.
    """

    def __init__(
        self,
        links: DutyLinks,
        duty: Duty,
        ways: Sequence[Way],
        clock: Clock,
        local: LocalTime,
        busy: Callable[[], bool] = lambda: False,
        traffic: Mapping[str, WayTraffic] | None = None,
    ) -> None:
        """busy: whether calls for help wait for these services. It may raise StoreFailing. traffic: of each way by
        name, shared with the calls for help: links count too."""
        self._links = links
        self._duty = duty
        self._ways = ways
        self._clock = clock
        self._local = local
        self._busy = busy
        self._traffic = traffic or {way.name: traffic_of(way) for way in ways}
        self._lock = threading.Lock()
        self._waiting: deque[_Asked] = deque()
        self._sent_ms: OrderedDict[str, int] = OrderedDict()

    def ask(self, key: str) -> None:
        """Send it soon, if there is such a person who has not got one just now: guesses take nobody's place.

        Raises: StoreFailing.
        """
        if self._duty.responder(key) is None:
            return
        now_ms = self._clock.now_ms()
        with self._lock:
            sent_ms = self._sent_ms.get(key)
            just_now = sent_ms is not None and 0 <= now_ms - sent_ms < EACH_MS
            asked = any(each.key == key for each in self._waiting)
            if not just_now and not asked and len(self._waiting) < _WAITING:
                self._waiting.append(_Asked(key, now_ms))

    def work(self) -> None:
        """Send some. Raises: StoreFailing."""
        now_ms = self._clock.now_ms()
        with self._lock:
            due = [each for each in self._waiting if not 0 < each.next_ms - now_ms <= _PAUSE_MS][:_AT_MOST]
        for each in due:
            if self._busy():
                return
            responder = self._duty.responder(each.key)
            sent = responder is not None and self.send(responder) is not None
            again = responder is not None and not sent and each.tries + 1 < _TRIES
            with self._lock:  # only now: whoever asks meanwhile is waiting already
                self._waiting.remove(each)
                if sent:
                    self._note_sent(each.key)
                elif again:
                    self._waiting.append(_Asked(each.key, self._clock.now_ms() + _PAUSE_MS, each.tries + 1))
            if responder is not None and not sent and not again:
                log.warning(Localized("log.responders.link_unsent", responder=each.key))

    def _note_sent(self, key: str) -> None:
        self._sent_ms[key] = self._clock.now_ms()
        while len(self._sent_ms) > _REMEMBERED:
            self._sent_ms.popitem(last=False)

    def send(self, responder: Responder, actor: str | None = None) -> HandedOver | None:
        """Send somebody a new link on the first way that takes it; None: none did. A browser gets one only where there
        is no other way, the oldest first: whoever had a link can have added it. Raises: StoreFailing."""
        url = None
        for contact in _for_links(responder.contacts):
            for way in (each for each in self._ways if each.kind is contact.way and not isinstance(each, TalkingWay)):
                traffic, person, mono_ms = self._traffic[way.name], f"{RESPONDER}{responder.key}", _mono_ms()
                wait_ms = traffic.wait_ms(person, mono_ms, first=False)
                if traffic.is_spent(mono_ms) or wait_ms > _SHORT_MS:
                    continue
                time.sleep(wait_ms / 1000)
                if url is None:
                    try:
                        url = self._links.make(responder.key, actor)
                    except ResponderError:  # has left just now
                        return None
                now_ms = self._clock.now_ms()
                message = self._message(url, responder.language, now_ms)
                traffic.begun(person, _mono_ms())
                outcome = way.send(contact.address, message, f"link.{responder.key}.{now_ms}")
                traffic.ended(person, _mono_ms(), outcome_of(outcome))
                if isinstance(outcome, HandedOver):
                    return outcome
        return None

    def _message(self, url: str, language: str, now_ms: int) -> PersonalMessage:
        at = self._local.clock(now_ms, now_ms)
        return PersonalMessage(
            title=text("dispatch.link.title", language),
            text=text("dispatch.link.text", language, at=at),
            url=url,
            urgent=False,
            expires_ms=now_ms + UNUSED_MS,
            language=language,
        )


def _for_links(contacts: Sequence[Contact]) -> list[Contact]:
    """Return those that can show a link, in the order to try."""
    shown = [each for each in contacts if each.way not in _SPOKEN]
    others = [each for each in shown if each.way is not ContactWay.PUSH]
    return others or list(reversed(shown))  # new browsers stand first


def _mono_ms() -> int:
    return round(time.monotonic() * 1000)
