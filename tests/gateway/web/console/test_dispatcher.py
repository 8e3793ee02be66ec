"""The dispatcher of one station: what he sees is his jurisdiction's, by whatever route; in doubt he sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gateway.dispatch.called_district import IN_SW, CalledDistrict
from gateway.dispatch.listed_places import at
from gateway.fake_account_store import FakeAccountStore, accounts_on
from gateway.sample_site import SITE
from gateway.web.conftest import ORIGIN
from gateway.web.console_fakes import FakeBell, FakeDisclosures, FakeSignIns
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.incident import Incident, Mode
from siaga_gateway.domain.permissions import Role
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.jurisdictions import Jurisdictions
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.routing import Router
from siaga_gateway.service.store.incident_search import CutSearch, IncidentSearch
from siaga_gateway.web.app import ConsoleOptions, create_app
from siaga_gateway.web.session import jurisdiction
from siaga_gateway.web.session import sign_in as signing
from siaga_gateway.web.session.jurisdiction import JurisdictionReader

IN_NE = at(1.7, 1.7)
STATIONS = {"Sw": "polsek-sw", "Ne": "polsek-ne", "Polres": "polres", "Gone": "polsek-gone"}


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    """Call 1 is in the south-west, call 2 in the north-east, call 3 nowhere, call 4 closed in the north-east."""
    made = CalledDistrict(tmp_path)
    made.press(IN_SW, 1)
    made.press(IN_NE, 2)
    made.press(None, 3)
    gone = made.press(IN_NE, 4)
    made.operator.close(gone.id, "Rina", "accidental", "")
    yield made
    made.close()


@pytest.fixture
def app(district: CalledDistrict, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setattr(signing, "_verify", lambda password, hashed: True)
    store = FakeAccountStore()
    for name, station in STATIONS.items():
        store.put_account(Account(name, Role.DISPATCHER, "x", 0, 0, station))
    store.put_account(Account("Rina", Role.OPERATOR, "x", 0, 0))
    return create_app(
        reader=district.store,
        operate=district.operator,
        disclosures=FakeDisclosures(),
        sign_ins=FakeSignIns(),
        accounts=accounts_on(store, district.clock),
        notifier=FakeBell(),
        options=ConsoleOptions(SITE, Mode.ACTUAL, "en", b"k" * 32),
        clock=district.clock,
        jurisdictions=jurisdictions(district),
    )


def jurisdictions(district: CalledDistrict) -> Jurisdictions:
    return Jurisdictions(Router(district.store, UTC, 100), Origins(district.store), district.clock)


def browser(app: FastAPI, name: str) -> TestClient:
    client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
    assert client.post("/sign-in", data={"name": name, "password": "x"}).status_code == 303
    return client


@pytest.mark.parametrize(
    ("name", "own"),
    [("Sw", {1, 3}), ("Ne", {2, 3, 4}), ("Polres", {1, 2, 3, 4}), ("Gone", {1, 2, 3, 4}), ("Rina", {1, 2, 3, 4})],
)
def test_each_list_and_each_call_is_his_jurisdictions(app: FastAPI, name: str, own: set[int]) -> None:
    client = browser(app, name)
    for path in ("/", "/incidents", "/incidents?ids=1,2,3,4"):
        page = client.get(path).text
        assert {number for number in (1, 2, 3, 4) if f'data-id="{number}"' in page} == own, path
    for number in (1, 2, 3, 4):
        may = 200 if number in own else 403
        assert client.get(f"/incidents/{number}").status_code == may
        assert client.get(f"/incidents/{number}/calls").status_code == may
        assert (client.get(f"/incidents/{number}/photographs/1").status_code == 403) is (may == 403)
        assert (client.post(f"/incidents/{number}/nik").status_code == 403) is (may == 403)
    assert client.get("/incidents/99").status_code == 404


def test_steps_on_others_are_refused_and_nothing_is_changed(app: FastAPI, district: CalledDistrict) -> None:
    client = browser(app, "Sw")
    last = district.store.last_journal_id()
    for step, form in (("seen", {}), ("assign", {"unit": "Raimas 1"}), ("close", {"disposition": "verified"})):
        answer = client.post(f"/incidents/2/{step}", data=form)
        assert answer.status_code == 403 and "jurisdiction" in answer.text
    for path in ("/incidents/99/seen", "/api/v1/incidents/99/seen"):
        assert client.post(path).status_code == 404, "there is no such call: nobody else has it"
    assert district.store.last_journal_id() == last
    assert client.post("/incidents/1/seen").status_code == 200
    found = district.store.incident(2)
    assert found is not None
    answer = client.post("/majors/1/seen", data={"calls": f"2:{found.progress}:1:1"})
    assert answer.json() == {"done": [], "left": [2]}


@pytest.mark.parametrize("written", ["2.0", "2.", "+2", "0_2", "%32.0", "%32", "02", "\u0662", "2" * 5_000])
def test_no_other_way_to_write_a_number_opens_anothers_call(
    app: FastAPI, district: CalledDistrict, written: str
) -> None:
    client, last = browser(app, "Sw"), district.store.last_journal_id()
    for step, form in (("seen", {}), ("assign", {"unit": "Raimas 1"}), ("nik", {})):
        answer = client.post(f"/incidents/{written}/{step}", data=form)
        assert answer.status_code in (403, 422), (written, step)
    assert client.get(f"/incidents/{written}").status_code in (403, 422)
    assert district.store.last_journal_id() == last
    if not written.strip("%").isdecimal():
        assert browser(app, "Rina").post(f"/incidents/{written}/seen").status_code in (404, 422)


def test_he_joins_no_call_of_his_to_anothers(app: FastAPI, district: CalledDistrict) -> None:
    client, last = browser(app, "Sw"), district.store.last_journal_id()
    for number in (2, 4, 99):
        answer = client.post("/incidents/1/major", data={"number": number})
        assert answer.status_code == 403 and "jurisdiction" in answer.text, number
        assert client.post("/api/v1/incidents/1/major", json={"number": number}).json()["key"] == "error.not_yours"
    assert district.store.last_journal_id() == last
    assert client.post("/incidents/1/major", data={"number": 3}).status_code == 200
    district.press(IN_SW, 5)
    assert browser(app, "Rina").post("/incidents/2/major", data={"number": 1}).status_code == 200
    joined = district.store.incident(2)
    assert joined is not None and joined.cluster is not None
    assert client.post("/incidents/5/major", data={"number": joined.cluster}).status_code == 200, (
        "one of its calls is his"
    )


def test_the_live_stream_tells_of_his_calls_alone_and_loses_none(app: FastAPI, district: CalledDistrict) -> None:
    streams = app.state.context.streams
    own = JurisdictionReader(district.store, jurisdictions(district), "polsek-sw")

    async def rows(stream: AsyncIterator[bytes]) -> set[int]:
        found = set[int]()
        async for chunk in stream:
            for line in chunk.decode().splitlines():
                if line.startswith("data: ") and '"incident"' in line:
                    found.add(json.loads(line.removeprefix("data: "))["incident"])
            if "event: tick" in chunk.decode():
                return found
        return found

    assert {each for each in asyncio.run(rows(streams.stream(0, lambda: True, own))) if each} == {1, 3}
    assert {each for each in asyncio.run(rows(streams.stream(0, lambda: True))) if each} == {1, 2, 3, 4}


class LongList:
    """A reader of calls 3000 .. 1 in pieces, in each of which the highest cannot be read."""

    def __init__(self, place: Incident) -> None:
        self.place = place

    def found_incidents(self, wanted: IncidentSearch, before: int, limit: int) -> list[Incident]:
        numbers = range(min(before - 1, 3_000), 0, -1)[:limit]
        return [copied(self.place, id=each) for each in numbers[1:]]


def test_a_search_goes_on_past_what_cannot_be_read_and_says_where_it_was_cut(
    app: FastAPI, district: CalledDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = district.store.incident(2)
    assert foreign is not None
    long: Any = LongList(foreign)
    his = jurisdictions(district)
    monkeypatch.setattr(his, "sees", lambda station, incident: incident.id == 7)
    reader = JurisdictionReader(long, his, "polsek-sw")
    assert [each.id for each in reader.found_incidents(IncidentSearch(), 2**62, 51)] == [7]
    monkeypatch.setattr(jurisdiction, "_MOST_PAGES", 2)
    cut = reader.found_incidents(IncidentSearch(), 2**62, 51)
    assert isinstance(cut, CutSearch) and not cut and 1 < cut.before < 3_000
    while isinstance(cut, CutSearch) and not cut:
        cut = reader.found_incidents(IncidentSearch(), cut.before, 51)
    assert [each.id for each in cut] == [7]
    monkeypatch.setattr(jurisdiction, "_MOST_PAGES", 1)
    monkeypatch.setattr(jurisdiction, "_AT_ONCE", 1)
    page = browser(app, "Sw").get("/search").text  # call 4 is another's
    assert "Search on" in page and "/search?&amp;before=4" in page and "No call fits" not in page


def test_in_doubt_he_sees_it(district: CalledDistrict) -> None:
    found = district.store.incident(2)
    assert found is not None
    his = jurisdictions(district)
    assert not his.sees("polsek-sw", found)
    assert his.sees("polsek-gone", found), "his station is on the list no more"
    district.store.close()
    assert jurisdictions(district).sees("polsek-ne", found), "nothing can be read"
