"""Whoever has ways is told on those that he had, once, that one was added or is gone; calls for help go first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway import sample_store
from gateway.dispatch.listed_responders import NOW_MS, chat
from gateway.dispatch.test_push_devices import CHECKED, browser
from gateway.fake_ports import ManualClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.formats.responder_csv import responder_rows
from siaga_gateway.formats.sms_notice import sms_text
from siaga_gateway.formats.spreadsheet_csv import sheet
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.push_devices import PushDevices
from siaga_gateway.service.dispatch.responder_lists import take_responders
from siaga_gateway.service.dispatch.way_changes import WayChanges
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import NotDelivered

WIB = ZoneInfo("Asia/Jakarta")
OLD = NOW_MS - 10**9


class Told:
    """A way that keeps what it was given, and answers what it is told to."""

    at_once = 1
    repeats_recognised = False
    budget = Budget()

    def __init__(self, kind: ContactWay = ContactWay.TELEGRAM) -> None:
        self.name, self.kind = kind.value, kind
        self.sent: list[tuple[str, PersonalMessage, str]] = []
        self.answers: list[HandedOver | NotDelivered] = []

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        self.sent.append((address, message, key))
        return self.answers.pop(0) if self.answers else HandedOver("taken")

    def close(self) -> None: ...


class Worker:
    def __init__(self, store: SqlStore, way: Told) -> None:
        self.clock, self.busy, self.mine = ManualClock(NOW_MS), False, True
        self.way = way
        self.work = WayChanges(
            store, Duty(store, WIB), [way], self.clock, LocalTime(WIB), lambda: self.busy, mine=lambda kind: self.mine
        ).work


def person(key: str, number: int) -> Responder:
    ways = (ProvenWay(chat(number), OLD), ProvenWay(Contact(ContactWay.SMS, f"+62812000000{number:02d}"), OLD))
    return Responder(key, ResponderKind.OFFICER, "Contoh", language="en", ways=ways)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = sample_store.new_store(tmp_path)
    with made.transaction() as transaction:
        transaction.put_responders([person("budi", 1), person("wati", 2)])
    yield made
    made.close()


def added(store: SqlStore, *keys: str) -> None:
    devices = PushDevices(store, ManualClock(NOW_MS), CHECKED, "key")
    for number, key in enumerate(keys):
        devices.add(key, browser(number))


def test_a_browser_that_was_added_is_told_on_the_ways_from_before_once(store: SqlStore) -> None:
    workers = [Worker(store, Told(kind)) for kind in (ContactWay.TELEGRAM, ContactWay.SMS, ContactWay.PUSH)]
    for each in workers:
        each.work()
    added(store, "budi")
    for _ in range(3):
        for each in workers:
            each.work()
    chats, texts, browsers = (each.way.sent for each in workers)
    ((to, message, key),) = chats
    assert to == chat(1).address and key.startswith("ways.budi.telegram.") and len(texts) == 1
    assert "messages to a browser" in message.text and "00:20:00 WIB" in message.text
    assert (message.url, message.language) == (None, "en")
    assert "tell your command centre" in sms_text(message), "it fits into one text message"
    assert not browsers, "whoever added it is not asked"


def test_it_is_told_after_a_restart_too_and_not_again(store: SqlStore) -> None:
    Worker(store, Told()).work()
    added(store, "budi")
    with store.transaction() as transaction:  # proven since, by whoever added it
        there = transaction.responder("budi")
        assert there is not None
        proven = [copied(way, proven_ms=NOW_MS + 5) if way.proven_ms is None else way for way in there.ways]
        transaction.put_responders([copied(there, ways=tuple(proven))])
    for told in (1, 0):
        worker = Worker(store, Told())
        worker.work()
        assert len(worker.way.sent) == told


def test_what_was_before_the_first_start_is_not_told(store: SqlStore) -> None:
    added(store, "budi")
    worker = Worker(store, Told())
    worker.work()
    added(store, "budi", "wati")
    worker.work()
    assert [each[0] for each in worker.way.sent] == [chat(2).address]


def test_a_list_that_changes_a_way_is_told_and_one_that_adds_people_is_not(store: SqlStore) -> None:
    worker = Worker(store, Told())
    worker.work()
    lines = "key;name;telegram;sms\nbudi;Contoh;100000001;+6281200000099\nwati;Contoh;100000002;+6281200000002\n"
    taken = take_responders(
        store, ManualClock(NOW_MS), responder_rows(sheet(f"{lines}joko;Contoh;100000003;\n".encode())), actor="Dewi"
    )
    assert not taken.faults
    entries = [(each.kind, each.facts["way"]) for each in store.journal_after(0) if "way" in each.facts]
    assert entries == [(journal.WAY_ADDED, "sms"), (journal.WAY_REMOVED, "sms")]
    worker.work()
    ((to, message, _),) = worker.way.sent
    assert to == chat(1).address and "added: text message\nremoved: text message" in message.text
    assert "tell your command centre" in sms_text(message)


def test_calls_go_first_and_a_bad_moment_is_waited_out(store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker(store, Told())
    worker.work()
    added(store, "budi", "wati")
    worker.busy = True
    worker.work()
    assert not worker.way.sent
    worker.busy = False
    worker.way.answers = [NotDelivered("no answer"), NotDelivered("blocked", permanent=True)]
    worker.work()
    worker.work()
    assert len(worker.way.sent) == 2 and "blocked" in caplog.text and "wati" in caplog.text
    fresh = Worker(store, Told())
    fresh.work()
    assert chat(1).address in [each[0] for each in fresh.way.sent], (
        "what waited when the gateway ended is told by the next"
    )
    worker.clock.at_ms += 60_000
    worker.work()
    assert worker.way.sent[2][::2] == worker.way.sent[0][::2]


def test_a_way_is_followed_by_the_worker_that_sends_on_it(store: SqlStore) -> None:
    first, second = Worker(store, Told()), Worker(store, Told())
    first.work()
    first.mine = False
    added(store, "budi")
    first.work()
    second.work()
    assert (len(first.way.sent), len(second.way.sent)) == (0, 1)
    second.mine, first.mine = False, True
    first.work()
    assert not first.way.sent


def test_nobody_is_told_who_has_left_nor_on_a_way_that_is_gone(store: SqlStore) -> None:
    worker = Worker(store, Told())
    worker.work()
    added(store, "budi", "wati")
    worker.busy = True
    worker.work()
    with store.transaction() as transaction:
        transaction.change_responders()
        transaction.remove_responders(["budi"])
        transaction.put_responders([copied(person("wati", 3), language="id")])
    worker.busy = False
    worker.work()
    assert not worker.way.sent
