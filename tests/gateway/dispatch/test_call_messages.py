"""What is sent for a notification, as the store has things at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from gateway.dispatch.called_district import NTFY, CalledDistrict
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import Notification, NotificationState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.call_messages import CallMessages
from siaga_gateway.service.dispatch.notification_sender import Addressee
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.store import StoreFailing

TO = Addressee("topic", "id", "Polsek")


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


def messages(district: CalledDistrict, link: str | None = None) -> CallMessages:
    origins = Origins(district.store)
    return CallMessages(
        district.store, district.router, origins.of, LocalTime(UTC), district.clock, lambda incident, who: link
    )


def first(district: CalledDistrict) -> Notification:
    return district.told(district.store.open_incidents()[0])[0]


def test_it_names_the_area_and_the_place_and_never_the_holder(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    told = messages(district).message(incident, first(district), TO)
    assert "Polsek Sw" in told.title and "-6.97000" in told.text
    assert told.urgent and told.url is None and told.withdraws is None
    for personal in ("Wati", "9900000000000001", "+620000000001", "Toko Contoh"):
        assert personal not in told.title + told.text


def test_where_a_button_is_mounted_does_not_age(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    district.clock.at_ms += 3_600_000
    old = messages(district).message(incident, first(district), TO)
    assert incident.position is not None
    mounted = copied(incident, position=copied(incident.position, source="installed"))
    assert messages(district).message(mounted, first(district), TO).text != old.text
    assert "60" in old.text and "60" not in messages(district).message(mounted, first(district), TO).text


def test_a_responder_has_his_link_and_a_station_none(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    mine = copied(first(district), recipient="responder:r1")
    assert (
        messages(district, "https://siaga.example/r/x").message(incident, mine, TO).url == "https://siaga.example/r/x"
    )
    assert messages(district, "https://siaga.example/r/x").message(incident, first(district), TO).url is None


def test_thanks_take_the_alarm_back_where_the_service_can(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    call = first(district)
    with district.store.transaction() as transaction:
        transaction.put_notifications(
            [copied(call, state=NotificationState.HANDED_OVER, next_at_ms=None, reference="m-7")]
        )
    thanks = copied(call, number=9, kind=ContactKind.NOT_NEEDED)
    told = messages(district, "https://siaga.example/r/x").message(incident, thanks, TO)
    assert (told.withdraws, told.urgent, told.url) == ("m-7", False, None)
    other = copied(thanks, recipient="station:polda")
    assert messages(district).message(incident, other, TO).withdraws is None


def test_a_store_that_fails_leaves_out_what_it_knows_and_no_more(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = district.press()
    district.go_on()
    note = first(district)

    def fails(*_: object) -> object:
        raise StoreFailing("passed_on", why="a full disk")

    made = messages(district)
    for name in ("alarms", "notifications_of"):
        monkeypatch.setattr(district.store, name, fails)
    monkeypatch.setattr(district.router, "route", fails)
    told = made.message(incident, note, TO)
    assert told.title and "-6.97000" in told.text
    assert NTFY is note.way
