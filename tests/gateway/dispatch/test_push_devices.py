"""Browsers as ways to a person: added by himself, proven by a code that came through the push, removed when gone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway import sample_store
from gateway.dispatch.listed_responders import BUDI, NOW_MS, PATROL
from gateway.fake_ports import ManualClock
from gateway.outputs.http_receiver import Receiver, answer, in_turn
from gateway.outputs.receiver_certificates import Authority
from gateway.ways.http_places import origin
from gateway.ways.sample_messages import alarm
from gateway.ways.test_http_way import address, push_way
from gateway.ways.test_web_push import read_by_browser
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.ways import checked_subscription
from siaga_gateway.config.ways import PushSettings
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_links import DutyLinks
from siaga_gateway.service.dispatch.push_devices import LATER_MS, MOST, PushDevices, WatchedPush, endpoint
from siaga_gateway.service.dispatch.responder_lists import ResponderError
from siaga_gateway.service.dispatch.way_codes import WayCodes
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.dispatch.ways import HandedOver, Way
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import NotDelivered, ResponderRefused

WIB = ZoneInfo("Asia/Jakarta")
CHECKED = checked_subscription(
    PushSettings(
        name="push", kind="push", vapid_key=Path("v.pem"), contact="mailto:a@b.example", servers=["*.push.example"]
    )
)


class Devices:
    def __init__(self, folder: Path) -> None:
        self.store: SqlStore = sample_store.new_store(folder)
        with self.store.transaction() as transaction:
            transaction.put_responders([BUDI, PATROL])
        self.clock = ManualClock(NOW_MS)
        self.push = PushDevices(self.store, self.clock, CHECKED, "key")

    def of(self, key: str = "budi") -> list[str]:
        """The ends of the endpoints of somebody's browsers."""
        ways = next(each for each in self.store.responders() if each.key == key).ways
        return [endpoint(way.contact)[-1] for way in ways if way.contact.way is ContactWay.PUSH]

    def told(self, kind: str) -> list[dict[str, object]]:
        return [dict(one.facts) for one in self.store.journal_after(0) if one.kind == kind]


@pytest.fixture
def devices(tmp_path: Path) -> Iterator[Devices]:
    made = Devices(tmp_path)
    yield made
    made.store.close()


def browser(number: int) -> str:
    return address(f"https://a.push.example/{number}")


def watched(way: Way, devices: PushDevices) -> WatchedPush:
    return WatchedPush(way, devices.gone, devices.taken)


def test_a_few_browsers_of_one_person_each_once_and_the_others_ways_stay(devices: Devices) -> None:
    devices.push.add("budi", browser(1))
    devices.push.add("budi", browser(1).replace(", ", " ,\n "))
    assert devices.of() == ["1"], "the same, however it is written"
    for number in range(2, MOST + 2):
        devices.push.add("budi", browser(number))
    assert devices.of() == ["2", "3", "4", "5", "6"]
    ways = devices.store.responders()[0].ways
    assert ways[MOST:] == BUDI.ways and not any(way.proven for way in ways[:MOST])
    devices.push.remove("budi", "https://a.push.example/4")
    devices.push.remove("budi", "https://a.push.example/99")
    assert devices.of() == ["2", "3", "5", "6"]
    assert len(devices.told(journal.WAY_ADDED)) == MOST + 1
    assert devices.told(journal.WAY_REMOVED) == [{"responder": "budi", "way": "push"}] * 2, "one gave way"
    with pytest.raises(ResponderError):
        devices.push.add("nobody", browser(1))


def test_whose_link_was_voided_meanwhile_adds_no_browser(devices: Devices) -> None:
    links = DutyLinks(devices.store, "https://petugas.example", devices.clock)
    stolen, mine = (links.make("budi").rpartition("/")[2] for _ in range(2))
    links.used(stolen)
    links.renew(mine)
    with pytest.raises(ResponderRefused, match="nowhere"):
        devices.push.add("budi", browser(1), lambda transaction: links.check(transaction, stolen))
    assert devices.of() == []


