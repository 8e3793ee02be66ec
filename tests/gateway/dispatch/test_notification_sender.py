"""What is due is sent, tried again, given up and recorded: real store, real threads, a way that does as it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from databases import Place
from gateway.dispatch.called_district import IN_SW, CalledDistrict
from gateway.dispatch.listed_places import at
from gateway.dispatch.told_way import ToldWay
from siaga_gateway.domain.escalation_state import Phase
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.notification import Notification, NotificationState
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch import due_messages, notification_sender
from siaga_gateway.service.dispatch.addressees import Addressee
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.notification_sender import NotificationSender
from siaga_gateway.service.dispatch.way_traffic import WayTraffic
from siaga_gateway.service.dispatch.ways import Budget, HandedOver, PersonalMessage
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import NotDelivered
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import StoreDamaged, StoreFailing
from waiting import ENDS_S, eventually

STATE = NotificationState
REFUSED = NotDelivered("503 nanti")
DEAD = NotDelivered("404", permanent=True)


def compose(incident: Incident, notification: Notification, addressee: Addressee) -> PersonalMessage:
    return PersonalMessage(f"Panggilan untuk {addressee.name}", "08:00 WIB", None, True, notification.expires_at_ms)


Make = Callable[..., NotificationSender]
Compose = Callable[[Incident, Notification, Addressee], PersonalMessage]


@pytest.fixture(params=["sqlite"])
def district(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(Place(request.param, tmp_path))
    yield made
    made.close()


@pytest.fixture
def make(district: CalledDistrict) -> Iterator[Make]:
    made: list[NotificationSender] = []

    def start(
        *ways: ToldWay, worker: str = "worker 1", run: bool = True, compose: Compose = compose, **more: Any
    ) -> NotificationSender:
        sender = NotificationSender(
            district.store,
            ways,
            ListedAddresses(district.router, Duty(district.store, UTC), "id"),
            compose,
            JournalNotifier(),
            district.clock,
            Lease(district.store, "way ntfy", worker, 20.0),
            **more,
        )
        if run:
            sender.start()
            made.append(sender)
        return sender

    yield start
    for each in made:
        each.stop()


def states(district: CalledDistrict, incident: Incident) -> dict[str, NotificationState]:
    return {each.recipient.partition(":")[2]: each.state for each in district.told(incident)}


def press(district: CalledDistrict, sender: NotificationSender | None = None, counter: int = 1) -> Incident:
    incident = district.press(counter=counter)
    district.go_on()
    if sender is not None:
        sender.wake()
    return incident


def test_everybody_called_is_told_once(district: CalledDistrict, make: Make) -> None:
    way = ToldWay()
    incident = press(district, make(way))
    eventually(lambda: set(states(district, incident).values()) == {STATE.HANDED_OVER})
    assert sorted(station for station, _ in way.sent) == ["polres", "polsek-se", "polsek-sw"]
    assert {key for _, key in way.sent} == {
        f"{incident.identifier}.1.station:{station}.ntfy" for station in ("polres", "polsek-se", "polsek-sw")
    }
    assert all(each.reference for each in district.told(incident))


def test_one_that_hangs_delays_nobody_else(district: CalledDistrict, make: Make) -> None:
    way = ToldWay()
    way.waits["polres"] = threading.Event()
    incident = press(district, make(way))
    eventually(lambda: [*states(district, incident).values()].count(STATE.HANDED_OVER) == 2)
    second = press(district, counter=2)
    eventually(lambda: [*states(district, second).values()].count(STATE.HANDED_OVER) == 2)
    way.waits["polres"].set()
    eventually(lambda: states(district, incident)["polres"] is STATE.HANDED_OVER)


def test_what_was_not_taken_is_tried_again_under_its_key(district: CalledDistrict, make: Make) -> None:
    way = ToldWay()
    way.answers["polres"] = REFUSED
    sender = make(way)
    incident = press(district, sender)
    eventually(lambda: any(each.attempts for each in district.told(incident) if "polres" in each.recipient))
    assert states(district, incident)["polres"] is STATE.PENDING
    del way.answers["polres"]
    district.clock.at_ms += 1_000
    sender.wake()
    eventually(lambda: states(district, incident)["polres"] is STATE.HANDED_OVER)
    keys = [key for station, key in way.sent if station == "polres"]
    assert len(keys) == 2 and len(set(keys)) == 1


def test_the_next_way_of_the_kind_has_the_next_try(district: CalledDistrict, make: Make) -> None:
    first, second = ToldWay("satu"), ToldWay("dua")
    first.answers = dict.fromkeys(("polres", "polsek-se", "polsek-sw"), REFUSED)
    sender = make(first, second)
    incident = press(district, sender)
    eventually(lambda: all(each.attempts for each in district.told(incident)))
    district.clock.at_ms += 1_000
    sender.wake()
    eventually(lambda: set(states(district, incident).values()) == {STATE.HANDED_OVER})
    assert len(second.sent) == 3


def test_one_that_is_known_to_be_broken_gets_no_try_while_another_works(district: CalledDistrict, make: Make) -> None:
    broken, works, stops = ToldWay("satu"), ToldWay("dua"), [True]
    traffic = {"satu": WayTraffic(Budget(), proves=False, stops=lambda: stops[0]), "dua": WayTraffic(Budget())}
    sender = make(broken, works, traffic=traffic)
    incident = press(district, sender)
    eventually(lambda: set(states(district, incident).values()) == {STATE.HANDED_OVER})
    assert (len(broken.sent), len(works.sent)) == (0, 3)
    stops[0] = False
    second = press(district, sender, counter=2)
    eventually(lambda: set(states(district, second).values()) == {STATE.HANDED_OVER})
    assert len(broken.sent) == 3, "it is the first one again"


def test_a_call_whose_every_address_is_dead_leaves_its_rung_at_once(district: CalledDistrict, make: Make) -> None:
    way = ToldWay()
    way.answers = dict.fromkeys(("polres", "polsek-se", "polsek-sw"), DEAD)
    incident = press(district, make(way))
    eventually(lambda: set(states(district, incident).values()) == {STATE.FAILED})
    eventually(lambda: journal.CALL_FAILED in [e.kind for e in district.store.journal_of_incident(incident.id)])
    district.go_on()
    assert district.called(incident)[:2] == ["stations", "chief"]


def test_one_that_is_reached_keeps_the_rung(district: CalledDistrict, make: Make) -> None:
    way = ToldWay()
    way.answers = dict.fromkeys(("polres", "polsek-se"), DEAD)
    sender = make(way)
    incident = press(district, sender)
    eventually(lambda: STATE.PENDING not in states(district, incident).values())
    sender.stop()
    assert journal.CALL_FAILED not in [e.kind for e in district.store.journal_of_incident(incident.id)]


def test_what_is_too_old_is_not_sent_any_more(district: CalledDistrict, make: Make) -> None:
    incident = press(district)
    district.clock.at_ms += 5 * 60_000
    way = ToldWay()
    make(way)
    eventually(lambda: set(states(district, incident).values()) == {STATE.EXPIRED})
    assert way.sent == []


def test_whoever_has_left_the_list_is_told_nothing(district: CalledDistrict, make: Make) -> None:
    incident = press(district)
    with district.store.transaction() as transaction:
        transaction.change_places()
        transaction.remove_stations(["polsek-se"])
    way = ToldWay()
    make(way)
    eventually(lambda: states(district, incident)["polsek-se"] is STATE.FAILED)
    eventually(lambda: states(district, incident)["polres"] is STATE.HANDED_OVER)
    assert "polsek-se" not in {station for station, _ in way.sent}


def test_a_closed_incident_calls_nobody_any_more(district: CalledDistrict, make: Make) -> None:
    """The close was committed; its escalation does not know of it yet."""
    incident = press(district)
    district.operator.close(incident.id, "Siti", "verified", "")
    way = ToldWay()
    make(way)
    eventually(lambda: set(states(district, incident).values()) == {STATE.WITHDRAWN})
    assert way.sent == []
    district.go_on()
    assert district.state(incident).phase is Phase.CLOSED


def test_a_try_whose_outcome_was_not_recorded_is_repeated_under_its_key(district: CalledDistrict, make: Make) -> None:
    way = ToldWay()
    killed = make(way, run=False)
    incident = press(district)
    killed.work()
    work = [killed._queue.get(timeout=ENDS_S) for _ in range(3)]
    for each in filter(None, work):
        each.way.send(each.address, each.message, each.key)
    make(way)
    eventually(lambda: set(states(district, incident).values()) == {STATE.HANDED_OVER})
    assert len(way.sent) == 6 and len({key for _, key in way.sent}) == 3


@pytest.mark.parametrize("district", ["postgresql"], indirect=True)
def test_of_several_workers_one_sends(district: CalledDistrict, make: Make) -> None:
    first, second = ToldWay(), ToldWay()
    make(first)
    incident = press(district)
    eventually(lambda: set(states(district, incident).values()) == {STATE.HANDED_OVER})
    standby = make(second, worker="worker 2", run=False)
    other = press(district, counter=2)
    standby.work()
    eventually(lambda: set(states(district, other).values()) == {STATE.HANDED_OVER})
    assert second.sent == []


def test_a_budget_that_is_spent_keeps_the_rest_waiting(district: CalledDistrict, make: Make) -> None:
    way = ToldWay(budget=Budget(interval_ms=3_600_000, burst=2))
    sender = make(way)
    incident = press(district, sender)
    eventually(lambda: [*states(district, incident).values()].count(STATE.HANDED_OVER) == 2)
    sender.stop()
    assert [*states(district, incident).values()].count(STATE.PENDING) == 1
    assert len(way.sent) == 2


def test_a_bug_of_a_way_ends_nothing(
    district: CalledDistrict, make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    way = ToldWay()
    real = way.send

    def send(address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        if address.endswith("polres"):
            raise ZeroDivisionError("a bug")
        return real(address, message, key)

    monkeypatch.setattr(way, "send", send)
    incident = press(district, make(way))
    eventually(lambda: [*states(district, incident).values()].count(STATE.HANDED_OVER) == 2)
    eventually(lambda: any(each.detail == "ZeroDivisionError" for each in district.told(incident)))
    assert ContactWay.NTFY is way.kind


def test_a_message_that_cannot_be_composed_stands_before_no_other(
    district: CalledDistrict, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    bad = press(district)

    def broken(incident: Incident, notification: Notification, addressee: Addressee) -> PersonalMessage:
        if incident.id == bad.id:
            raise ZeroDivisionError("a bug")
        return compose(incident, notification, addressee)

    good = press(district, counter=2)
    make(ToldWay(), compose=broken)
    eventually(lambda: set(states(district, good).values()) == {STATE.HANDED_OVER})
    eventually(lambda: {each.detail for each in district.told(bad)} == {"ZeroDivisionError"})
    assert set(states(district, bad).values()) == {STATE.PENDING}, "it is tried again"


@pytest.mark.parametrize("district", ["postgresql"], indirect=True)
def test_what_a_service_says_that_the_store_does_not_take_loses_no_outcome(
    district: CalledDistrict, make: Make
) -> None:
    """PostgreSQL takes no NUL in a text."""
    way = ToldWay()
    way.answers["polres"] = HandedOver("200", "m\0")
    incident = press(district, make(way))
    eventually(lambda: set(states(district, incident).values()) == {STATE.HANDED_OVER})
    other = press(district, counter=2)
    eventually(lambda: set(states(district, other).values()) == {STATE.HANDED_OVER})
    assert len(way.sent) == 6


def test_what_waited_for_a_thread_until_its_reason_was_gone_is_not_sent(
    district: CalledDistrict, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notification_sender, "FRESH_S", 0.0)  # as if it had waited long
    way = ToldWay()
    sender = make(way, run=False)
    seen, closed, open_still = press(district), press(district, counter=2), press(district, counter=3)
    sender.work()
    district.operator.seen(seen.id, "Siti")
    district.go_on()
    district.operator.close(closed.id, "Siti", "verified", "")
    for each in sender._senders:
        each.start()
    eventually(lambda: len(sender._results) == len(sender._under_way) == 3)
    assert {key.rpartition(".1.station")[0] for _, key in way.sent} == {open_still.identifier}
    sender.work()
    assert set(states(district, open_still).values()) == {STATE.HANDED_OVER}
    for _ in sender._senders:
        sender._queue.put(None)


def test_a_worker_that_has_lost_its_lease_sends_nothing_more(district: CalledDistrict, make: Make) -> None:
    way = ToldWay()
    sender = make(way, run=False)
    incident = press(district)
    sender.work()
    sender._lease.give_back()
    for each in sender._senders:
        each.start()
    eventually(lambda: not sender._under_way)
    assert way.sent == []
    assert set(states(district, incident).values()) == {STATE.PENDING}
    for _ in sender._senders:
        sender._queue.put(None)


def test_many_calls_for_one_desk_hold_up_no_other(
    district: CalledDistrict, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earthquake: what waits for the turn of a few is more than is read at once."""
    monkeypatch.setattr(due_messages, "_READ", 3)
    way = ToldWay(budget=Budget(person_ms=3_600_000))
    for counter in range(1, 5):
        press(district, counter=counter)
    elsewhere = district.press(at(1.6, 1.6), counter=5)
    district.go_on()
    make(way)
    eventually(lambda: states(district, elsewhere)["polsek-ne"] is STATE.HANDED_OVER)


