"""A desk writes to those who were sent or called, and to the holder where that is allowed: once, and sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from databases import ENGINES, Place
from gateway import sample_store
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.sample_store import NOW_MS
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation_state import Contact as Promise
from siaga_gateway.domain.escalation_state import ContactKind, Why, Withdrawal
from siaga_gateway.domain.notification import Notification, NotificationState, made
from siaga_gateway.domain.operator_message import (
    FIRST_NUMBER,
    LONGEST_MESSAGE,
    MOST_A_MINUTE,
    DeskMessage,
    MessageOptions,
    built_in_templates,
)
from siaga_gateway.domain.places import Contact, ContactWay, Station, StationKind
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperateError
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.registry.subject_access import held_about

WAYS = frozenset({ContactWay.TELEGRAM, ContactWay.SMS, ContactWay.NTFY, ContactWay.PHONE})
STATION = Station(
    "polsek-a", StationKind.POLSEK, "Polsek Contoh", -53800000, 1052600000, contacts=(Contact(ContactWay.NTFY, "a"),)
)
BUDI = Responder(
    "budi",
    ResponderKind.OFFICER,
    "Aipda Budi Contoh",
    ways=tuple(
        ProvenWay(Contact(way, address), 1)
        for way, address in (
            (ContactWay.PHONE, "+620000000041"),
            (ContactWay.TELEGRAM, "41"),
            (ContactWay.SMS, "+620000000041"),
        )
    ),
)
UNIT, HOLDER = "unit:Sabhara 12", "holder:1"
KEY = "form-key-1"


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """With the open incident 1, of which a station and an officer were called."""
    kept = sample_store.new_store(Place(request.param, tmp_path))
    sample_store.with_device(kept)
    sample_store.open_incident(kept)
    with kept.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations([STATION])
        transaction.change_responders()
        transaction.put_responders([BUDI])
        call = Promise(1, ContactKind.CALL, Why.OPENED, 1, "stations")
        told = [
            copied(made(1, call, to, way, 0, None, NOW_MS), state=NotificationState.HANDED_OVER, next_at_ms=None)
            for to, way in (("station:polsek-a", ContactWay.NTFY), ("responder:budi", ContactWay.PHONE))
        ]
        transaction.add_notifications(told)
    yield kept
    kept.close()


class Desk:
    def __init__(self, store: SqlStore, *, holder_sms: bool = True) -> None:
        self.store, self.clock = store, ManualClock(NOW_MS + 5_000)
        keyring = KeyRing(store, sample_store.GATEWAY_KEY)
        options = MessageOptions(WAYS, holder_sms, built_in_templates())
        self.operate = IncidentActions(
            store, keyring, SentAnswers(), JournalNotifier(), self.clock, outputs=(), messages=options
        )

    def send(self, *to: str, text: str = "", template: str = "", key: str = KEY, **more: Any) -> None:
        self.operate.send_message(1, "Siti", list(to), text, template, key, **more)

    def refused(self, *to: str, **more: Any) -> str:
        with pytest.raises(OperateError) as refused:
            self.send(*to, **more)
        assert all(refused.value.say(language) for language in ("id", "en"))
        return refused.value.key.removeprefix("operate.")

    def rows(self) -> list[Notification]:
        return [each for each in self.store.notifications_of(1) if each.kind is ContactKind.MESSAGE]


def test_it_goes_by_each_readers_own_ways_and_is_kept_sealed(store: SqlStore) -> None:
    desk = Desk(store)
    desk.operate.seen(1, "Siti")
    desk.operate.assign(1, "Siti", "Sabhara 12", 5)
    desk.send("responder:budi", "station:polsek-a", UNIT, template="no_siren", text="Lewat  gang belakang.")
    (message,) = store.desk_messages_of(1)
    assert message.text("id") == "Datang tanpa sirene dan lampu. Lewat gang belakang."
    assert message.text("en") == "Come without siren and lights. Lewat gang belakang."
    assert (message.number, message.made_by) == (FIRST_NUMBER, "Siti")
    assert "belakang" not in str(store.fetch("SELECT * FROM desk_message"))
    rows = {(each.recipient, str(each.way), str(each.state)) for each in desk.rows()}
    assert rows == {
        ("responder:budi", "telegram", "pending"),
        ("responder:budi", "sms", "pending"),
        ("station:polsek-a", "ntfy", "pending"),
        (UNIT, "radio", "by_hand"),
    }
    (noted,) = [each for each in store.journal_of_incident(1) if each.kind == journal.MESSAGE_SENT]
    assert set(str(noted.facts["to"]).split(", ")) == {"responder:budi", "station:polsek-a", UNIT}
    assert noted.facts["by_hand"] == 1 and "belakang" not in str(dict(noted.facts))


def test_a_form_that_is_sent_twice_is_one_message_and_another_text_under_its_key_none(store: SqlStore) -> None:
    desk = Desk(store)
    for _ in range(2):
        desk.send("station:polsek-a", text="Tunggu")
    assert len(store.desk_messages_of(1)) == 1 and len(desk.rows()) == 1
    assert desk.refused("station:polsek-a", text="Lain") == "message_other"
    desk.send("station:polsek-a", text="Lain", key="form-key-2")
    assert len(desk.rows()) == 2, "the first one still waits, and does not stand for the second"


def test_the_same_text_to_others_under_its_key_is_another_message(store: SqlStore) -> None:
    desk = Desk(store)
    desk.send("station:polsek-a", text="Tunggu")
    assert desk.refused("responder:budi", text="Tunggu") == "message_other"
    assert desk.refused("station:polsek-a", "responder:budi", text="Tunggu") == "message_other"
    assert len(desk.rows()) == 1


def test_a_form_that_comes_again_after_its_reader_has_gone_is_told_as_sent(store: SqlStore) -> None:
    desk = Desk(store)
    desk.operate.seen(1, "Siti")
    desk.operate.assign(1, "Siti", "Sabhara 12", 5)
    desk.send(UNIT, text="Tunggu")
    desk.operate.stand_down(1, "Siti", "Sabhara 12")
    desk.send(UNIT, text="Tunggu")
    assert len(store.desk_messages_of(1)) == 1
    assert desk.refused(UNIT, text="Lagi", key="form-key-2") == "message_nobody"


def test_an_officer_sent_under_his_name_is_written_to_by_his_own_ways(store: SqlStore) -> None:
    desk = Desk(store)
    desk.operate.seen(1, "Siti")
    desk.operate.assign(1, "Siti", BUDI.name, 5)
    desk.send("responder:budi", text="Tunggu")
    assert {str(each.way) for each in desk.rows()} == {"telegram", "sms"}
    assert desk.refused(f"unit:{BUDI.name}", text="Lain", key="form-key-2") == "message_nobody", "he is there once"


def test_nobody_else_is_written_to(store: SqlStore) -> None:
    desk = Desk(store)
    for to in (["station:polsek-b"], ["responder:wati"], ["+620000000001"], [], ["station:polsek-a", "responder:x"]):
        assert desk.refused(*to, text="Halo") == "message_nobody"
    assert Desk(store, holder_sms=False).refused(HOLDER, text="Halo") == "message_nobody"
    assert not store.desk_messages_of(1) and not desk.rows()


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ({"text": "  "}, "message_empty"),
        ({"text": "x" * (LONGEST_MESSAGE + 1)}, "message_long"),
        ({"template": "no_such"}, "message_template"),
        ({"text": "x", "key": "short"}, "message_key"),
        ({"text": "x", "key": "k" * 41}, "message_key"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_name(store: SqlStore, typed: dict[str, Any], key: str) -> None:
    assert Desk(store).refused("station:polsek-a", **typed) == key
    assert not store.desk_messages_of(1)


def test_there_are_a_few_in_a_minute_and_none_after_the_closing(store: SqlStore) -> None:
    desk = Desk(store)
    for number in range(MOST_A_MINUTE):
        desk.send("station:polsek-a", text="Tunggu", key=f"form-key-{number}")
    assert desk.refused("station:polsek-a", text="Tunggu", key="form-key-x") == "message_often"
    desk.clock.at_ms += 61_000
    desk.send("station:polsek-a", text="Tunggu", key="form-key-x")
    desk.operate.seen(1, "Siti")
    desk.operate.close(1, "Siti", "verified", "")
    assert desk.refused("station:polsek-a", text="Tunggu", key="form-key-y") == "closed"


@pytest.mark.parametrize("mark", ["silent", "duress"])
def test_the_holder_is_written_to_alone_and_not_by_reflex_where_it_may_betray_him(store: SqlStore, mark: str) -> None:
    desk = Desk(store)
    assert desk.refused(HOLDER, "station:polsek-a", template="coming") == "message_both"
    desk.send(HOLDER, template="coming")
    assert [(each.recipient, each.way) for each in desk.rows()] == [(HOLDER, ContactWay.SMS)]
    with store.transaction() as transaction:
        transaction.put_incident(copied(transaction.incidents([1])[1], **{mark: True}))  # type: ignore[arg-type]
    assert desk.refused(HOLDER, template="coming", key="form-key-2") == "message_betrays"
    assert len(desk.rows()) == 1
    desk.send(HOLDER, template="coming", key="form-key-2", sure=True)
    assert len(desk.rows()) == 2
    noted = [each.facts["to"] for each in store.journal_of_incident(1) if each.kind == journal.MESSAGE_SENT]
    assert noted == ["holder", "holder"], "the journal names no person"


def test_an_acknowledged_ladder_takes_no_message_back_and_it_waits_behind_first_calls(store: SqlStore) -> None:
    desk = Desk(store)
    desk.send("station:polsek-a", text="Tunggu")
    call = Promise(2, ContactKind.CALL, Why.OPENED, 1, "stations")
    with store.transaction() as transaction:
        transaction.add_notifications([made(1, call, "station:polsek-b", ContactWay.NTFY, 0, None, NOW_MS + 6_000)])
    due = store.notifications_due(ContactWay.NTFY, NOW_MS + 7_000)
    assert [each.kind for each in due] == [ContactKind.CALL, ContactKind.MESSAGE]
    with store.transaction() as transaction:
        assert transaction.withdraw_notifications(1, Withdrawal.ALL) == 1
    assert [each.state for each in desk.rows()] == [NotificationState.PENDING]


def test_what_was_written_to_the_holder_is_in_the_copy_of_his_data(store: SqlStore) -> None:
    desk = Desk(store)
    desk.send("station:polsek-a", text="Tunggu", key="form-0001")
    desk.send("holder:1", text="Tetap di dalam", key="form-0002")
    (incident,) = held_about(store, store.owner(1))["incidents"]  # type: ignore[arg-type]
    assert [(each["by"], each["text"]) for each in incident["messages"]] == [("Siti", "Tetap di dalam")]


def test_it_goes_with_the_calls_and_with_the_owner_also_where_an_older_gateway_left_it(
    store: SqlStore, tmp_path: Path
) -> None:
    desk = Desk(store)
    desk.send("station:polsek-a", text="Tunggu")
    assert store.sealing.has(KeyFile(tmp_path / FILE_NAME).add().id)
    store.reseal()
    assert [each.text("id") for each in store.desk_messages_of(1)] == ["Tunggu"]
    with store.engine.transaction() as session:
        session.run("UPDATE owner SET erased_at_ms = 1 WHERE id = 1")
    assert store.left_of_erased(10)[1]
    with store.transaction() as transaction:
        assert transaction.forget_left([], 10) == 1
    assert store.desk_messages_of(1) == [] and not store.left_of_erased(10)[1]
    with store.engine.transaction() as session:
        session.run("UPDATE owner SET erased_at_ms = NULL WHERE id = 1")
    for forget in _FORGETS:
        with store.transaction() as transaction:
            transaction.add_desk_message(DeskMessage(1, FIRST_NUMBER, KEY, "Tunggu", "Wait", NOW_MS, "Siti"))
        assert len(store.desk_messages_of(1)) == 1
        forget(store)
        assert store.desk_messages_of(1) == []


def _erase(store: SqlStore) -> None:
    with store.transaction() as transaction:
        transaction.erase_owner(1, NOW_MS)


def _expire(store: SqlStore) -> None:
    with store.engine.transaction() as session:
        session.run("UPDATE incident SET state = 'closed', closed_at_ms = 5 WHERE id = 1")
    assert 1 in store.incidents_told_of(0, 10)
    with store.transaction() as transaction:
        transaction.forget_notifications([1], 6)
    with store.engine.transaction() as session:
        session.run("UPDATE incident SET state = 'open', closed_at_ms = NULL WHERE id = 1")
        session.run("UPDATE owner SET erased_at_ms = NULL WHERE id = 1")


_FORGETS: tuple[Callable[[SqlStore], None], ...] = (_expire, _erase)
