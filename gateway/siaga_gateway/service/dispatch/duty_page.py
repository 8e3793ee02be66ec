"""What somebody does on his own page: says when he is on duty, answers the codes on his ways, tells where he is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from typing import Final

from siaga_gateway.domain.responders import OLDEST_MS
from siaga_gateway.domain.shifts import DutyState, minute_of_day, next_time
from siaga_gateway.service.dispatch.duty_links import DutyLinks
from siaga_gateway.service.dispatch.duty_words import declare
from siaga_gateway.service.dispatch.push_devices import PushDevices
from siaga_gateway.service.dispatch.responder_links import open_link
from siaga_gateway.service.dispatch.responder_lists import ResponderError
from siaga_gateway.service.dispatch.responder_positions import PositionIntake, PositionReport
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.ports import Clock, Notifier, ResponderRefused
from siaga_gateway.service.store import Store

SHIFTS: Final = "shifts"  # takes back what he said
_WORDS: Final = {state.value: state for state in DutyState}
_FARTHEST_M: Final = 10**8


class DutyPage:
    """Takes steps under a person's own link. Thread-safe; each call is durable when it returns.

    Raises: ResponderRefused, StoreFailing.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        notifier: Notifier,
        zone: tzinfo,
        links: DutyLinks,
        questions: WayQuestions,
        positions: PositionIntake,
        asked: Callable[[str], None],
        push: PushDevices | None = None,
    ) -> None:
        """asked: sends the person with that key, if there is one, a new link; at once or later. push:
        None: nobody is told by web push."""
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._zone = zone
        self._links = links
        self._questions = questions
        self._positions = positions
        self._asked = asked
        self._push = push

    def declare(self, token: str, said: str, until: str = "") -> None:
        """said: on_duty, available, off, shifts. until: a time of day; empty: the end of the shift, or half a day."""
        if said != SHIFTS and said not in _WORDS:
            raise ResponderRefused("duty_page.said", known=", ".join((*_WORDS, SHIFTS)))
        until_ms = None
        if until.strip():
            minute = minute_of_day(until)
            if minute is None:
                raise ResponderRefused("duty_page.until", text=until[:20])
            until_ms = next_time(minute, self._clock.now_ms(), self._zone)
        key = self._links.used(token)
        declare(self._store, self._clock, self._zone, key, _WORDS.get(said), until_ms=until_ms)
        self._notifier.ring()

    def answer(self, token: str, code: str) -> None:
        """Take the code that came on one of his ways."""
        key = self._links.used(token)
        try:
            self._questions.answer(key, code)
        except ResponderError as error:
            wrong = error.key == "responders.wrong_code"
            raise ResponderRefused("duty_page.wrong_code" if wrong else "duty_page.no_code") from None
        self._notifier.ring()

    def share(self, token: str, latitude: int, longitude: int, accuracy_m: int | None, age_ms: int) -> str:
        """Take where his phone is, in degrees x 10^7, and how old that is, as its clock may be wrong. Returns what
        became of it, an `Outcome`.

        It is kept as positions of OwnTracks are: only on duty, available or assigned.
        """
        return self._taken(self._links.used, token, latitude, longitude, accuracy_m, age_ms)

    def share_on_call(
        self, browser: str, token: str, latitude: int, longitude: int, accuracy_m: int | None, age_ms: int
    ) -> str:
        """The same under a link to an incident, of whoever has no link of his own at hand. Only from the browser that
        has answered, while he comes."""
        return self._taken(partial(self._called, browser), token, latitude, longitude, accuracy_m, age_ms)

    def _called(self, browser: str, token: str) -> str:
        opened = open_link(self._store, token, self._clock.now_ms())
        if opened is None:
            raise ResponderRefused("responder.no_link")
        if not opened.may_share_from(browser):
            raise ResponderRefused("duty_page.not_coming")
        return opened.found.link.responder

    def _taken(
        self,
        whose: Callable[[str], str],
        token: str,
        latitude: int,
        longitude: int,
        accuracy_m: int | None,
        age_ms: int,
    ) -> str:
        known = (latitude, longitude, age_ms, 0 if accuracy_m is None else accuracy_m)
        if not all(isinstance(each, int) for each in known) or not (
            abs(latitude) <= 90 * 10**7 and abs(longitude) <= 180 * 10**7 and 0 <= age_ms <= OLDEST_MS
        ):
            raise ResponderRefused("duty_page.place")
        key = whose(token)
        radius_m = None if accuracy_m is None else min(max(accuracy_m, 0), _FARTHEST_M)
        now_ms = self._clock.now_ms()
        at_ms = now_ms - age_ms
        report = PositionReport(key, latitude, longitude, radius_m, at_ms, at_ms, False, now_ms)
        (outcome,) = self._positions.take([report])
        return str(outcome)

    def renew(self, token: str) -> str:
        """Void all his links, and return the token of a new one."""
        fresh = self._links.renew(token)
        self._notifier.ring()
        return fresh

    def push_key(self) -> str:
        """Return the key that browsers subscribe with; empty: nobody is told by web push."""
        return "" if self._push is None else self._push.key

    def subscribe(self, token: str, subscription: str) -> None:
        """Take a browser of his, which is sent a code. subscription: as JSON."""
        if self._push is None:
            raise ResponderRefused("duty_page.no_push")
        key = self._links.used(token)
        self._push.add(key, subscription, lambda transaction: self._links.check(transaction, token))
        self._notifier.ring()

    def unsubscribe(self, token: str, endpoint: str) -> None:
        key = self._links.used(token)
        if self._push is not None:
            self._push.remove(key, endpoint)
            self._notifier.ring()

    def ask(self, key: str) -> None:
        """Send the person with this key a new link. Nobody is told whether there is one."""
        self._asked(key)