def test_each_turn_tells_where_the_holder_is_now(district: CalledDistrict, make: Make) -> None:
    """A fix that came after the first message stands in the next."""
    told: list[tuple[int, int] | None] = []

    def remember(incident: Incident, notification: Notification, addressee: Addressee) -> PersonalMessage:
        told.append(None if incident.place is None else incident.place[:2])
        return compose(incident, notification, addressee)

    sender = make(ToldWay(), run=False)
    sender._compose = remember
    incident = press(district)
    sender.work()
    moved = copied(incident, position=copied(incident.position, latitude=at(1.6, 1.6)[0], longitude=at(1.6, 1.6)[1]))
    with district.store.transaction() as transaction:
        transaction.put_incident(moved)
    district.hand_over()
    district.go_on(10)
    sender.work()
    assert told[0] == IN_SW and told[-1] == at(1.6, 1.6)


@pytest.mark.parametrize(("error", "damage"), [(StoreFailing, False), (StoreDamaged, True)])
def test_a_store_that_is_only_busy_is_no_damaged_one(
    district: CalledDistrict, make: Make, monkeypatch: pytest.MonkeyPatch, error: type[StoreFailing], damage: bool
) -> None:
    """Damage is mended by building the store anew, and everything stands still meanwhile."""
    met: list[StoreFailing] = []
    sender = make(ToldWay(), run=False)
    for part in (sender, district.waves):
        part._on_damage = lambda found, call: met.append(found)

    def fails(*_: object) -> object:
        raise error("passed_on", why="locked")

    monkeypatch.setattr(district.store, "notifications_due", fails)
    monkeypatch.setattr(district.store, "last_journal_id", fails)
    for part in (sender, district.waves):
        part._turn()
    assert len(met) == 2 * damage


def test_desks_that_ring_and_repeats_wait_behind_the_first_notice_of_another_call(
    district: CalledDistrict, make: Make
) -> None:
    way = ToldWay(budget=Budget(interval_ms=3_600_000, burst=6))
    sender = make(way, run=False)
    first = press(district)
    for _ in range(5):
        district.hand_over()
        district.go_on(60)
    assert {each.is_first for each in district.told(first) if each.state is STATE.PENDING} == {False}
    second = press(district, counter=2)
    sender.work()
    begun = [sender._queue.get(timeout=ENDS_S) for _ in range(3)]
    assert {each.each.incident_id for each in begun if each is not None} == {second.id}
