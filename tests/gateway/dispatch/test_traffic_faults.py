"""Calls by a way that fails, or whose quota is used up: another way has its messages, and somebody is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from gateway.dispatch.called_district import CalledDistrict
from gateway.dispatch.told_way import ToldWay
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.notification import NotificationState, Outcome
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.notification_sender import NotificationSender
from siaga_gateway.service.dispatch.traffic_faults import told_faults
from siaga_gateway.service.dispatch.ways import PersonalMessage
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import NotDelivered
from siaga_gateway.service.scheduling.lease import Lease
from waiting import ENDS_S

SPENT = NotDelivered("429 quota", retry_after_s=40_000.0, exhausted=True)
STATIONS = ("polres", "polsek-se", "polsek-sw")


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


def made(district: CalledDistrict, *ways: ToldWay) -> NotificationSender:
    return NotificationSender(
        district.store,
        ways,
        ListedAddresses(district.router, Duty(district.store, UTC), "id"),
        lambda incident, row, to: PersonalMessage(to.name, row.recipient, None, True, row.expires_at_ms),
        JournalNotifier(),
        district.clock,
        Lease(district.store, "way ntfy", "worker 1", 20.0),
    )


def tried(sender: NotificationSender) -> None:
    """A turn, and the tries that it began."""
    sender.work()
    while not sender._queue.empty():
        work = sender._queue.get(timeout=ENDS_S)
        assert work is not None
        sender._try(work)


def press(district: CalledDistrict, counter: int = 1) -> Incident:
    incident = district.press(counter=counter)
    district.go_on()
    return incident


def states(district: CalledDistrict, incident: Incident) -> set[NotificationState]:
    return {each.state for each in district.told(incident)}


def faults(district: CalledDistrict) -> list[tuple[str, object]]:
    kinds = (journal.WAY_LOST, journal.WAY_BACK)
    found = [each for each in district.store.journal_after(0) if each.kind in kinds]
    return [(each.kind, each.facts.get("why")) for each in found]


def test_what_a_used_up_quota_refuses_goes_by_the_next_way_at_once(district: CalledDistrict) -> None:
    first, second = ToldWay("umum"), ToldWay("sendiri")
    first.answers = dict.fromkeys(STATIONS, SPENT)
    sender = made(district, first, second)
    incident = press(district)
    tried(sender)
    tried(sender)
    sender.work()
    assert states(district, incident) == {NotificationState.HANDED_OVER}
    assert sorted(station for station, _ in second.sent) == sorted(STATIONS)
    assert {key for _, key in first.sent} == {key for _, key in second.sent}
    other = press(district, counter=2)
    tried(sender)
    sender.work()
    assert states(district, other) == {NotificationState.HANDED_OVER}
    assert len(first.sent) == 3, "it is left alone until tomorrow"


def test_a_call_that_only_a_used_up_way_could_bring_leaves_its_rung_at_once(district: CalledDistrict) -> None:
    way = ToldWay()
    way.answers = dict.fromkeys(STATIONS, SPENT)
    sender = made(district, way)
    incident = press(district)
    for _ in range(3):
        tried(sender)
    assert states(district, incident) == {NotificationState.FAILED}
    assert len(way.sent) == 3
    district.go_on()
    assert district.called(incident)[:2] == ["stations", "chief"]


def test_somebody_is_told_that_a_quota_is_used_up_and_that_the_way_works_again(district: CalledDistrict) -> None:
    way = ToldWay()
    way.answers = dict.fromkeys(STATIONS, SPENT)
    sender = made(district, way)
    press(district)
    for _ in range(3):
        tried(sender)
    assert faults(district) == [(journal.WAY_LOST, "429 quota")]
    assert told_faults(district.store, ["contoh", "other"]) == ["contoh"] and sender.faults() == {"contoh": "spent"}
    sender._traffic["contoh"].ended("a", round(time.monotonic() * 1000), Outcome(True, "200"))
    sender.work()
    assert faults(district) == [(journal.WAY_LOST, "429 quota"), (journal.WAY_BACK, None)]
    assert told_faults(district.store, ["contoh"]) == [] and sender.faults() == {}


def test_messages_go_by_a_way_that_works_rather_than_by_one_that_has_failed_for_a_minute(
    district: CalledDistrict,
) -> None:
    first, second = ToldWay("satu"), ToldWay("dua")
    sender, now_ms = made(district, first, second), round(time.monotonic() * 1000)
    for at_ms in range(now_ms - 61_000, now_ms, 10_000):
        sender._traffic["satu"].ended("somebody", at_ms, Outcome(False, "401"))
    incident = press(district)
    tried(sender)
    sender.work()
    assert states(district, incident) == {NotificationState.HANDED_OVER}
    assert (len(first.sent), len(second.sent)) == (0, 3)
    assert faults(district) == [(journal.WAY_LOST, "401")]


def test_what_was_told_before_a_restart_is_taken_back_by_whoever_knows_of_no_fault(district: CalledDistrict) -> None:
    with district.store.transaction() as transaction:
        transaction.remember("way_traffic.contoh", "failing")
    sender = made(district, ToldWay())
    sender.work()
    assert faults(district) == [(journal.WAY_BACK, None)]
    sender.work()
    assert len(faults(district)) == 1
