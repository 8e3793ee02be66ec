"""The fleet on a map: which buttons, how they stand, and who sees where those are that somebody carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pwdlib.hashers.argon2 import Argon2Hasher

from gateway.fake_account_store import FakeAccountStore
from gateway.fake_ports import RunningClock
from gateway.sample_site import SITE
from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import OPERATOR, ORIGIN, ServedConsole
from gateway.web.console.test_console_map import drawn, on_map, until
from gateway.web.console_fakes import Book, FakeBell, on_book
from gateway.web.console_operator import Seat
from gateway.web.maintenance_fleet import device_id, fleet_desk, make_fleet
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.incident import Mode, Position
from siaga_gateway.domain.permissions import Role
from siaga_gateway.domain.value import copied
from siaga_gateway.service.store.expiry import LastPositionAge
from siaga_gateway.web.app import ConsoleOptions
from siaga_gateway.web.maintenance import fleet_map

__all__ = ["chromium", "operator"]  # fixtures

KEDATON = (-53_835_400, 1_052_596_000)
MINUTE = 60_000
URL = "/maintenance/map.geojson"


def fleet(folder: Path) -> SqlStore:
    """Of 8 buttons 1 to 7 are mounted, 7 and 8 silent, 4 suspended; 8 is carried, and was somewhere an hour ago."""
    store = make_fleet(folder, FakeBell(), RunningClock(), 8, range(7, 9))
    with store.transaction() as transaction:
        for number in range(1, 8):
            transaction.set_place(device_id(number), f"Toko Contoh {number}", at(number))
        transaction.lock([device_id(8)])
        status = transaction.statuses([device_id(8)])[device_id(8)]
        then_ms = RunningClock().now_ms() - 60 * MINUTE
        transaction.put_status(copied(status, position=Position(*at(8), 10, 1, "gnss", then_ms)))
    return store


def at(number: int) -> tuple[int, int]:
    return KEDATON[0] + number * 20_000, KEDATON[1]


def seated(store: SqlStore, role: Role | None = None) -> TestClient:
    """Somebody with this role; None: at a console without accounts, where everybody may nearly everything."""
    notifier, clock, accounts = FakeBell(), RunningClock(), FakeAccountStore()
    if role is not None:
        nothing = Argon2Hasher(time_cost=1, memory_cost=64).hash("-")
        station = "polsek-sw" if role is Role.DISPATCHER else None
        accounts.put_account(Account(OPERATOR, role, nothing, 0, 0, station))
    options = ConsoleOptions(SITE, Mode.ACTUAL, "en", b"k" * 32)
    desk = fleet_desk(store, notifier, clock)
    app = on_book(Book(notifier), notifier, clock, options, desk, accounts=accounts)
    client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
    assert client.post("/sign-in", data={"name": OPERATOR, "password": "-"}).status_code == 303
    return client


def disclosed(client: TestClient) -> list[Any]:
    return [each for each in client.app.state.context.disclosures.told if each[1] == "fleet_map"]  # type: ignore[attr-defined]


def told(answer: Any) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {each["properties"]["id"]: each for each in answer.json()["features"]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    made = fleet(tmp_path)
    yield made
    made.close()


def test_each_button_stands_where_it_is_mounted_by_what_is_wrong_with_it(store: SqlStore) -> None:
    client = seated(store)
    found = told(client.get(URL))
    states = [found[device_id(number).hex()]["properties"]["state"] for number in range(1, 9)]
    assert states == ["trouble", "trouble", "trouble", "off", "well", "well", "silent", "silent"]
    assert found[device_id(6).hex()]["geometry"]["coordinates"] == [at(6)[1] / 1e7, at(6)[0] / 1e7]
    assert found[device_id(7).hex()]["properties"]["words"] == "Toko Contoh 7 · silent · heard 1 d ago"
    assert "has never been heard" not in found[device_id(6).hex()]["properties"]["words"]
    page = client.get("/maintenance").text
    assert f'"fleet": "{URL}"' in page and "Pale rings" in page


def test_it_shows_the_buttons_that_the_list_shows(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    client = seated(store)
    assert set(told(client.get(f"{URL}?q=Contoh 3"))) == {device_id(3).hex()}
    assert set(told(client.get(f"{URL}?open=1&silent=6"))) == {device_id(7).hex(), device_id(8).hex()}
    assert set(told(client.get(f"{URL}?state=suspended"))) == {device_id(4).hex()}
    assert f'"fleet": "{URL}?state=suspended"' in client.get("/maintenance?state=suspended").text
    assert told(client.get(f"{URL}?q=nobody")) == {}
    monkeypatch.setattr(fleet_map, "MOST", 3)
    answer = client.get(URL)
    assert len(told(answer)) == 3 and answer.json()["more"] is True


def test_where_somebody_carried_one_sees_only_who_may_read_records_and_that_is_noted(store: SqlStore) -> None:
    carried = device_id(8).hex()
    client = seated(store)
    found = told(client.get(URL))[carried]["properties"]
    assert not found["mounted"] and found["words"].endswith("here 1 h ago")
    devices = store.enrolled([device_id(number) for number in range(1, 9)]).values()
    everybody = tuple(sorted({each.device.owner_id for each in devices}))
    assert disclosed(client) == [(OPERATOR, "fleet_map", everybody)], "where it is mounted may be a home as well"

    installer = seated(store, Role.INSTALLER)
    found = told(installer.get(URL))
    assert set(found) == {device_id(number).hex() for number in range(1, 8)}
    longitude, latitude = found[device_id(6).hex()]["geometry"]["coordinates"]
    assert (latitude, longitude) == (-5.37, 105.26) != (at(6)[0] / 1e7, at(6)[1] / 1e7), "to a kilometre"
    shown = installer.get(f"/api/v1/devices/{device_id(6).hex()}").json()
    listed = [each for each in installer.get("/api/v1/devices").json()["items"] if each["id"] == shown["id"]]
    assert {(each["latitude"], each["longitude"]) for each in (shown, *listed)} == {(-5.37, 105.26)} and listed
    shown = client.get(f"/api/v1/devices/{device_id(6).hex()}").json()
    assert (shown["latitude"], shown["longitude"]) == (at(6)[0] / 1e7, at(6)[1] / 1e7)
    assert client.app.state.context.disclosures.told[-1][1] == "places"  # type: ignore[attr-defined]
    assert "Pale rings" not in installer.get("/maintenance").text and disclosed(installer) == []
    assert seated(store, Role.DISPATCHER).get(URL).status_code == 403

    with store.transaction() as transaction:
        transaction.forget_last_positions([device_id(8)], LastPositionAge(RunningClock().now_ms(), 30 * MINUTE, 60))
    assert carried not in told(client.get(URL)), "no longer than it is kept"


def test_a_browser_draws_it_when_somebody_unfolds_it(
    served: Callable[..., ServedConsole], operator: Seat, tmp_path: Path
) -> None:
    folder = tmp_path / "fleet"
    folder.mkdir()
    fleet(folder).close()
    console = served(fleet=str(folder))
    rina = operator(console, with_map=True)
    rina.sign_in()
    rina.page.goto(f"{console.url}/maintenance#devices")
    rina.page.wait_for_load_state("load")
    loaded = "performance.getEntriesByType('resource').map(({name}) => name).filter((name) => name.endsWith('.mjs'))"
    assert rina.page.evaluate(loaded) == [], "the library comes when it is wanted"
    rina.page.click("#fleet-map summary")
    until(rina, "map !== null && document.getElementById('map').dataset.devices === '8'")
    until(rina, f"map.areTilesLoaded() && {drawn('fleet')} + {drawn('fleet-group')} > 2")
    group = "map.queryRenderedFeatures({layers: ['fleet-group']}).map(({properties: p}) => [p.worst, p.silent])"
    on_map(rina, "void map.jumpTo({center: [105.2596, -5.375], zoom: 5})")
    until(rina, f"{drawn('fleet-group')} === 1 && map.areTilesLoaded()")
    assert on_map(rina, group) == [[0, 2]], "a group looks like its worst, and says how many are silent"
    on_map(rina, f"void map.jumpTo({{center: [{at(7)[1] / 1e7}, {at(7)[0] / 1e7}], zoom: 16}})")
    until(rina, f"{drawn('fleet')} > 0 && map.areTilesLoaded()")
    rina.page.click("#map canvas")
    rina.page.wait_for_url(f"**/maintenance/buttons/{device_id(7).hex()}")