@pytest.mark.parametrize(
    "given",
    [
        "",
        "{}",
        "[" * 5_000,
        address("http://a.push.example/x"),
        address("https://169.254.169.254/x"),
        address("https://a.push.example/" + "x" * 1_000),
        json.dumps({"endpoint": "https://a.push.example/x", "keys": {"p256dh": "AAAA", "auth": "AAAA"}}),
    ],
)
def test_what_is_no_subscription_of_a_known_service_is_refused(devices: Devices, given: str) -> None:
    with pytest.raises(ResponderRefused, match="not set up"):
        devices.push.add("budi", given)
    assert devices.of() == []


def test_one_that_is_gone_keeps_its_place_for_a_while_and_one_that_came_back_stays(devices: Devices) -> None:
    for number in (1, 2, 3):
        devices.push.add("budi", browser(number))
    for number in (1, 2):
        devices.push.gone(CHECKED(browser(number)))
    devices.push.work()
    assert devices.of() == ["1", "2", "3"], "messages to the others are numbered by it"
    devices.push.add("budi", browser(2))
    devices.clock.at_ms += LATER_MS
    devices.push.work()
    assert devices.of() == ["2", "3"]
    devices.push.work()
    assert len(devices.told(journal.WAY_REMOVED)) == 1


def test_one_that_takes_a_message_again_is_not_gone(devices: Devices, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    with Receiver(tls=authority.server("127.0.0.1")) as receiver:
        receiver.behaviour = in_turn(answer(404), answer(201), answer(503), answer(410))
        way = watched(push_way(receiver, authority.file), devices.push)
        subscription = address(f"{origin(receiver)}/send/1")
        with devices.store.transaction() as transaction:
            transaction.change_responders()
            transaction.put_responders([copied(BUDI, ways=(ProvenWay(Contact(ContactWay.PUSH, subscription)),))])
        first, second = (way.send(subscription, alarm(), key) for key in ("k1", "k2"))
        assert isinstance(first, NotDelivered) and first.permanent and isinstance(second, HandedOver)
        devices.clock.at_ms += LATER_MS
        devices.push.work()
        assert devices.of() == ["1"]
        for key in ("k3", "k4"):
            way.send(subscription, alarm(), key)
        devices.clock.at_ms += LATER_MS
        devices.push.work()
        assert devices.of() == [], "and one that is gone after all is removed"
        way.close()


def test_the_code_comes_through_the_push_proves_it_and_a_browser_that_is_gone_is_removed(tmp_path: Path) -> None:
    devices, authority = Devices(tmp_path), Authority(tmp_path, "authority")
    with Receiver(tls=authority.server("127.0.0.1")) as receiver:
        receiver.behaviour = in_turn(answer(201), answer(410))
        way = watched(push_way(receiver, authority.file), devices.push)
        with devices.store.transaction() as transaction:
            transaction.change_responders()
            transaction.put_responders([copied(BUDI, ways=())])
        checked = checked_subscription(
            PushSettings(
                name="push",
                kind="push",
                vapid_key=Path("v.pem"),
                contact="mailto:a@b.example",
                servers=[origin(receiver)],
            )
        )
        PushDevices(devices.store, devices.clock, checked, "key").add("budi", address(f"{origin(receiver)}/send/1"))
        duty = Duty(devices.store, WIB)
        questions = WayQuestions(devices.store, devices.clock, duty)
        codes = WayCodes(questions, [way], devices.clock, LocalTime(WIB))
        codes.work()
        told = json.loads(read_by_browser(receiver.requests[0].body))
        (code,) = re.findall(r"\b\d{6}\b", told["title"])
        assert [each.key for each in duty.everyone(NOW_MS)] == ["patroli-1"], "it counts once it was answered"
        questions.answer("budi", code)
        budi = next(each for each in duty.everyone(NOW_MS) if each.key == "budi")
        (contact,) = budi.ways
        assert contact.way is ContactWay.PUSH
        devices.clock.at_ms += 31 * 86_400_000
        codes.work()
        devices.clock.at_ms += LATER_MS
        devices.push.work()
        assert devices.of() == []
        way.close()
    devices.store.close()
