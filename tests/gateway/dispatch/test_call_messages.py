"""What is sent for a notification, as the store has things at that moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from gateway.dispatch.called_district import NTFY, CalledDistrict
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import Notification, NotificationState
from siaga_gateway.domain.operator_message import FIRST_NUMBER, DeskMessage
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.addressees import Addressee
from siaga_gateway.service.dispatch.call_messages import CallMessages
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.responder_links import ResponderLinks
from siaga_gateway.service.store import StoreFailing

TO = Addressee("topic", "id", "Polsek")


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


def messages(district: CalledDistrict, links: ResponderLinks | None = None) -> CallMessages:
    origins = Origins(district.store)
    return CallMessages(district.store, district.router, origins.of, LocalTime(UTC), district.clock, links)


def some_links(district: CalledDistrict) -> ResponderLinks:
    return ResponderLinks(district.store, "https://siaga.example", district.clock)


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
    assert "(60 " in old.text and "(60 " not in messages(district).message(mounted, first(district), TO).text


def test_a_responder_has_his_link_and_a_station_none(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    mine = copied(first(district), recipient="responder:r1")
    made = messages(district, some_links(district))
    url = made.message(incident, mine, TO).url
    assert url is not None and url.startswith("https://siaga.example/r/")
    assert made.message(incident, mine, TO).url == url, "the same one again"
    assert made.message(incident, first(district), TO).url is None


def test_links_that_will_be_needed_are_made_in_one_transaction(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = district.press()
    district.go_on()
    people = [copied(first(district), recipient=f"responder:r{number}") for number in range(20)]
    made, real = messages(district, some_links(district)), district.store.transaction
    begun: list[None] = []

    def counted() -> object:
        begun.append(None)
        return real()

    monkeypatch.setattr(district.store, "transaction", counted)
    made.expect([*people, first(district), copied(people[0], kind=ContactKind.NOT_NEEDED)])
    urls = {made.message(incident, each, TO).url for each in people}
    assert (len(urls), len(begun)) == (20, 1)


def test_a_store_that_takes_no_link_leaves_a_call_without_one(
    district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = district.press()
    district.go_on()
    mine, made = copied(first(district), recipient="responder:r1"), messages(district, some_links(district))

    def fails() -> object:
        raise StoreFailing("passed_on", why="a full disk")

    monkeypatch.setattr(district.store, "transaction", fails)
    made.expect([mine])
    told = made.message(incident, mine, TO)
    assert told.url is None and "-6.97000" in told.text


def test_a_responder_is_told_how_to_answer_in_writing_where_it_is_read(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    mine = copied(first(district), recipient="responder:r1/2", way=ContactWay.SMS)
    asked: list[tuple[int, str]] = []

    def code(incident_id: int, responder: str, exercise: bool) -> str:
        asked.append((incident_id, responder))
        return "47"

    origins = Origins(district.store)
    made = CallMessages(district.store, district.router, origins.of, LocalTime(UTC), district.clock, code=code)
    assert made.message(incident, mine, TO).reply == "Balas 1 47 = datang, 2 47 = tidak bisa, 3 47 = di lokasi"
    well = made.message(incident, copied(mine, kind=ContactKind.ASK), copied(TO, language="en")).reply
    assert well == "Reply 3 47 = I am well, 2 47 = need help"
    asking = made.message(incident, copied(mine, kind=ContactKind.ASK), copied(TO, language="en")).replies
    assert [(each.label, each.text) for each in asking] == [("All well", "3 47"), ("Need back-up", "2 47")]
    buttons = made.message(incident, copied(mine, way=ContactWay.TELEGRAM), copied(TO, language="en")).replies
    assert [(each.label, each.text) for each in buttons] == [
        ("I am coming", "1 47"),
        ("I cannot come", "4 47"),  # which 2 no more means once he is on scene
        ("On scene", "3 47"),
    ]
    assert asked == [(incident.id, "r1")] * 4
    exercise = made.message(copied(incident, mode=Mode.EXERCISE), mine, TO).replies
    assert [each.text for each in exercise] == ["1 47 *", "4 47 *", "3 47 *"], "none answers the call it may become"
    assert made.message(incident, copied(mine, kind=ContactKind.NOT_NEEDED), TO).reply is None
    assert made.message(incident, first(district), TO).reply is None, "a desk answers at its console"
    assert messages(district).message(incident, mine, TO).reply is None


def test_thanks_take_the_alarm_back_where_the_service_can(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    call = first(district)
    with district.store.transaction() as transaction:
        transaction.put_notifications(
            [copied(call, state=NotificationState.HANDED_OVER, next_at_ms=None, reference="m-7")]
        )
    thanks = copied(call, number=9, kind=ContactKind.NOT_NEEDED)
    told = messages(district, some_links(district)).message(incident, thanks, TO)
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


def test_a_bug_in_the_links_keeps_no_message_back(district: CalledDistrict, caplog: pytest.LogCaptureFixture) -> None:
    district.press()
    district.go_on()
    links = some_links(district)

    def prepare(wanted: object) -> None:
        raise ZeroDivisionError("a bug")

    links.prepare = prepare  # type: ignore[method-assign]
    messages(district, links).expect([copied(first(district), recipient="responder:r1")])
    assert "ZeroDivisionError" in caplog.text


def test_what_a_desk_writes_goes_out_in_its_readers_language_and_to_the_holder_without_anything_to_open(
    district: CalledDistrict,
) -> None:
    incident = district.press()
    district.go_on()
    with district.store.transaction() as transaction:
        written = DeskMessage(incident.id, FIRST_NUMBER, "form-key", "Tunggu di luar.", "Wait outside.", 1, "Siti")
        transaction.add_desk_message(written)
    row = copied(first(district), number=FIRST_NUMBER, kind=ContactKind.MESSAGE)
    made = messages(district, some_links(district))
    told = made.message(incident, row, copied(TO, language="en"))
    assert (told.title, told.text) == (f"MESSAGE FROM THE DESK {incident.identifier}", "Wait outside.")
    assert told.whole and told.urgent and told.reply is None and not told.answers
    mine = made.message(incident, copied(row, recipient="responder:r1"), TO)
    assert mine.text == "Tunggu di luar." and mine.url is not None
    holder = made.message(incident, copied(row, recipient="holder:1", way=ContactWay.SMS), TO)
    assert (holder.title, holder.text, holder.url, holder.urgent) == ("Polisi", "Tunggu di luar.", None, False)
    assert incident.identifier not in holder.title
    exercise = made.message(copied(incident, mode=Mode.EXERCISE), row, TO)
    assert "LATIHAN" in exercise.title
    gone = made.message(incident, copied(row, number=FIRST_NUMBER + 1), TO)
    assert "hubungi komando" in gone.text, "never an empty message"
