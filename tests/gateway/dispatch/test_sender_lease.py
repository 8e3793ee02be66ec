"""Two machines, of which one has the modem: the other plans calls for it, and leaves them to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace

import pytest

from databases import Place
from gateway.dispatch.called_district import IN_SW, LADDER, NTFY, PHONE, CalledDistrict
from gateway.dispatch.told_way import ToldWay
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.notification import Notification, NotificationState, key_of
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.service.dispatch import sender_lease
from siaga_gateway.service.dispatch.addressees import Addressee
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.notification_sender import NotificationSender
from siaga_gateway.service.dispatch.recipients import Recipients
from siaga_gateway.service.dispatch.routing import PressOrigin
from siaga_gateway.service.dispatch.sender_lease import KindsSent, SenderLease
from siaga_gateway.service.dispatch.wave_plan import WavePlanner
from siaga_gateway.service.dispatch.waves import LONGEST_S, Waves
from siaga_gateway.service.dispatch.ways import PersonalMessage
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.scheduling import lease as scheduled
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import StoreFailing
from waiting import eventually


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path, ways=())
    yield made
    made.close()


def compose(incident: Incident, notification: Notification, addressee: Addressee) -> PersonalMessage:
    return PersonalMessage("Panggilan", "08:00", None, True, notification.expires_at_ms)


def sender(district: CalledDistrict, way: ToldWay, lease: SenderLease) -> NotificationSender:
    listed = ListedAddresses(district.router, Duty(district.store, UTC), "id")
    return NotificationSender(district.store, [way], listed, compose, JournalNotifier(), district.clock, lease)


def lease(district: CalledDistrict, machine: str, able: list[bool]) -> SenderLease:
    return SenderLease(district.store, NTFY, machine, 20.0, district.clock, able=lambda: able[0])


def test_who_has_no_such_way_plans_for_the_machine_that_sends_by_it(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender_lease, "_READ_EVERY_S", 0.0)
    kinds = KindsSent(district.store, district.clock)
    planner = WavePlanner(
        district.store,
        Recipients(district.router, lambda incident: None, district.people, district.store.drill),  # type: ignore[arg-type, return-value]
        lambda incident, now_ms: None,  # type: ignore[arg-type, return-value]
        AlarmLevels(district.store),
        (),
        kinds.now,
    )
    assert not planner.sends(NTFY), "nobody does"
    modem = lease(district, "modem-1", [True])
    assert modem.held()
    assert planner.sends(NTFY) and not planner.sends(PHONE)
    district.clock.at_ms += 170_000
    assert planner.sends(NTFY), "it restarts"
    district.clock.at_ms += 20_000
    assert not planner.sends(NTFY), "it is gone"


def test_a_call_planned_elsewhere_goes_out(district: CalledDistrict) -> None:
    way = ToldWay()
    modem = sender(district, way, lease(district, "modem-1", [True]))
    modem.work()
    planner = district.waves._planner
    planner._elsewhere = KindsSent(district.store, district.clock).now
    incident = district.press()
    district.go_on()
    modem.start()
    try:
        eventually(lambda: {each.state for each in district.told(incident)} == {NotificationState.HANDED_OVER})
    finally:
        modem.stop()


def test_a_machine_whose_modem_is_broken_leaves_the_calls_to_another(
    lend: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    district = CalledDistrict(lend("postgresql"), ways=())
    at = [1_000.0]
    for module in (scheduled, sender_lease):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: at[0]))
    works, broken = [True], [False]
    east, west = lease(district, "east-1", broken), lease(district, "west-1", works)

    def seconds(count: int) -> str:
        """Who has it in each of them."""
        found = ""
        for _ in range(count):
            at[0] += 1.0
            for each in (east, west):
                each.at_rest()
            holders = [each.held() for each in (east, west)]
            assert holders != [True, True]
            found += "e" if holders[0] else "w" if holders[1] else "-"
        return found

    assert east.held()
    went = seconds(30)
    assert went.startswith("e") and went.strip("e") == "w" * len(went.strip("e")) and went.count("e") <= 11
    works[0] = False
    went = seconds(60)
    assert {*went} >= {"e", "w"}, "each tries in turn"
    east.give_back()
    west.give_back()
    assert went.count("-") < 10
    district.close()


class Machine:
    """What a gateway on one machine has of dispatch: its own connections, waves, and a sender for each of its ways."""

    def __init__(self, district: CalledDistrict, place: Place, name: str, *kinds: ContactWay) -> None:
        self.store, self.ways = place.open(0), [ToldWay(f"{name}-{kind}", kind=kind) for kind in kinds]
        listed = ListedAddresses(district.router, Duty(self.store, UTC), "id")
        self.senders = [
            NotificationSender(
                self.store,
                [way],
                listed,
                compose,
                JournalNotifier(),
                district.clock,
                SenderLease(self.store, way.kind, name, 20.0, district.clock),
            )
            for way in self.ways
        ]
        planner = WavePlanner(
            self.store,
            Recipients(district.router, lambda incident: PressOrigin(IN_SW), district.people, self.store.drill),
            lambda incident, now_ms: LADDER,
            AlarmLevels(self.store),
            kinds,
            KindsSent(self.store, district.clock).now,
        )
        self.lease = Lease(self.store, "waves", name, LONGEST_S)
        self.waves = Waves(self.store, planner, JournalNotifier(), district.clock, self.lease)

    def stop(self) -> None:
        for each in (*self.senders, self.waves):
            each.stop()


def test_of_two_gateways_whichever_plans_the_one_with_the_modem_calls(
    lend: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what both could send goes by one of them."""
    monkeypatch.setattr(sender_lease, "_READ_EVERY_S", 0.0)
    place = lend("postgresql")
    district = CalledDistrict(place)
    east, west = (
        Machine(district, place, "east", NTFY),
        Machine(district, place, "west", NTFY, PHONE),
    )

    def arrives(incident: Incident) -> list[str]:
        """Each message of its first wave is handed over. Returns the keys of the calls by telephone."""
        eventually(
            lambda: (
                {each.state for each in district.store.notifications_of(incident.id)} == {NotificationState.HANDED_OVER}
            )
        )
        return [key_of(incident.identifier, each) for each in district.told(incident, PHONE)]

    running = {east, west}
    for each in (west.senders[1], east.waves, east.senders[0]):
        each.start()  # the modem's, and all of the other machine's
    try:
        planner = east.waves._planner
        eventually(lambda: east.lease.sure() and planner.sends(PHONE))
        west.waves.start()
        west.senders[0].start()
        calls = arrives(district.press())
        assert calls and not west.lease.sure(), "planned at the machine that has no modem"
        running.remove(east)
        east.stop()
        eventually(west.lease.sure)
        calls += arrives(district.press(counter=2))
        assert Counter(key for _, key in west.ways[1].sent) == Counter(calls)
        both = Counter(key for machine in (east, west) for _, key in machine.ways[0].sent)
        assert set(both.values()) == {1} and west.ways[0].sent
    finally:
        for each in running:
            each.stop()
        for each in (east, west):
            each.store.close()
        district.close()


def test_a_store_that_takes_no_note_keeps_nobody_from_sending(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise StoreFailing("store.full")

    monkeypatch.setattr(district.store, "transaction", full)
    assert lease(district, "east-1", [True]).held()


def test_the_only_machine_tries_on_with_its_broken_modem(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [1_000.0]
    for module in (scheduled, sender_lease):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: at[0]))
    only, held = lease(district, "east-1", [False]), []
    for _ in range(60):
        at[0] += 1.0
        only.at_rest()
        held.append(only.held())
    assert held.count(True) >= 40
