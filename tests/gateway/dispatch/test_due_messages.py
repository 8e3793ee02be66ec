"""What is due is read for many, used up in order, and read again when it may have changed: real store, no threads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from gateway.dispatch.called_district import CalledDistrict
from gateway.dispatch.told_way import ToldWay
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.notification import NotificationState
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.triage import GRAVE, Alarm
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch import due_messages, notification_sender
from siaga_gateway.service.dispatch.addressees import Addressee, AddressList
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.notification_sender import NotificationSender
from siaga_gateway.service.dispatch.ways import PersonalMessage
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import StoreFailing
from waiting import ENDS_S


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


class Unfolded(ListedAddresses):
    """The lists, where nobody has many calls told in one message."""

    def now(self) -> AddressList:
        listed = super().now()

        class Apart:
            def find(self, recipient: str, way: ContactWay) -> Addressee | None:
                found = listed.find(recipient, way)
                return None if found is None else copied(found, folds=False)

        return Apart()


def made(district: CalledDistrict, way: ToldWay) -> NotificationSender:
    """One that does a turn when it is told to, and tries when it is told to."""
    return NotificationSender(
        district.store,
        [way],
        Unfolded(district.router, Duty(district.store, UTC), "id"),
        lambda incident, row, to: PersonalMessage(to.name, incident.identifier, None, True, row.expires_at_ms),
        JournalNotifier(),
        district.clock,
        Lease(district.store, "way ntfy", "worker 1", 20.0),
    )


def press(district: CalledDistrict, counter: int = 1) -> Incident:
    incident = district.press(counter=counter)
    district.go_on()
    return incident


def test_what_was_read_is_used_up_before_the_store_is_read_again(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand calls at once: each reading sorts all that waits."""
    monkeypatch.setattr(notification_sender, "FRESH_S", 3_600.0)
    monkeypatch.setattr(due_messages, "FRESH_S", 3_600.0)
    read, real = [], district.store.notifications_due

    def counted(*asked: object) -> object:
        read.append(asked)
        return real(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(district.store, "notifications_due", counted)
    way = ToldWay()
    sender = made(district, way)
    calls = [press(district, counter=counter) for counter in range(1, 14)]
    for turn in (1, 2):
        sender.work()
        for _ in range(16):
            sender._try(sender._queue.get(timeout=ENDS_S))
        assert (len(way.sent), len(read)) == (16 * turn, 1)
    calls.append(press(district, counter=14))
    sender.wake()
    sender.work()
    assert len(read) == 2, "there is something new"
    while not sender._queue.empty():
        sender._try(sender._queue.get(timeout=ENDS_S))
        sender.work()
    assert {row.state for each in calls for row in district.told(each)} == {NotificationState.HANDED_OVER}
    assert len(way.sent) == len({key for _, key in way.sent}) == 3 * len(calls)


def test_of_many_calls_at_once_each_has_somebody_who_is_told_before_more_are_told_of_any(
    district: CalledDistrict,
) -> None:
    sender = made(district, ToldWay())
    calls = [press(district, counter=counter) for counter in range(1, 14)]
    with district.store.transaction() as transaction:
        transaction.put_alarm(calls[-1].id, Alarm(GRAVE, ()))
    sender.work()
    begun = [sender._queue.get(timeout=ENDS_S) for _ in range(16)]
    rows = [each.each for each in begun if each is not None]
    assert {row.incident_id for row in rows[:13]} == {each.id for each in calls}
    assert {row.recipient for row in rows[:13]} == {"station:polsek-sw"}, "it is its area"
    assert [row.incident_id for row in (rows[0], *rows[13:15])] == [calls[-1].id] * 3, "the gravest first"


def test_what_was_begun_before_the_store_failed_is_not_begun_again(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = made(district, ToldWay())
    press(district)
    other = press(district, counter=2)
    real = district.store.incident

    def fails(incident_id: int) -> Incident | None:
        if incident_id == other.id:
            raise StoreFailing("passed_on", why="a full disk")
        return real(incident_id)

    monkeypatch.setattr(district.store, "incidents", lambda ids: {})  # as if none could be read in one go
    monkeypatch.setattr(district.store, "incident", fails)
    with pytest.raises(StoreFailing):
        sender.work()
    monkeypatch.undo()
    sender.work()
    begun = [sender._queue.get(timeout=ENDS_S) for _ in range(6)]
    assert sender._queue.empty()
    assert len({each.key for each in begun if each is not None}) == 6


def test_an_edit_of_the_lists_counts_for_what_is_read_after_it(district: CalledDistrict) -> None:
    sender = made(district, ToldWay())
    press(district)
    sender.work()
    with district.store.transaction() as transaction:
        transaction.change_places()
        moved = copied(next(each for each in district.store.stations() if each.key == "polres"), name="Polres Baru")
        transaction.put_stations([moved])
    press(district, counter=2)
    sender.wake()
    sender.work()
    told = [sender._queue.get(timeout=ENDS_S) for _ in range(6)]
    assert [each.message.title for each in told if each is not None].count("Polres Baru") == 1
