"""The contract of service/store/responses.py, kept by both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.dispatch.listed_responders import BUDI, PATROL
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation_state import Contact, ContactKind, FactKind, Why, Withdrawal
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.notification import Notification, NotificationState, made
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.response import Response, ResponseState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.store.responses import DutyLink, FoundLink, LastTold, ResponderLink

LINK = ResponderLink("ab" * 32, 1, "budi", NOW_MS)
RESPONSE = Response(1, "budi", ResponseState.ARRIVED, 7, NOW_MS, FactKind.BACKUP, NOW_MS + 1, "cd" * 32)


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """With the open incidents 1 and 2, and two responders."""
    kept = sample_store.new_store(Place(request.param, tmp_path))
    sample_store.with_device(kept)
    assert [sample_store.open_incident(kept, counter).id for counter in (1, 2)] == [1, 2]
    with kept.transaction() as transaction:
        transaction.put_responders([BUDI, PATROL])
        transaction.add_responder_link(LINK)
    yield kept
    kept.close()


def test_a_link_is_found_by_the_hash_of_its_token_with_the_language(store: SqlStore) -> None:
    assert store.responder_link_of(LINK.token_hash) == FoundLink(LINK, "en")
    with store.transaction() as transaction:
        second = copied(LINK, token_hash="ef" * 32)
        transaction.add_responder_link(second)
        assert transaction.responder_link("ef" * 32) == FoundLink(second, "en")
        assert transaction.responder_link("00" * 32) is None
    assert store.responder_link_of(LINK.token_hash) is not None, "the older link goes on"


def test_that_a_link_was_opened_is_kept_once(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.add_responder_link(copied(LINK, token_hash="ef" * 32))
        transaction.add_responder_link(ResponderLink("01" * 32, 1, "patroli-1", NOW_MS))
    assert store.links_opened(1) == {}
    for token, at_ms in (("ef", NOW_MS + 7), ("ab", NOW_MS + 9), ("ef", NOW_MS + 8), ("77", NOW_MS)):
        with store.transaction() as transaction:
            transaction.mark_link_opened(token * 32, at_ms)
    assert store.links_opened(1) == {"budi": NOW_MS + 7} and store.links_opened(2) == {}
    found = store.responder_link_of("ab" * 32)
    assert found is not None and found.link == copied(LINK, opened_ms=NOW_MS + 9)


def test_whoever_leaves_the_list_has_no_link_even_if_another_gets_the_key(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.put_response(RESPONSE)
        transaction.remove_responders(["budi"])
        assert transaction.responder_link(LINK.token_hash) is None
    assert store.responder_link_of(LINK.token_hash) is None
    with store.transaction() as transaction:
        transaction.put_responders([BUDI])
    assert store.responder_link_of(LINK.token_hash) is None
    assert store.responses_of(1) == []


def test_a_person_s_own_links_go_with_him_and_each_field_of_them_comes_back(store: SqlStore) -> None:
    used, unused = DutyLink("12" * 32, "budi", NOW_MS, NOW_MS + 5), DutyLink("34" * 32, "budi", NOW_MS - 1)
    other = DutyLink("56" * 32, "patroli-1", NOW_MS)
    with store.transaction() as transaction:
        for each in (copied(used, used_at_ms=None), used, unused, other):
            transaction.put_duty_link(each)
        assert transaction.duty_link(used.token_hash) == used
        assert transaction.duty_links("budi") == [unused, used]
    assert (store.duty_link_of(unused.token_hash), store.duty_link_of("00" * 32)) == (unused, None)
    assert store.duty_links_of("budi") == [unused, used]
    with store.transaction() as transaction:
        transaction.remove_duty_links([unused.token_hash])
        transaction.remove_duty_links([])
    assert store.duty_links_of("budi") == [used]
    with store.transaction() as transaction:
        transaction.remove_responders(["budi"])
        assert transaction.duty_link(used.token_hash) is None
    with store.transaction() as transaction:
        transaction.put_responders([BUDI])
    assert (store.duty_link_of(used.token_hash), store.duty_link_of(other.token_hash)) == (None, other)


def test_every_field_of_a_response_comes_back_and_the_next_takes_its_place(store: SqlStore) -> None:
    other = Response(1, "a-first", since_ms=NOW_MS)
    with store.transaction() as transaction:
        transaction.put_response(RESPONSE)
        transaction.put_response(other)
        assert transaction.responses(1) == [other, RESPONSE]
    changed = copied(RESPONSE, state=ResponseState.FINISHED, signal=None, minutes=None, browser_hash=None)
    with store.transaction() as transaction:
        transaction.put_response(changed)
    assert store.responses_of(1) == [other, changed]
    assert store.responses_of(2) == []


def test_links_and_responses_are_forgotten_with_the_notifications(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.put_response(RESPONSE)
        transaction.put_response(copied(RESPONSE, incident_id=2))
        closed = copied(transaction.incidents([1])[1], state=IncidentState.CLOSED, closed_at_ms=NOW_MS)
        transaction.put_incident(closed)
    with store.transaction() as transaction:
        transaction.forget_notifications([1, 2], NOW_MS)
    assert store.responses_of(1) == [RESPONSE], "not yet"
    with store.transaction() as transaction:
        assert transaction.forget_notifications([1, 2], NOW_MS + 1) == 2
    assert (store.responses_of(1), store.responder_link_of(LINK.token_hash)) == ([], None)
    assert len(store.responses_of(2)) == 1


def test_the_newest_message_that_was_not_withdrawn_says_whether_somebody_is_needed(store: SqlStore) -> None:
    def told(number: int, recipient: str, kind: ContactKind, incident_id: int = 1) -> Notification:
        contact = Contact(number, kind, Why.OPENED, number)
        notification = made(incident_id, contact, recipient, ContactWay.NTFY, 0, None, NOW_MS + number)
        with store.transaction() as transaction:
            transaction.add_notifications([notification])
        return notification

    def handed_over(notification: Notification) -> None:
        with store.transaction() as transaction:
            transaction.put_notifications([copied(notification, state=NotificationState.HANDED_OVER, next_at_ms=None)])

    assert store.last_told(1, "budi") is None
    handed_over(told(1, "responder:budi", ContactKind.CALL))
    told(2, "responder:budi", ContactKind.NOT_NEEDED, incident_id=2)
    told(3, "responder:budi2", ContactKind.NOT_NEEDED)
    told(4, "responder:budi", ContactKind.ASK)
    assert store.last_told(1, "budi") == LastTold(ContactKind.CALL, 1, NOW_MS + 1)
    handed_over(told(5, "responder:budi/2", ContactKind.NOT_NEEDED))
    assert store.last_told(1, "budi") == LastTold(ContactKind.NOT_NEEDED, 5, NOW_MS + 5)
    assert store.last_told(1, "budi2") == LastTold(ContactKind.NOT_NEEDED, 3, NOW_MS + 3)
    told(10, "responder:budi", ContactKind.CALL)
    assert store.last_told(1, "budi") == LastTold(ContactKind.CALL, 10, NOW_MS + 10), "needed after all"
    with store.transaction() as transaction:
        transaction.withdraw_notifications(1, Withdrawal.ALL)
    assert store.last_told(1, "budi") == LastTold(ContactKind.NOT_NEEDED, 5, NOW_MS + 5)
