"""Whose message a report is about follows the lists of stations and people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import sample_store
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation_state import Contact as Call
from siaga_gateway.domain.escalation_state import ContactKind, Why
from siaga_gateway.domain.notification import NotificationState, made
from siaga_gateway.domain.places import Contact, ContactWay, Station, StationKind
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.text_receipts import TextReceipts

FIRST, SECOND, DESK = (f"+628120000000{each}" for each in (1, 2, 3))


def sms(number: str) -> Contact:
    return Contact(ContactWay.SMS, number)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    kept = sample_store.new_store(tmp_path)
    sample_store.with_device(kept)
    sample_store.open_incident(kept)
    polsek = Station("polsek-a", StationKind.POLSEK, "Polsek Contoh", -54_000_000, 1_052_000_000, contacts=(sms(DESK),))
    budi = Responder(
        "budi", ResponderKind.OFFICER, "Contoh", ways=tuple(ProvenWay(sms(each), NOW_MS) for each in (FIRST, SECOND))
    )
    sent = [
        made(1, Call(1, ContactKind.CALL, Why.OPENED, 1), recipient, ContactWay.SMS, 0, None, NOW_MS)
        for recipient in ("responder:budi", "responder:budi/2", "station:polsek-a")
    ]
    with kept.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations([polsek])
        transaction.change_responders()
        transaction.put_responders([budi])
        transaction.add_notifications(sent)
    with kept.transaction() as transaction:
        transaction.put_notifications(
            [copied(each, state=NotificationState.HANDED_OVER, attempts=1, attempted_ms=NOW_MS) for each in sent]
        )
    yield kept
    kept.close()


def arrived(store: SqlStore) -> set[str]:
    return {each.recipient for each in store.notifications_of(1) if each.delivered_ms is not None}


def test_a_report_long_after_a_call_s_text_is_that_of_another_message(store: SqlStore) -> None:
    receipts = TextReceipts(store)
    receipts.note(FIRST, NOW_MS + 15 * 60_000)
    assert arrived(store) == set()
    receipts.note(FIRST, NOW_MS + 15 * 60_000 - 1)
    assert arrived(store) == {"responder:budi"}


def test_each_number_is_an_address_of_its_own(store: SqlStore) -> None:
    receipts = TextReceipts(store)
    receipts.note("+6281299999999", NOW_MS + 1)
    assert arrived(store) == set()
    receipts.note(SECOND, NOW_MS + 1)
    assert arrived(store) == {"responder:budi/2"}
    receipts.note(DESK, NOW_MS + 1)
    assert arrived(store) == {"responder:budi/2", "station:polsek-a"}
    with store.transaction() as transaction:
        transaction.change_responders()
        transaction.remove_responders(["budi"])
    receipts.note(FIRST, NOW_MS + 1)
    assert arrived(store) == {"responder:budi/2", "station:polsek-a"}, "whoever has left is nobody"


def test_a_report_of_the_holders_telephone_is_that_of_what_a_desk_wrote_to_him(store: SqlStore) -> None:
    row = made(1, Call(1_000_000, ContactKind.MESSAGE, Why.OPENED, 0), "holder:1", ContactWay.SMS, 0, None, NOW_MS)
    with store.transaction() as transaction:
        transaction.add_notifications([row])
        transaction.put_notifications(
            [copied(row, state=NotificationState.HANDED_OVER, attempts=1, attempted_ms=NOW_MS)]
        )
    TextReceipts(store).note(sample_store.owner().phone, NOW_MS + 1_000)
    assert arrived(store) == {"holder:1"}
