"""The survey map on a real store: what it tells, of whom it does not, and how it looks on a screen and a phone."""

from __future__ import annotations

import csv
import html
import io
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway.fake_ports import RunningClock
from gateway.sample_site import SITE
from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import OPERATOR, ORIGIN, ServedConsole
from gateway.web.console_fakes import Book, FakeBell, on_book
from gateway.web.console_operator import Seat
from gateway.web.maintenance_fleet import fleet_desk, open_fleet
from siaga_gateway.domain.coverage import LEAST, CellMonth, cell_at, month_of
from siaga_gateway.domain.device_report import Bearer
from siaga_gateway.domain.incident import Mode
from siaga_gateway.service.fleet.coverage_survey import CoverageReport
from siaga_gateway.web.app import ConsoleOptions
from waiting import ENDS_S

__all__ = ["chromium", "operator"]  # fixtures

ENOUGH = (1 << LEAST) - 1
METRO = (-51_100_000, 1_053_000_000)


def survey(folder: Path) -> None:
    """Some cells around Metro: strong in the town, weak in the south; one that too few reported from."""
    month, chance = month_of(time.time_ns() // 1_000_000), random.Random(7)
    store = open_fleet(folder)
    cells = {}
    for north in range(-6, 6):
        for east in range(-6, 6):
            cell = cell_at(METRO[0] + north * 100_000, METRO[1] + east * 100_000)
            samples = chance.randrange(20, 900)
            weak = samples * max(0, -north) // 7
            dbm = -(78 - 4 * min(north, 0)) * samples
            cells[cell] = CellMonth(month, 1, cell, Bearer.LTE, ENOUGH, samples, weak, dbm)
    far = cell_at(-58_000_000, 1_041_000_000)
    cells[far] = CellMonth(month, 1, far, Bearer.LTE, 1, 500, 500, -60_000)
    sms = cell_at(METRO[0] - 600_000, METRO[1])
    told = [
        *(each for each in cells.values() if each.classes == ENOUGH),
        CellMonth(month, 1, sms, Bearer.SMS, ENOUGH, 300, 300, -33_000),
        CellMonth(month, 1, sms, Bearer.LORAWAN, ENOUGH, 9, 0, -900),
        CellMonth(month - 2, 1, far, Bearer.LTE, ENOUGH, 140, 0, -11_200),
    ]
    with store.engine.transaction() as session:
        for each in told:
            session.run("INSERT INTO coverage_told VALUES (?, ?, ?, ?, ?, ?, ?, ?)", each)
    with store.transaction() as transaction:
        transaction.gather_coverage([cells[far]])
    store.close()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Callable[[str], TestClient]]:
    survey(tmp_path)
    store, clock, bell = open_fleet(tmp_path), RunningClock(), FakeBell()
    browsers: list[TestClient] = []

    def seated(language: str) -> TestClient:
        options = ConsoleOptions(SITE, Mode.ACTUAL, language, b"k" * 32)
        report = CoverageReport(store, clock)
        app = on_book(Book(bell), bell, clock, options, fleet_desk(store, bell, clock), signal=report)
        headers = {"Origin": ORIGIN, "Accept": "text/html"}
        browsers.append(TestClient(app, base_url=ORIGIN, headers=headers, follow_redirects=False))
        assert browsers[-1].post("/sign-in", data={"name": OPERATOR}).status_code == 303
        return browsers[-1]

    yield seated
    for each in browsers:
        each.close()
    store.close()


def test_only_who_is_signed_in_sees_it(page: Callable[[str], TestClient]) -> None:
    browser = page("en")
    assert 'href="/signal"' in browser.get("/maintenance").text
    browser.cookies.clear()
    for path in ("/signal", "/signal.csv", "/signal.geojson"):
        assert browser.get(path).status_code in (303, 401), path


@pytest.mark.parametrize(("language", "words"), [("en", "mostly weak: 36"), ("id", "sebagian besar lemah: 36")])
def test_the_weakest_come_first_and_nobody_is_told(
    page: Callable[[str], TestClient], language: str, words: str
) -> None:
    text = html.unescape(page(language).get("/signal?months=1").text)
    assert words in text and "Metro" in text
    weak = [int(found) for found in re.findall(r"<td [^>]*>(\d+) %</td><td>−", text)]
    assert len(weak) == 50 and weak == sorted(weak, reverse=True)
    assert "-5.79" not in text, "one button's cell is not told"


def test_what_was_told_of_another_month_is_added(page: Callable[[str], TestClient]) -> None:
    browser = page("en")
    assert "-5.795, 104.105" not in browser.get("/signal.geojson?months=2").text
    found = browser.get("/signal.geojson?months=3").json()["features"]
    (there,) = [each for each in found if each["geometry"]["coordinates"][0][0] == [104.1, -5.8]]
    assert there["properties"] == {"dbm": -80, "weak": 0, "checkins": 100}


@pytest.mark.parametrize(("language", "first"), [("en", "-5.17"), ("id", "-5,17")])
def test_the_same_as_a_file(page: Callable[[str], TestClient], language: str, first: str) -> None:
    browser = page(language)
    answer = browser.get("/signal.csv?months=1")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert len(lines) == 1 + 144 and len(set(map(len, lines))) == 1
    by_sms = [line for line in lines[1:] if line[7] != "0"]
    assert len(by_sms) == 1 and by_sms[0][0] == first
    assert all(int(line[4]) % 50 == 0 for line in lines[1:])
    lorawan = browser.get("/signal.csv?network=lorawan").content.decode("utf-8-sig").splitlines()
    assert len(lorawan) == 2 and lorawan[1].endswith(";0;-100;0;0")
    assert browser.get("/signal.csv?network=wifi").status_code == 422


def test_before_anything_is_known_it_says_so(tmp_path: Path) -> None:
    open_fleet(tmp_path).close()
    store, clock, bell = open_fleet(tmp_path), RunningClock(), FakeBell()
    options = ConsoleOptions(SITE, Mode.ACTUAL, "en", b"k" * 32)
    app = on_book(Book(bell), bell, clock, options, None, signal=CoverageReport(store, clock))
    browser = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN, "Accept": "text/html"})
    browser.post("/sign-in", data={"name": OPERATOR})
    assert "Nothing to show yet" in browser.get("/signal").text
    browser.close()
    store.close()


def test_surveyors_read_it_on_a_screen_and_a_phone(
    tmp_path: Path, served: Callable[..., ServedConsole], operator: Seat
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    survey(tmp_path)
    rina = operator(served(fleet=str(tmp_path)), with_map=True)
    rina.start_duty()
    rina.page.goto(f"{rina.console.url}/signal")
    rina.until("document.getElementById('map').dataset.cells === '145'", timeout_s=ENDS_S)
    findings = axe.Axe().run(rina.page).response["violations"]
    assert {(each["id"], node["html"][:160]) for each in findings for node in each["nodes"]} == set()
    for width, height in ((1366, 768), (360, 640)):
        rina.page.set_viewport_size({"width": width, "height": height})
        assert rina.page.evaluate("document.documentElement.scrollWidth") <= width, "only tables scroll sideways"
        rina.page.screenshot(path=tmp_path / f"signal-{width}.png", full_page=True)
    assert rina.justified == []
