"""The chief's page on a real store: what it says, whom it lets in, and how it looks on screens and on paper."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gateway.fake_account_store import no_accounts
from gateway.fake_ports import ManualClock
from gateway.reports.counted_calls import NOW_MS
from gateway.reports.figure_year import figure_store
from gateway.sample_site import SITE
from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import OPERATOR, ORIGIN, ServedConsole
from gateway.web.console_fakes import Book, FakeBell, FakeSignIns
from gateway.web.console_operator import Seat
from gateway.web.fake_disclosures import FakeDisclosures
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.incident import Mode
from siaga_gateway.service.reports.figure_reports import FigureReports
from siaga_gateway.web.app import ConsoleOptions, create_app
from waiting import ENDS_S

__all__ = ["chromium", "operator"]  # fixtures

SEPTEMBER = "/figures?period=month&day=2026-09-21"


class Chief:
    def __init__(self, store: SqlStore, language: str = "en") -> None:
        bell, clock = FakeBell(), ManualClock(NOW_MS)
        self.store, self.book, self.disclosures = store, Book(bell), FakeDisclosures()
        self.app: FastAPI = create_app(
            reader=self.book,
            operate=self.book,
            disclosures=self.disclosures,
            sign_ins=FakeSignIns(),
            accounts=no_accounts(clock),
            notifier=bell,
            options=ConsoleOptions(SITE, Mode.ACTUAL, language, b"k" * 32),
            clock=clock,
            figures=FigureReports(store, clock, SITE.local),
        )
        self.browser = TestClient(
            self.app, base_url=ORIGIN, headers={"Origin": ORIGIN, "Accept": "text/html"}, follow_redirects=False
        )
        assert self.browser.post("/sign-in", data={"name": OPERATOR}).status_code == 303

    def text(self, path: str = SEPTEMBER, status: int = 200) -> str:
        answer = self.browser.get(path)
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text)


@pytest.fixture
def chief(tmp_path: Path) -> Iterator[Callable[..., Chief]]:
    made: list[Chief] = []

    def sit(count: int, language: str = "en") -> Chief:
        made.append(Chief(figure_store(tmp_path, count), language))
        return made[-1]

    yield sit
    for each in made:
        each.browser.close()
        each.store.close()


def test_only_who_is_signed_in_sees_the_figures(chief: Callable[..., Chief]) -> None:
    seated = chief(1)
    seated.browser.cookies.clear()
    answer = seated.browser.get("/figures")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert seated.browser.get("/figures.csv").status_code == 401


def test_the_figures_of_a_month_name_no_person_and_leave_no_trace(chief: Callable[..., Chief]) -> None:
    seated = chief(400)
    page = seated.text()
    for words in ("Figures: All", "01-09-2026 – 30-09-2026", "Press to arrival", "Real emergency", "in 10 min"):
        assert words in page
    assert page.count('<svg class="plot') == 7
    assert "Wati" not in page and "Toko Contoh" not in page
    assert seated.disclosures.told == [] and seated.store.last_journal_id() == 0
    assert 'style="' not in page and "<style" not in page, "the policy of the page would not let it"
    assert 'href="/figures"' in seated.text("/"), "the console has a way there"


def test_rows_lead_down_to_the_stations(chief: Callable[..., Chief]) -> None:
    seated = chief(400)
    path = SEPTEMBER
    seen = []
    for name in ("Polres", "Polsek Sw"):
        found = re.findall(r'<th scope="row"><a href="([^"]+)">([^<]+)</a>', seated.text(path))
        links = {text: link for link, text in found}
        path = links[name]
        seen.append(len(links))
    assert seen == [1, 4]
    last = seated.text(path)
    assert "Figures: Polsek Sw" in last and "itself" in last


def test_the_same_as_a_file_for_a_spreadsheet(chief: Callable[..., Chief]) -> None:
    seated = chief(400, "id")
    link = re.search(r'href="(/figures\.csv[^"]+)"', seated.text(SEPTEMBER + "&station=polres"))
    assert link is not None
    answer = seated.browser.get(link[1])
    assert answer.headers["content-disposition"].endswith('"siaga-polres-2026-09-01-2026-09-30.csv"')
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert [line["Kunci"] for line in lines] == ["polsek-ne", "polsek-nw", "polsek-se", "polsek-sw", "polres"]
    assert sum(int(line["Panggilan"]) for line in lines[:-1]) == int(lines[-1]["Panggilan"])


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_one_call_make_a_page_too(chief: Callable[..., Chief], count: int, language: str) -> None:
    seated = chief(count, language)
    page = seated.text()
    assert ("<svg" in page) == bool(count)
    few = "kurang dari 5" in page.lower() or "fewer than 5" in page.lower()
    assert few == bool(count), "one call may tell who it was"
    assert seated.browser.get("/figures.csv").status_code == 200


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("day=besok", "besok is no day"),
        ("period=free&day=2026-09-02&to=2026-09-01", "the first day comes first"),
        ("period=free&day=2020-01-01&to=2026-09-01", "too many for one report"),
        ("period=year&day=9500-01-01", "give years from"),
        ("station=polsek-x", "no station polsek-x"),
    ],
)
def test_what_cannot_be_shown_is_told_above_the_form(chief: Callable[..., Chief], query: str, said: str) -> None:
    seated = chief(1)
    page = seated.text(f"/figures?{query}", 422)
    assert said in page and "<form" in page
    assert seated.browser.get(f"/figures.csv?{query}").status_code == 409
    assert seated.browser.get("/figures?period=aeon").status_code == 422


def test_chiefs_read_it_on_each_screen_and_on_paper(
    tmp_path: Path, served: Callable[..., ServedConsole], operator: Seat
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    figure_store(tmp_path, 400).close()
    rina = operator(served(figures=str(tmp_path), fleet=str(tmp_path)))
    rina.start_duty()
    rina.page.set_viewport_size({"width": 1024, "height": 768})
    assert rina.page.evaluate("document.documentElement.scrollWidth") <= 1024, "the ways there fit beside the rest"
    with rina.page.context.expect_page() as opened:
        rina.page.click('a[href="/figures"]')
    page = opened.value
    page.set_default_timeout(1000 * ENDS_S)
    page.on("console", lambda said: rina.complaints.append(said.text) if said.type == "error" else None)
    page.goto(page.url + "?period=month&day=2026-09-21&station=polres")
    page.wait_for_selector("svg.heat")
    findings = axe.Axe().run(page).response["violations"]
    assert {(each["id"], node["html"][:160]) for each in findings for node in each["nodes"]} == set()
    for width in (1366, 1920, 390):
        page.set_viewport_size({"width": width, "height": 768})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "only tables scroll sideways"
    page.set_viewport_size({"width": 703, "height": 990})  # A4 between its margins
    page.emulate_media(media="print")
    wide = (
        "[...document.querySelectorAll('.table, svg')].filter(each => each.scrollWidth > each.clientWidth + 1).length"
    )
    assert page.evaluate(wide) == 0, "nothing is cut off on paper"
    assert not page.is_visible("form.ask")
