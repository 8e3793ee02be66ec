"""A responder's link: random, stored as a hash only, the same for all messages, and over an hour after the incident."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.dispatch.listed_responders import BUDI, WATI
from gateway.fake_ports import ManualClock
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.domain.escalation_state import Assignment, Contact, ContactKind, Escalation, Phase, Progress, Why
from siaga_gateway.domain.incident import IncidentState
from siaga_gateway.domain.local_time import IN_UTC
from siaga_gateway.domain.notification import made
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.response import Response, ResponseState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.addressees import Addressee
from siaga_gateway.service.dispatch.call_messages import CallMessages
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.responder_links import OVER_MS, ResponderLinks, hash_of, open_link
from siaga_gateway.service.dispatch.routing import Router

BASE = "https://petugas.example"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    kept = sample_store.new_store(tmp_path)
    sample_store.with_device(kept)
    sample_store.open_incident(kept)
    with kept.transaction() as transaction:
        transaction.put_responders([BUDI, WATI])
    yield kept
    kept.close()


@pytest.fixture
def links(store: SqlStore) -> ResponderLinks:
    return ResponderLinks(store, BASE + "/", ManualClock(NOW_MS))


def token_of(url: str) -> str:
    start = f"{BASE}/r/"
    assert url.startswith(start)
    return url.removeprefix(start)


def test_a_link_leads_to_its_incident_and_its_token_is_nowhere_in_the_store(
    store: SqlStore, links: ResponderLinks, tmp_path: Path
) -> None:
    token = token_of(links.url(1, "budi"))
    assert len(token) >= 22, "128 bits"
    opened = open_link(store, token, NOW_MS)
    assert opened is not None
    assert (opened.incident.id, opened.who, opened.found.language) == (1, "responder:budi", "en")
    store.close()
    assert token.encode() not in store_path(tmp_path).read_bytes()


def test_each_message_has_the_same_link_each_person_another_and_a_restart_leaves_the_old_one_good(
    store: SqlStore, links: ResponderLinks
) -> None:
    first = links.url(1, "budi")
    assert links.url(1, "budi") == first
    again = ResponderLinks(store, BASE, ManualClock(NOW_MS)).url(1, "budi")
    tokens = [token_of(each) for each in (first, again, links.url(1, "wati"))]
    assert len(set(tokens)) == 3
    opened = [open_link(store, each, NOW_MS) for each in tokens]
    assert [each and each.who for each in opened] == ["responder:budi", "responder:budi", "responder:wati"]


def test_a_link_of_a_transaction_that_failed_is_not_handed_out_again(store: SqlStore, links: ResponderLinks) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction() as transaction:
        lost = links.link_for(transaction, 1, "budi")
        raise ZeroDivisionError
    assert open_link(store, token_of(lost), NOW_MS) is None
    assert open_link(store, token_of(links.url(1, "budi")), NOW_MS) is not None


@pytest.mark.parametrize("token", ["", "x", "0" * 22, "../../../../etc/passwd", "0" * 21 + "é", "A" * 10_000])
def test_any_other_token_leads_nowhere(store: SqlStore, links: ResponderLinks, token: str) -> None:
    links.url(1, "budi")
    assert open_link(store, token, NOW_MS) is None


def test_for_an_hour_it_says_that_it_is_over_and_then_nothing(store: SqlStore, links: ResponderLinks) -> None:
    token = token_of(links.url(1, "budi"))
    with store.transaction() as transaction:
        incident = transaction.incidents([1])[1]
        transaction.put_incident(copied(incident, state=IncidentState.CLOSED, closed_at_ms=NOW_MS))
    over = open_link(store, token, NOW_MS + OVER_MS)
    assert over is not None and over.over
    assert open_link(store, token, NOW_MS + OVER_MS + 1) is None


def test_whoever_leaves_the_list_is_cut_at_once(store: SqlStore, links: ResponderLinks) -> None:
    token = token_of(links.url(1, "budi"))
    with store.transaction() as transaction:
        transaction.remove_responders(["budi"])
    assert open_link(store, token, NOW_MS) is None


def test_it_tells_who_else_comes_what_is_asked_and_that_enough_are_coming(
    store: SqlStore, links: ResponderLinks
) -> None:
    token = token_of(links.url(1, "budi"))
    browser = "b" * 22

    def opened(mine: ResponseState, asked: bool = False) -> tuple[int, bool, bool, bool]:
        assignment = Assignment("responder:budi", Progress.ON_SCENE, 1, NOW_MS, asked=asked)
        with store.transaction() as transaction:
            transaction.put_response(Response(1, "budi", mine, since_ms=NOW_MS, browser_hash=hash_of(browser)))
            before = transaction.escalation(1) or Escalation(1, Phase.CALLING, Why.OPENED, NOW_MS, NOW_MS)
            assert transaction.put_escalation(copied(before, assignments=(assignment,)))
        found = open_link(store, token, NOW_MS)
        assert found is not None and found.is_bound_to(browser) and not found.is_bound_to("c" * 22)
        assert not found.is_bound_to(None)
        return found.others, found.asked, found.thanked, found.over

    assert opened(ResponseState.OPENED) == (0, False, False, False)
    with store.transaction() as transaction:
        transaction.put_response(Response(1, "wati", ResponseState.ACCEPTED, since_ms=NOW_MS))
        contact = Contact(2, ContactKind.NOT_NEEDED, Why.OPENED, 1)
        transaction.add_notifications([made(1, contact, "responder:budi/2", ContactWay.NTFY, 0, None, NOW_MS)])
    assert opened(ResponseState.OPENED) == (1, False, True, False)
    assert opened(ResponseState.ACCEPTED) == (1, False, False, False), "he comes all the same"
    assert opened(ResponseState.ARRIVED, asked=True) == (1, True, False, False)
    with store.transaction() as transaction:
        again = Contact(3, ContactKind.CALL, Why.BACKUP, 2)
        transaction.add_notifications([made(1, again, "responder:budi", ContactWay.NTFY, 0, None, NOW_MS)])
    assert opened(ResponseState.OPENED) == (1, False, False, False), "needed after all"


@pytest.mark.parametrize(
    "wave, after_ms, kind, again",
    [
        (2, 1, ContactKind.CALL, True),
        (2, 0, ContactKind.CALL, True),
        (2, -1, ContactKind.CALL, False),  # called while he was there
        (1, 1, ContactKind.CALL, False),  # the wave that he came with
        (2, 1, ContactKind.NOT_NEEDED, False),
    ],
)
def test_who_has_finished_is_wanted_again_when_a_later_wave_calls_him(
    store: SqlStore, links: ResponderLinks, wave: int, after_ms: int, kind: ContactKind, again: bool
) -> None:
    token = token_of(links.url(1, "budi"))
    finished = Assignment("responder:budi", Progress.FINISHED, 1, NOW_MS)
    with store.transaction() as transaction:
        transaction.put_response(Response(1, "budi", ResponseState.FINISHED, since_ms=NOW_MS))
        before = Escalation(1, Phase.CALLING, Why.OPENED, NOW_MS, NOW_MS)
        assert transaction.put_escalation(copied(before, assignments=(finished,)))
        contact = Contact(3, kind, Why.BACKUP, wave)
        transaction.add_notifications([made(1, contact, "responder:budi", ContactWay.NTFY, 0, None, NOW_MS + after_ms)])
    opened = open_link(store, token, NOW_MS)
    assert opened is not None and opened.again is again
    with store.transaction() as transaction:
        transaction.put_response(Response(1, "budi", ResponseState.ARRIVED, since_ms=NOW_MS))
    opened = open_link(store, token, NOW_MS)
    assert opened is not None and not opened.again, "he is there"


@pytest.mark.parametrize(
    "kind, recipient, steps",
    [
        (ContactKind.CALL, "responder:budi", ["accept", "decline"]),
        (ContactKind.ASK, "responder:budi", ["alive", "backup"]),
        (ContactKind.NOT_NEEDED, "responder:budi", []),
        (ContactKind.CALL, "station:polsek-ne", []),
    ],
)
def test_a_message_to_a_person_has_the_link_and_what_can_be_answered_to_it(
    store: SqlStore, links: ResponderLinks, kind: ContactKind, recipient: str, steps: list[str]
) -> None:
    origins = Origins(store)
    messages = CallMessages(store, Router(store, UTC, 100), origins.of, IN_UTC, ManualClock(NOW_MS), links)
    incident = store.incident(1)
    assert incident is not None
    notification = made(1, Contact(1, kind, Why.OPENED, 1), recipient, ContactWay.NTFY, 0, None, NOW_MS)
    message = messages.message(incident, notification, Addressee("topic", "en", ""))
    assert (message.url is not None) == bool(steps)
    assert [each.url for each in message.answers] == [f"{links.url(1, 'budi')}/{step}" for step in steps]
    assert all(each.label for each in message.answers)
