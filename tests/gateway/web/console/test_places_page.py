"""The page of places and people, on a real store: lists, faults, search, pages and codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gateway.dispatch.called_district import IN_SW, LADDER, CalledDistrict, on_ntfy
from gateway.dispatch.listed_places import AREAS, DISTRICT
from gateway.fake_account_store import no_accounts
from gateway.sample_site import SITE
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console.test_called_district_shown import words
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.places import Contact, ContactWay, Finding, Station
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.shifts import DutyState, SelfDeclared
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay, asked
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.ladders import Ladders
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.people import DutyPeople
from siaga_gateway.service.dispatch.place_directory import ListsBusy, PlaceDirectory
from siaga_gateway.service.dispatch.place_preview import PlacePreview
from siaga_gateway.service.dispatch.places_check import check_places
from siaga_gateway.service.dispatch.responders_check import check_responders
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.web.app import ConsoleOptions, create_app
from waiting import ENDS_S, eventually

WHAT = ("area", "label", "station")


class Lists:
    """A district with its stations, and two officers, one of whom was sent a code by telephone."""

    def __init__(self, folder: Path) -> None:
        self.district = CalledDistrict(folder)
        store, clock = self.district.store, self.district.clock
        self.looked = 0
        self.sent = set[ContactWay]()
        now_ms = clock.now_ms()
        phone = asked(ProvenWay(Contact(ContactWay.PHONE, "+620000000055")), "012345", now_ms)
        radio = ProvenWay(Contact(ContactWay.RADIO, "Contoh 5"), now_ms)
        with store.transaction() as transaction:
            transaction.change_responders()
            transaction.put_responders(
                [
                    Responder("budi", ResponderKind.OFFICER, "Aipda Budi Contoh", "polsek-sw", ways=(phone, radio)),
                    Responder("wati", ResponderKind.OFFICER, "Bripka <b>Wati</b>", None),
                ]
            )
        duty = Duty(store, UTC)
        codes = WayQuestions(store, clock, duty).answer

        def faults() -> list[Finding]:
            self.looked += 1
            return self.check()

        def sent() -> frozenset[ContactWay]:
            return frozenset({ContactWay.NTFY, *self.sent})

        def of_people() -> list[Finding]:
            return check_responders(store, clock.now_ms())

        self.check = lambda: check_places(store, today=1, verified_within_days=180, tolerance_m=100)
        origins, router = Origins(store), self.district.router
        preview = PlacePreview(store, router, DutyPeople(duty, 20_000), Ladders(LADDER, {}, router, origins.of), sent)
        self.desk = PlaceDirectory(store, clock, duty, faults, of_people, lambda: 1, codes, preview, sent)

    def app(self, language: str = "id", **parts: Any) -> FastAPI:
        district = self.district
        return create_app(
            reader=district.store,
            operate=district.operator,
            disclosures=FakeDisclosures(),
            sign_ins=FakeSignIns(),
            accounts=no_accounts(district.clock),
            notifier=FakeBell(),
            options=ConsoleOptions(SITE, Mode.ACTUAL, language, b"k" * 32),
            clock=district.clock,
            places=self.desk,
            **parts,
        )

    def browser(self, language: str = "id", **parts: Any) -> TestClient:
        app = self.app(language, **parts)
        client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
        assert client.get("/places").headers["location"] == "/sign-in", "nobody who is not signed in"
        assert client.post("/sign-in", data={"name": OPERATOR}).status_code == 303
        return client

    def put(self, stations: list[Station]) -> None:
        with self.district.store.transaction() as transaction:
            transaction.change_places()
            transaction.put_stations(stations)


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[Lists]:
    made = Lists(tmp_path)
    yield made
    made.district.close()


def test_it_shows_who_is_on_duty_by_which_proven_ways_and_what_is_wrong_in_words(lists: Lists) -> None:
    client = lists.browser("en")
    page = client.get("/places").text
    said = words(page)
    assert "telephone: not proven (a code was drawn at" in said and "a person has to tell it" in said
    assert "radio: proven" in said
    assert "+620000000055" not in page and "Contoh 5" not in page, "only the ways, not where they lead"
    assert "<b>Wati" not in page and "Bripka <b>Wati</b>" in said
    assert all(each.name in said for each in DISTRICT)
    assert "wati has no way that was proven" in said and "responders ask wati" in said, "the fault with its mend"
    assert "Show" not in said and 'href="/places"' in client.get("/").text
    client.get("/places")
    with lists.district.store.transaction() as transaction:
        transaction.change_responders()
        transaction.put_responders([Responder("sari", ResponderKind.OFFICER, "Aiptu Sari Contoh", "polsek-sw")])
    assert "sari has no way" in words(client.get("/places").text)
    assert lists.looked == 1, "areas only when theirs has changed: ways are proven all day"


def test_a_code_is_called_asked_for_where_a_program_sends_it_and_never_sent(lists: Lists) -> None:
    lists.sent.add(ContactWay.PHONE)
    said = words(lists.browser("en").get("/places").text)
    assert "telephone: not proven (asked for a code at" in said and "a person has to" not in said


def test_it_tries_who_would_be_called_rung_by_rung_at_a_place_and_a_time(lists: Lists) -> None:
    monday = ((8 * 60, 480),)
    lists.put([copied(on_ntfy(each), hours=() if each.key == "polda" else monday) for each in DISTRICT])
    client = lists.browser("en")
    asked = {"at": f"{IN_SW[0] / 1e7}, {IN_SW[1] / 1e7}"}
    said = words(client.post("/places/try", data=asked | {"time": "1970-01-05T02:00"}).text)
    assert (
        "more than a year away" in said and client.post("/places/try", data=asked | {"time": "1970"}).status_code == 409
    )
    now = datetime.fromtimestamp(lists.district.clock.now_ms() / 1000, UTC)
    page = client.post("/places/try", data=asked | {"time": f"{now:%Y-%m-%dT02:00}"})
    said = words(page.text)
    assert (
        page.status_code == 200 and f"{now:%d-%m-%Y} 02:00:00" in said and f'value="{now:%Y-%m-%d}T02:00"' in page.text
    )
    stations = said[said.index("at once stations") : said.index("after 10 s chief")]
    assert "Polsek Sw 1.6 km" in stations and "ntfy, telephone (a person has to call)" in stations
    assert "Polda 73.7 km" in stations, "of the nearest those that are open then"
    assert [said.index(f"after {seconds} s") for seconds in (10, 20, 40)]
    for wrong in ("91,105", "nowhere", "nan,nan", "1e999,0", "-5,4292,105,2610"):
        answer = client.post("/places/try", data={"at": wrong})
        assert answer.status_code == 409 and "latitude,longitude in degrees" in answer.text
    assert not lists.district.store.notifications_of(0) and not lists.district.store.open_incidents()


def test_a_rung_that_no_program_reaches_says_so(lists: Lists) -> None:
    lists.put([copied(each, contacts=(Contact(ContactWay.PHONE, "+620000000001"),)) for each in DISTRICT])
    said = words(lists.browser("en").post("/places/try", data={"at": f"{IN_SW[0] / 1e7},{IN_SW[1] / 1e7}"}).text)
    assert said.count("No program reaches anybody here") == 4


def test_while_the_lists_are_checked_everybody_sees_the_page_as_it_was(lists: Lists) -> None:
    before = lists.desk.faults()
    lists.put([copied(DISTRICT[0], key="pos-a", name="Pos A")])
    seen = list[object]()

    def check() -> list[Finding]:
        other = Thread(target=lambda: seen.extend((lists.desk.faults(), lists.desk.stations("pos-a", 0, 9)[1])))
        other.start()
        other.join(ENDS_S)
        return []

    lists.check = check
    assert lists.desk.faults() != before
    assert seen == [before, 1], "nobody waits for it"


def test_the_first_check_takes_no_more_threads_than_a_few(lists: Lists) -> None:
    turns = lists.desk._checking
    assert turns.take(0)
    waiting = [Thread(target=lists.desk.faults) for _ in range(3)]
    for each in waiting:
        each.start()
    eventually(lambda: turns._places._value == 0)
    with pytest.raises(ListsBusy):
        lists.desk.faults()
    turns.give_back()
    for each in waiting:
        each.join(ENDS_S)
    assert lists.looked == 1


@pytest.mark.parametrize(
    ("language", "right", "wrong"), [("id", "terbukti lewat telepon", "kode"), ("en", "proven by telephone", "code")]
)
def test_a_code_that_is_read_out_proves_the_way_and_a_wrong_one_says_so(
    lists: Lists, language: str, right: str, wrong: str
) -> None:
    client = lists.browser(language)
    answer = client.post("/places/code", data={"key": "budi", "code": "999999"})
    assert answer.status_code == 409 and wrong in answer.text and 'value="budi"' in answer.text
    assert client.post("/places/code", data={"key": "nobody", "code": "012345"}).status_code == 409
    answer = client.post("/places/code", data={"key": " Budi", "code": "012 345"})
    assert answer.status_code == 200 and right in answer.text
    (entry,) = [each for each in lists.district.store.journal_last(20) if each.kind == "way_proven"]
    assert (entry.actor, entry.facts) == (OPERATOR, {"responder": "budi", "way": "phone"})


def test_many_stations_come_in_pages_and_are_found_by_name_key_and_address(lists: Lists) -> None:
    one = DISTRICT[0]
    lists.put(
        [copied(one, key=f"pos-{number:03}", name=f"Pos {number:03}", address="Jl. Contoh 9") for number in range(120)]
    )
    client = lists.browser("en")
    page = client.get("/places?q=pos-&stations=100").text
    assert "101 to 120 of 120" in words(page) and "Pos 119" in page and "Pos 099" not in page
    assert "stations=50" in page and "stations=150" not in page
    found = words(client.get("/places?q=POS-007").text)
    assert "1 to 1 of 1" in found and "Pos 007" in found
    assert "1 to 50 of 120" in words(client.get("/places?q=contoh 9").text)
    assert "No station is on the list" in words(client.get("/places?q=xyz").text)


def test_hours_stand_there_as_people_write_them(lists: Lists) -> None:
    monday = copied(DISTRICT[0], key="pos-a", name="Pos A", hours=((8 * 60, 480),))
    lists.put([monday])

    def shown(language: str) -> str:
        return words(lists.browser(language).get("/places?q=pos-a").text)

    assert "Sen 08:00-16:00" in shown("id") and "Mon 08:00-16:00" in shown("en")


def test_areas_and_stations_are_drawn_for_who_is_signed_in(lists: Lists) -> None:
    client = lists.browser()
    drawn = client.get("/places/areas.geojson")
    assert drawn.headers["content-type"].startswith("application/geo+json")
    of = {what: [each for each in drawn.json()["features"] if each["properties"]["what"] == what] for what in WHAT}
    assert {each["properties"]["name"] for each in of["station"]} == {each.name for each in DISTRICT}
    assert {each["properties"]["key"] for each in of["area"]} == {each.station_key for each in AREAS}
    assert of["area"][0]["properties"]["key"] == "polres", "the largest lies below the others"
    ring = next(each for each in of["area"] if each["properties"]["name"] == "Polsek Sw")["geometry"]["coordinates"][0][
        0
    ]
    longitudes, latitudes = zip(*ring, strict=True)
    assert ring[0] == ring[-1] and min(longitudes) <= IN_SW[1] / 1e7 <= max(longitudes)
    assert min(latitudes) <= IN_SW[0] / 1e7 <= max(latitudes)
    lists.put([copied(DISTRICT[-1], name="Polsek Baru")])
    assert "Polsek Baru" in client.get("/places/areas.geojson").text, "as the list is now"
    client.post("/sign-out")
    assert client.get("/places/areas.geojson").status_code in (303, 401)
    page = lists.browser("en").get("/places").text
    assert '"no_areas":' in page and "places-map.js" in page


def test_who_is_nearest_to_a_call_is_sent_by_one_click_with_his_estimate(lists: Lists) -> None:
    client = lists.browser("en")
    incident = lists.district.press()
    with lists.district.store.transaction() as transaction:
        now_ms = lists.district.clock.now_ms()
        transaction.declare(SelfDeclared("budi", DutyState.ON_DUTY, now_ms, now_ms + 3_600_000))
    lists.district.operator.seen(incident.id, OPERATOR)
    assert f'hx-get="/incidents/{incident.id}/nearest"' in client.get(f"/incidents/{incident.id}").text
    shown = client.get(f"/incidents/{incident.id}/nearest").text
    assert "Aipda Budi Contoh" in shown and "ETA" in shown
    path, *_ = re.findall(r'hx-post="([^"]+/assign[^"]*)"', shown)
    fields = dict(re.findall(r'name="(unit|eta)" value="([^"]*)"', shown))
    assert client.post(unescape(path), data=fields).status_code == 200
    sent = lists.district.store.incident(incident.id)
    assert sent is not None and (sent.unit, str(sent.eta_minutes)) == (fields["unit"], fields["eta"])
    again = client.get(f"/incidents/{incident.id}/nearest").text
    assert "sent already" in again and "assign" not in again
    lists.district.operator.on_scene(incident.id, OPERATOR)
    lists.district.operator.stand_down(incident.id, OPERATOR, fields["unit"])
    left = client.get(f"/incidents/{incident.id}/nearest").text
    path, *_ = re.findall(r'hx-post="([^"]+/assign[^"]*)"', left)
    fields = dict(re.findall(r'name="(unit|eta|beside)" value="([^"]*)"', left))
    assert client.post(unescape(path), data=fields).status_code == 200, "beside the one that has left"
    nowhere = lists.district.press(None, counter=9)
    assert "Nobody is known" in client.get(f"/incidents/{nowhere.id}/nearest").text
    assert client.get("/incidents/999/nearest").status_code == 404
