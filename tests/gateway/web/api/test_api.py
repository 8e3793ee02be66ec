"""The API as a program uses it, on the console's fakes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from gateway.fake_account_store import FakeAccountStore, accounts_on
from gateway.web.conftest import ORIGIN, Console
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.api_tokens import GRANTABLE, hash_of
from siaga_gateway.domain.permissions import Permission, Role
from siaga_gateway.web.api.openapi import description
from siaga_gateway.web.session.route_table import ROUTES

TOKEN, READER = ("siaga_" + letter * 43 for letter in "ab")
NIK = "9900000000000001"


class Program:
    """A client with a token for everything, and one that only reads."""

    def __init__(self, console: Console, **more: Any) -> None:
        self.console, self.book = console, console.book
        store = FakeAccountStore()
        store.put_account(Account("Contoh Admin", Role.ADMINISTRATOR, "x", 0, 0))
        tokens, ends_ms = accounts_on(store, console.clock).tokens, console.clock.now_ms() + 86_400_000
        tokens.make("CAD Contoh", hash_of(TOKEN) or "", [each.value for each in GRANTABLE], ends_ms, "Dewi")
        tokens.make("Peta Contoh", hash_of(READER) or "", [Permission.INCIDENTS_READ.value], ends_ms, "Dewi")
        app = console.make(accounts=store, **more).app
        self.streams = app.state.context.program_streams  # type: ignore[attr-defined]
        self.all, self.reader = (
            TestClient(app, base_url=f"{ORIGIN}/api/v1", headers={"Authorization": f"Bearer {token}"})
            for token in (TOKEN, READER)
        )

    def step(self, name: str, body: dict[str, Any] | None = None, number: int = 1, **headers: str) -> httpx.Response:
        return self.all.post(f"incidents/{number}/{name}", json=body, headers=headers)

    def incident(self, number: int = 1) -> tuple[dict[str, Any], str]:
        answer = self.all.get(f"incidents/{number}")
        assert answer.status_code == 200, answer.text
        return answer.json(), answer.headers["ETag"]


@pytest.fixture
def program(console: Console) -> Iterator[Program]:
    made = Program(console)
    yield made
    for each in (made.all, made.reader):
        each.close()


def test_an_incident_goes_from_seen_to_closed_in_the_programs_name(program: Program) -> None:
    program.book.press(1)
    steps: list[tuple[str, dict[str, Any] | None, str]] = [
        ("seen", None, "seen"),
        ("assign", {"unit": "Sabhara  12", "eta_minutes": 8}, "assigned"),
        ("on-scene", None, "on_scene"),
        ("note", {"note": "Pintu terkunci."}, "on_scene"),
        ("close", {"disposition": "verified", "note": "Selesai."}, "closed"),
    ]
    for name, body, state in steps:
        answer = program.step(name, body)
        assert answer.status_code == 200, (name, answer.text)
        assert answer.json()["state"] == state
        assert answer.headers["ETag"] == program.incident()[1]
    found, _ = program.incident()
    assert (found["unit"], found["closed_by"], found["disposition"]) == ("Sabhara 12", "API: CAD Contoh", "verified")
    told = program.all.get("incidents/1/timeline", headers={"Accept-Language": "en"}).json()["items"]
    assert {each["actor"] for each in told} >= {"API: CAD Contoh"} and told[0]["kind"] == "closed"
    assert told[0]["text"] != program.all.get("incidents/1/timeline").json()["items"][0]["text"], "in two languages"


def test_whoever_was_faster_is_told_with_the_incident_as_it_is(program: Program) -> None:
    program.book.press(1)
    _, before = program.incident()
    assert program.step("seen", **{"If-Match": before}).status_code == 200
    refused = program.step("assign", {"unit": "Sabhara 12"}, **{"If-Match": before})
    assert refused.status_code == 412 and refused.headers["Content-Type"] == "application/problem+json"
    told = refused.json()
    assert (told["key"], told["incident"]["state"]) == ("operate.overtaken", "seen")
    _, now = program.incident()
    assert program.step("assign", {"unit": "Sabhara 12"}, **{"If-Match": now}).status_code == 200
    found = program.book.incident(1)
    assert found is not None
    program.book.assign(1, "Rina", "Reskrim 3", None, shown=found.progress)
    without = program.step("assign", {"unit": "Sabhara 14"})
    assert without.status_code == 409 and without.json()["incident"]["unit"] == "Reskrim 3"
    unknown = program.step("seen", number=99)
    assert (unknown.status_code, unknown.json()["key"]) == (404, "error.unknown_incident")


def test_an_etag_saves_reading_again_and_a_position_refuses_no_step(program: Program) -> None:
    program.book.press(1)
    _, tag = program.incident()
    told = len(program.console.disclosures.told)
    same = program.all.get("incidents/1", headers={"If-None-Match": tag})
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    assert len(program.console.disclosures.told) == told, "nobody was shown"
    program.book.press(1)  # again
    assert program.incident()[1] != tag
    assert program.step("seen", **{"If-Match": tag}).status_code == 200


def test_pages_go_through_all_of_them_once_and_filters_hold(program: Program) -> None:
    for number in range(1, 8):
        program.book.press(number)
    program.step("close", {"disposition": "accidental"}, number=3)
    seen, cursor = list[int](), None
    while True:
        page = program.all.get("incidents", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        assert page["unreadable"] == []
        seen += [each["id"] for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
        program.book.press(int(cursor) + 100)  # what comes meanwhile moves no page
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    closed = program.all.get("incidents", params={"state": "closed"}).json()["items"]
    assert [each["id"] for each in closed] == [3]
    both = program.all.get("incidents", params={"state": ["closed", "open"], "limit": 200}).json()["items"]
    assert {each["id"] for each in both} >= set(range(1, 8))
    none = program.all.get("incidents", params={"opened_before": "2001-01-01T00:00:00Z"}).json()
    assert none == {"items": [], "unreadable": [], "next_cursor": None}
    for wrong in ({"cursor": "x"}, {"limit": 0}, {"limit": 201}, {"state": "asleep"}, {"opened_from": "yesterday"}):
        answer = program.all.get("incidents", params=wrong)
        assert (answer.status_code, answer.json()["key"]) == (422, "error.form"), wrong


def test_who_is_shown_whom_is_noted_under_the_programs_name(program: Program) -> None:
    program.book.press(1)
    program.console.disclosures.told.clear()
    found, _ = program.incident()
    program.all.get("incidents")
    assert program.console.disclosures.told == [
        ("API: CAD Contoh", "incident", (1,)),
        ("API: CAD Contoh", "queue", (1,)),
    ]
    owner = found["owner"]
    assert owner["nik"].startswith("•") and owner["nik"][-4:].isdecimal() and owner["name"]
    full = program.all.post("incidents/1/nik").json()["nik"]
    assert full.isdecimal() and program.console.disclosures.told[-1] == ("API: CAD Contoh", "nik", (1,))


def test_map_and_table_hold_no_person(program: Program) -> None:
    program.book.press(1, label="=2+3")
    program.book.press(2)
    program.step("close", {"disposition": "accidental"}, number=2)
    drawn = program.reader.get("incidents.geojson").json()
    assert drawn["type"] == "FeatureCollection" and [each["id"] for each in drawn["features"]] == [1]
    rows = list(
        csv.DictReader(io.StringIO(program.reader.get("incidents.csv").content.decode("utf-8-sig")), delimiter=";")
    )
    assert [(each["id"], each["state"]) for each in rows] == [("2", "closed"), ("1", "open")]
    owner = program.incident()[0]["owner"]
    for told in (json.dumps(drawn), str(rows)):
        assert owner["name"] not in told and owner["phone"] not in told
    assert "table" not in {what for _, what, _ in program.console.disclosures.told}


def test_a_place_south_of_the_equator_is_a_number_in_the_table(program: Program) -> None:
    program.book.press(1, latitude=-53_512_345, longitude=1_052_000_000)
    lines = program.reader.get("incidents.csv").content.decode("utf-8-sig").split("\r\n")
    (row,) = csv.DictReader(lines, delimiter=";")
    assert (row["latitude"], row["longitude"], row["closed_at"], row["duress"]) == ("-5.3512345", "105.2", "", "0")


def test_a_scope_that_is_lacking_is_named(program: Program) -> None:
    program.book.press(1)
    assert program.reader.get("incidents/1").status_code == 200
    refused = program.reader.post("incidents/1/seen", headers={"Accept-Language": "en"})
    assert refused.status_code == 403 and "incidents.step" in refused.json()["detail"]
    assert program.reader.get("figures").status_code == 403


def test_a_misspelt_field_is_refused_and_nothing_is_done(program: Program) -> None:
    program.book.press(1)
    for body in ({"unit": "A 1", "eta": 8}, {"unit": " "}, {"unit": "A 1", "eta_minutes": -1}, {}):
        assert program.step("assign", body).status_code == 422, body
    assert program.incident()[0]["state"] == "open"


def test_events_are_replayed_from_where_a_client_was_and_end_with_the_token(program: Program) -> None:
    program.book.press(1)
    program.book.press(2)
    found = list[str]()
    with program.all.stream("GET", "events", headers={"Last-Event-ID": "1"}) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            found.append(line)
            if line.startswith("event: tick"):
                program.streams.close()
    rows = [json.loads(line.removeprefix("data: ")) for line in found if line.startswith('data: {"kind')]
    assert [(each["kind"], each["incident"]) for each in rows] == [("incident_opened", 2)]


def test_the_description_has_every_route_with_its_scope_and_a_way_to_be_refused() -> None:
    told = {(method.upper(), f"{path}") for path, methods in description()["paths"].items() for method in methods}
    declared = {each for each in ROUTES if each[1].startswith("/api/v1/")}
    assert told == declared - {("GET", "/api/v1/openapi.json")}
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"] and operation["operationId"] and operation["tags"], path
            assert {"401", "403", "422", "429", "503"} <= operation["responses"].keys(), (path, method)
            needed = ROUTES[(method.upper(), path)]
            assert operation["x-scope"] == (needed.value if isinstance(needed, Permission) else None), path
