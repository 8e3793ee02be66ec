"""People's own links: to the page on which somebody says when he is on duty, proves his ways and shares his position.

A link holds a random token, of which the store has only a hash. Nobody need have asked for it who gets one, so one that
was never answered by is worth nothing after a day, and pushes out no other that was. Whoever has one can void all
others; with the person all of them are gone.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.responders import Responder
from siaga_gateway.domain.shifts import Standing
from siaga_gateway.domain.value import copied, record
from siaga_gateway.domain.way_proof import DAY_MS
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.responder_links import hash_of, is_token
from siaga_gateway.service.dispatch.responder_lists import unknown
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, ResponderRefused
from siaga_gateway.service.store import Store, Transaction
from siaga_gateway.service.store.responses import DutyLink

PATH: Final = "/me"
UNUSED_MS: Final = DAY_MS  # a link by which nobody has answered
IDLE_MS: Final = 180 * DAY_MS  # since the last answer by it
MOST: Final = 5  # of one person: his phone, the post's computer, a new phone
_BYTES: Final = 16
_NOTED_EVERY_MS: Final = 3_600_000  # its use is written no more often than that
_SHOWN_SHIFTS: Final = 5
WEEK_MS: Final = 7 * DAY_MS


def is_good(link: DutyLink, now_ms: int) -> bool:
    if link.used_at_ms is None:
        return now_ms - link.made_at_ms < UNUSED_MS
    return now_ms - link.used_at_ms < IDLE_MS


class DutyLinks:
    """Makes links. Thread-safe."""

    def __init__(self, store: Store, public_url: str, clock: Clock) -> None:
        """public_url: under which responders reach their pages."""
        self._store = store
        self._base = public_url.rstrip("/") + PATH + "/"
        self._clock = clock

    def make(self, key: str, actor: str | None = None) -> str:
        """Make another link for somebody, durable when this returns. actor: who had it made; None: asked for on the
        page. Raises: ResponderError if there is nobody with this key; StoreFailing."""
        token, now_ms = secrets.token_urlsafe(_BYTES), self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.change_responders()  # whoever is being removed is removed before, or after
            if transaction.responder(key) is None:
                raise unknown(key, self._store.responder_keys())
            make_room(transaction, key, now_ms)
            transaction.put_duty_link(DutyLink(hash_of(token), key, now_ms))
            transaction.note(journal.DUTY_LINK_MADE, now_ms, {"responder": key}, actor=actor)
        return self._base + token

    def used(self, token: str) -> str:
        """Return whose link it is, and take it that he has answered by it. Raises: ResponderRefused, StoreFailing."""
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            link = self._found(transaction, token, now_ms)
            if link.used_at_ms is None or not 0 <= now_ms - link.used_at_ms < _NOTED_EVERY_MS:
                transaction.put_duty_link(copied(link, used_at_ms=now_ms))
        return link.responder

    def check(self, transaction: Transaction, token: str) -> None:
        """Raises: ResponderRefused if this link is worth nothing; it stays as it is as long as the transaction has the
        lock of all who change people."""
        self._found(transaction, token, self._clock.now_ms())

    def renew(self, token: str) -> str:
        """Void all links of this one's person, and return the token of a new one. His browsers go with them: whoever
        had a link can have added his own, and would be sent the next one. Raises: ResponderRefused, StoreFailing."""
        fresh, now_ms = secrets.token_urlsafe(_BYTES), self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.change_responders()  # the lock of all who change people
            key = self._found(transaction, token, now_ms).responder
            self._forget_browsers(transaction, key, now_ms)
            transaction.remove_duty_links([each.token_hash for each in transaction.duty_links(key)])
            transaction.put_duty_link(DutyLink(hash_of(fresh), key, now_ms, now_ms))
            transaction.note(journal.DUTY_LINKS_VOIDED, now_ms, {"responder": key})
        return fresh

    @staticmethod
    def _forget_browsers(transaction: Transaction, key: str, now_ms: int) -> None:
        there = transaction.responder(key)
        if there is None:
            return
        kept = tuple(way for way in there.ways if way.contact.way is not ContactWay.PUSH)
        if kept != there.ways:
            transaction.put_responders([copied(there, ways=kept)])
            transaction.note(journal.WAY_REMOVED, now_ms, {"responder": key, "way": ContactWay.PUSH.value})

    @staticmethod
    def _found(transaction: Transaction, token: str, now_ms: int) -> DutyLink:
        found = transaction.duty_link(hash_of(token)) if is_token(token) else None
        if found is None or not is_good(found, now_ms):
            raise ResponderRefused("responder.no_link")
        return found


def make_room(transaction: Transaction, key: str, now_ms: int) -> None:
    """Remove somebody's links that are worth nothing any more, and of too many first those never used."""
    links = transaction.duty_links(key)
    gone = [each for each in links if not is_good(each, now_ms)]
    good = sorted(
        (each for each in links if is_good(each, now_ms)),
        key=lambda each: (each.used_at_ms is not None, each.used_at_ms or each.made_at_ms),
    )
    gone += good[: max(0, len(good) - MOST + 1)]
    transaction.remove_duty_links([each.token_hash for each in gone])


@record
class OpenedDuty:
    """What a person's own link leads to."""

    responder: Responder
    standing: Standing
    shifts: Sequence[tuple[int, int]]  # begin and end of the next times on duty or available, Unix ms
    assigned: bool  # to an open incident

    @property
    def may_share(self) -> bool:
        """Whether his position would be kept."""
        return self.standing.reachable or self.assigned


def open_duty(store: Store, duty: Duty, token: str, now_ms: int) -> OpenedDuty | None:
    """Return what a token leads to; None: nothing, or nothing any more. Raises: StoreFailing."""
    found = store.duty_link_of(hash_of(token)) if is_token(token) else None
    if found is None or not is_good(found, now_ms):
        return None
    key = found.responder
    responder, standing = duty.responder(key), duty.standing(key, now_ms)
    if responder is None or standing is None:
        return None
    shifts = duty.upcoming(key, now_ms, now_ms + WEEK_MS)[:_SHOWN_SHIFTS]
    return OpenedDuty(responder, standing, shifts, key in store.assigned_responders())
