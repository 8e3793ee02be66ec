"""Tells people, on the ways that they had before, that a way to them was added or is gone: a stolen link adds none
unseen.

What is to be told stands in the journal. Each kind of way is followed by the worker that sends on it.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder
from siaga_gateway.domain.value import copied, record
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.way_traffic import WayTraffic, by_turn, outcome_of, traffic_of
from siaga_gateway.service.dispatch.ways import TalkingWay, Way
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, JournalEntry, NotDelivered
from siaga_gateway.service.store import Store

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
_KINDS: Final = (journal.WAY_ADDED, journal.WAY_REMOVED)
_SPAN: Final = 10_000  # entries of the journal, of whatever kind, in a turn
_AT_MOST: Final = 5  # messages of a kind in a turn
_TRIES: Final = 5
_PAUSE_MS: Final = 60_000
_SHORT_MS: Final = 250  # a budget that is there again so soon is waited for
_VALID_MS: Final = 7 * 86_400_000


@record
class _Change:
    """What has become of one person's ways."""

    responder: str
    entry: int  # the first that tells of it
    at_ms: int  # its time
    added: tuple[str, ...]
    removed: tuple[str, ...]


@record
class _Waiting:
    change: _Change
    contact: Contact
    tries: int = 0
    next_ms: int = 0


class _Followed:
    """How far the journal was read for one kind of way, and what waits for that way."""

    def __init__(self, read: int) -> None:
        self.read = self.kept = read  # kept: as the store has it
        self.waiting: deque[_Waiting] = deque()

    @property
    def settled(self) -> int:
        """Up to which entry nothing has to be told any more."""
        return min([self.read, *(each.change.entry - 1 for each in self.waiting)])


class WayChanges:
    """`work` is a periodic job, in a thread of its own: a service may take a minute to answer."""

    def __init__(
        self,
        store: Store,
        duty: Duty,
        ways: Sequence[Way],
        clock: Clock,
        local: LocalTime,
        busy: Callable[[], bool] = lambda: False,
        traffic: Mapping[str, WayTraffic] | None = None,
        mine: Callable[[ContactWay], bool] = lambda kind: True,
    ) -> None:
        """duty: knows the people. busy: whether calls for help wait for these services; it may raise StoreFailing.
        traffic: of each way by name, shared with the calls for help. mine: whether this worker is the one that sends on
        a kind of way now."""
        self._store = store
        self._duty = duty
        self._ways: dict[ContactWay, list[Way]] = {}
        for way in ways:
            if not isinstance(way, TalkingWay):  # nobody is rung for it
                self._ways.setdefault(way.kind, []).append(way)
        self._clock = clock
        self._local = local
        self._busy = busy
        self._traffic = traffic or {way.name: traffic_of(way) for way in ways}
        self._mine = mine
        self._followed: dict[ContactWay, _Followed] = {}

    def work(self) -> None:
        """Tell some of what is to be told. Raises: StoreFailing, PersonalKeyError."""
        for kind in self._ways:
            if not self._mine(kind):
                self._followed.pop(kind, None)  # whoever sends on it now goes on from what the store has
            else:
                self._follow(kind)

    def _follow(self, kind: ContactWay) -> None:
        followed = self._followed.get(kind)
        if followed is None:
            followed = self._followed[kind] = _Followed(self._begin(kind))
        if not followed.waiting:
            self._read(kind, followed)
        told = 0 if self._busy() else self._send_some(kind, followed.waiting)
        settled = followed.settled
        if settled > followed.kept and (told or settled - followed.kept >= _SPAN):
            self._keep(kind, settled)
            followed.kept = settled

    def _begin(self, kind: ContactWay) -> int:
        """Return how far the journal was read; where it never was, from now on."""
        last, kept = self._store.last_journal_id(), self._store.remembered(_remembered_as(kind)) or ""
        if kept.isdecimal():
            return min(int(kept), last)
        self._keep(kind, last)
        return last

    def _keep(self, kind: ContactWay, entry: int) -> None:
        with self._store.transaction() as transaction:
            transaction.remember(_remembered_as(kind), str(entry))

    def _read(self, kind: ContactWay, followed: _Followed) -> None:
        until = min(self._store.last_journal_id(), followed.read + _SPAN)
        entries = self._store.journal_of_kinds(_KINDS, followed.read, until) if until > followed.read else ()
        for change in _changes(entries):
            if (person := self._duty.responder(change.responder)) is not None:
                followed.waiting += [_Waiting(change, each) for each in _had(person, kind, change.at_ms)]
        followed.read = until

    def _send_some(self, kind: ContactWay, waiting: deque[_Waiting]) -> int:
        """Return of how many messages it is known what became of them."""
        ways, ended = self._ways[kind], 0
        # Half of what the service takes is left for those who call for help.
        interval_ms = max(way.budget.interval_ms for way in ways)
        for _ in range(min(_AT_MOST, len(waiting), max(1, round(EVERY_S * 500) // max(1, interval_ms)))):
            each = waiting.popleft()
            mono_ms = round(time.monotonic() * 1000)
            way = next(iter(by_turn(ways, self._traffic, each.tries, mono_ms)), ways[0])
            traffic, who = self._traffic[way.name], f"{RESPONDER}{each.change.responder}"
            wait_ms = traffic.wait_ms(who, mono_ms, first=False)
            early = 0 < each.next_ms - self._clock.now_ms() <= _PAUSE_MS
            if early or not traffic.takes(mono_ms) or wait_ms > _SHORT_MS:
                waiting.append(each)
                continue
            time.sleep(wait_ms / 1000)
            traffic.begun(who, mono_ms + wait_ms)
            again = self._send(way, traffic, each)
            if again is None:
                ended += 1
            else:
                waiting.append(again)
        return ended

    def _send(self, way: Way, traffic: WayTraffic, each: _Waiting) -> _Waiting | None:
        """Return what is to be tried again; None: it is over."""
        change, now_ms = each.change, self._clock.now_ms()
        person = self._duty.responder(change.responder)
        if person is None or all(each.contact != one.contact for one in person.ways):
            return None  # he has left, or this way has
        key = f"ways.{change.responder}.{way.kind.value}.{change.entry}"
        outcome = way.send(each.contact.address, self._message(change, person.language, now_ms), key)
        traffic.ended(f"{RESPONDER}{change.responder}", round(time.monotonic() * 1000), outcome_of(outcome))
        if not isinstance(outcome, NotDelivered):
            return None
        if outcome.permanent or each.tries + 1 >= _TRIES:
            log.warning(
                Localized(
                    "log.responders.change_untold",
                    responder=change.responder,
                    way=way.kind.value,
                    why=outcome.detail,
                )
            )
            return None
        return copied(each, tries=each.tries + 1, next_ms=now_ms + _PAUSE_MS)

    def _message(self, change: _Change, language: str, now_ms: int) -> PersonalMessage:
        def say(name: str, **values: object) -> str:
            return text(f"dispatch.way_change.{name}", language, **values)

        lines = [
            say(name, ways=", ".join(_named(way, language) for way in ways))
            for name, ways in (("added", change.added), ("removed", change.removed))
            if ways
        ]
        lines += [say("how"), say("at", at=self._local.clock(change.at_ms, now_ms))]  # a short message drops the last
        return PersonalMessage(
            title=say("title"),
            text="\n".join(lines),
            url=None,
            urgent=False,
            expires_ms=now_ms + _VALID_MS,
            language=language,
        )


def _changes(entries: Iterable[JournalEntry]) -> Iterator[_Change]:
    """Yield what has become of each person's ways: one message tells all of it."""
    of_each: dict[str, list[JournalEntry]] = {}
    for entry in entries:
        of_each.setdefault(str(entry.facts.get("responder")), []).append(entry)
    for responder, mine in of_each.items():
        added, removed = (
            tuple(dict.fromkeys(str(each.facts.get("way")) for each in mine if each.kind == kind)) for kind in _KINDS
        )
        yield _Change(responder, mine[0].id, min(each.at_ms for each in mine), added, removed)


def _had(person: Responder, kind: ContactWay, at_ms: int) -> list[Contact]:
    """Return the ways of a kind that were proven before: whoever added one is not asked whether it is right."""
    return [
        way.contact
        for way in person.ways
        if way.contact.way is kind and way.proven_ms is not None and way.proven_ms < at_ms
    ]


def _named(way: str, language: str) -> str:
    return text("dispatch.way_change.browser" if way == ContactWay.PUSH else f"console.contact_way.{way}", language)


def _remembered_as(kind: ContactWay) -> str:
    return f"way_changes_told.{kind}"
