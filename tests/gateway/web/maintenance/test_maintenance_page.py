"""The page for installers, on a real store: cases, closing them, every device at a glance, in a real browser."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway.fake_ports import RunningClock
from gateway.sample_site import SITE
from gateway.web.browser_fixtures import chromium, operator
from gateway.web.conftest import OPERATOR, ORIGIN, ServedConsole
from gateway.web.console_fakes import Book, FakeBell, on_book
from gateway.web.console_operator import Seat
from gateway.web.maintenance_fleet import HOUR, WANTED, device_id, fleet_desk, make_fleet
from siaga_gateway.adapters.interprocess_link import PressesSilent
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.battery_history import day_of
from siaga_gateway.domain.incident import Mode
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.fleet.supervision import Supervisor
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.web.app import ConsoleOptions
from waiting import ENDS_S

__all__ = ["chromium", "operator"]  # fixtures


@dataclass
class Page:
    store: SqlStore
    browser: TestClient

    def text(self, path: str = "/maintenance") -> str:
        answer = self.browser.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def labels(self, path: str = "/maintenance") -> list[str]:
        table = self.text(path).partition('id="devices"')[2]
        return re.findall(r'<th scope="row">([^<]+) <span class="mono">', table)


def seated(folder: Path, count: int, silent: range = range(0), language: str = "id") -> Page:
    notifier, clock = FakeBell(), RunningClock()
    store = make_fleet(folder, notifier, clock, count, silent)
    options = ConsoleOptions(SITE, Mode.ACTUAL, language, b"k" * 32)
    app = on_book(Book(notifier), notifier, clock, options, fleet_desk(store, notifier, clock))
    browser = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
    assert browser.post("/sign-in", data={"name": OPERATOR}).status_code == 303
    return Page(store, browser)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    made = seated(tmp_path, 8)
    yield made
    made.browser.close()
    made.store.close()


def test_only_who_is_signed_in_sees_it(page: Page) -> None:
    page.browser.cookies.clear()
    answer = page.browser.get("/maintenance")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert page.browser.post("/maintenance/cases/1/close", data={"note": "x"}).status_code == 401
    assert len(page.store.open_cases()) == 3


def test_cases_are_told_in_words_and_the_console_has_a_way_there(page: Page) -> None:
    text = page.text()
    for words in ("baterai lemah", "8 %", "kotak dibuka", "TERBUKA", "firmware lama", "1.1.4", "ditangguhkan"):
        assert words in text
    assert "belum pernah" in text and "Wati" not in text and "9900000000000001" not in text
    console = page.text("/")
    assert 'href="/maintenance" target="_blank"' in console, "a page of its own: the alarm stays where it is"


def test_a_case_is_closed_with_a_note_by_whoever_is_signed_in(page: Page) -> None:
    case = page.store.open_cases()[0]
    answer = page.browser.post(f"/maintenance/cases/{case.id}/close", data={"note": " baterai diganti "})
    assert (answer.status_code, answer.headers["location"]) == (303, "/maintenance")
    assert case.device_id is not None
    closed = page.store.cases_of(case.device_id)[0]
    assert (closed.closed_by, closed.note) == (OPERATOR, "baterai diganti")
    (entry,) = [entry for entry in page.store.journal_after(0) if entry.kind == journal.MAINTENANCE_CLOSED]
    assert (entry.actor, entry.device_id) == (OPERATOR, case.device_id)

    again = page.browser.post(f"/maintenance/cases/{case.id}/close", data={"note": "x"})
    assert again.status_code == 409 and "sudah ditutup" in again.text
    unsaid = page.browser.post("/maintenance/cases/2/close", data={"note": "  "})
    assert unsaid.status_code == 422 and "Tulis apa yang dikerjakan" in unsaid.text
    elsewhere = page.browser.post("/maintenance/cases/2/close", data={"note": "x"}, headers={"Origin": "http://evil"})
    assert elsewhere.status_code == 403


def test_devices_are_paged_found_and_filtered(tmp_path: Path) -> None:
    page = seated(tmp_path, 120)
    seen: list[str] = []
    path = "/maintenance"
    while True:
        seen += page.labels(path)
        links = re.findall(r'href="([^"]+)">Halaman berikutnya', page.text(path))
        if not links:
            break
        path = links[-1].replace("&amp;", "&")
    assert len(seen) == 120 == len(set(seen)) and seen == sorted(seen)
    assert page.labels("/maintenance?q=apotek+contoh&open=1") == ["Apotek Contoh, meja depan 0001"]
    assert page.labels("/maintenance?open=1") == [
        "Apotek Contoh, meja depan 0001",
        "Gudang Contoh, pintu 0002",
        "Pos Contoh Kalianda 0003",
    ]
    assert page.labels(f"/maintenance?q={device_id(77).hex()[:16]}") == ["Apotek Contoh, meja depan 0077"]
    assert page.labels("/maintenance?q=%25") == []
    for wrong in ("after=xyz", "fold=0", "cases_after=-1", f"q={'x' * 101}"):
        assert page.browser.get(f"/maintenance?{wrong}").status_code == 422
    page.browser.close()
    page.store.close()


def test_many_at_once_are_one_line_that_opens(tmp_path: Path) -> None:
    page = seated(tmp_path, 80, range(10, 80), language="en")
    ((fold, members),) = page.store.open_folds()
    text = page.text()
    assert members == 70 and "70 buttons at once: does not check in" in text
    assert text.count("/close") == 4, "three cases and the fold"
    shown = page.text(f"/maintenance?fold={fold.id}")
    assert shown.count("silent for 1 d") == 50 and "Next page" in shown
    assert page.browser.post(f"/maintenance/cases/{fold.id}/close", data={"note": "a mast is down"}).status_code == 303
    assert page.store.open_folds() == [] and len(page.store.open_cases()) == 3
    page.browser.close()
    page.store.close()


def test_a_case_whose_closing_is_not_answered_says_that_nobody_knows_and_keeps_what_was_typed(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object, **__: object) -> None:
        raise PressesSilent("front.silent", seconds=8)

    monkeypatch.setattr(MaintenanceCases, "close", silent)
    answer = page.browser.post("/maintenance/cases/1/close", data={"note": "baterai diganti"})
    assert answer.status_code == 503
    assert "BELUM DIKETAHUI" in answer.text and "baterai diganti" in answer.text


def test_a_case_that_another_closed_says_so_and_keeps_what_was_typed(tmp_path: Path) -> None:
    page = seated(tmp_path, 8, range(4, 8), language="en")
    form = re.search(r'action="(/maintenance/cases/(\d+)/close\?level=\d+)"', page.text())
    assert form is not None
    assert page.browser.post(form[1], data={"note": "baterai diganti"}).status_code == 303
    answer = page.browser.post(form[1], data={"note": "antena <patah>"})
    told = html.unescape(answer.text)
    assert answer.status_code == 409 and f"Case {form[2]} was closed already by {OPERATOR}" in told
    assert "baterai diganti" in told and "antena <patah>" in told
    page.browser.close()
    page.store.close()


def test_installers_read_it_and_close_a_case_on_each_screen(
    tmp_path: Path, served: Callable[..., ServedConsole], operator: Seat
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    make_fleet(tmp_path, FakeBell(), RunningClock(), 90, range(20, 60)).close()
    console = served(fleet=str(tmp_path))
    rina = operator(console)
    rina.start_duty()
    page = rina.page
    with page.context.expect_page() as opened:
        page.click("text=Perawatan")
    upkeep = opened.value
    upkeep.set_default_timeout(1000 * ENDS_S)
    upkeep.on("pageerror", lambda error: rina.complaints.append(f"error: {error}"))
    upkeep.wait_for_selector("text=40 tombol sekaligus: tidak melapor")
    assert page.get_attribute("#link", "data-state") == "up", "the console goes on"
    page.set_viewport_size({"width": 1024, "height": 768})
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024, "the way there fits beside the rest"
    findings = axe.Axe().run(upkeep).response["violations"]
    upkeep.click("table .closing summary >> nth=0")
    findings += axe.Axe().run(upkeep).response["violations"]
    told = {(each["id"], node["html"][:160]) for each in findings for node in each["nodes"]}
    assert told == set()
    for width, height in ((1024, 768), (1366, 768), (1920, 1080), (390, 844)):
        upkeep.set_viewport_size({"width": width, "height": height})
        assert upkeep.evaluate("document.documentElement.scrollWidth") <= width, "only tables scroll sideways"
    upkeep.set_viewport_size({"width": 1366, "height": 768})
    upkeep.fill("table textarea >> nth=0", "baterai diganti")
    upkeep.click("table .closing button >> nth=0")
    upkeep.wait_for_selector("h1")
    assert "baterai lemah" not in (upkeep.text_content("main section >> nth=0") or "")
    upkeep.fill("#q", "Gudang")
    upkeep.keyboard.press("Enter")
    upkeep.wait_for_selector("text=Gudang Contoh, pintu 0002")
    assert upkeep.locator("text=Apotek").count() == 0


@pytest.mark.parametrize(("language", "words"), [("id", "3 hari tanpa tanda tangan"), ("en", "no signature for 3 d")])
def test_a_case_of_missing_signatures_says_for_how_long(tmp_path: Path, language: str, words: str) -> None:
    page = seated(tmp_path, 8, language=language)
    now_ms = RunningClock().now_ms()
    watched = page.store.watched_by([device_id(6)])[device_id(6)]
    assert watched.status is not None
    silent = replace(watched.status, mac_since_ms=now_ms - 72 * HOUR, mac_until_ms=now_ms)
    with page.store.transaction() as transaction:
        transaction.put_status(silent)
    Supervisor(page.store, FakeBell(), RunningClock(), WANTED, ways=lambda: {"mqtt": True}).look(now_ms)
    assert f"<td>{words}</td>" in page.text()
    page.browser.close()
    page.store.close()


def test_the_longest_cause_breaks_no_word_of_another_column(
    tmp_path: Path, served: Callable[..., ServedConsole], operator: Seat
) -> None:
    clock = RunningClock()
    store = make_fleet(tmp_path, FakeBell(), clock, 8)
    watched = store.watched_by([device_id(6)])[device_id(6)].status
    assert watched is not None
    with store.transaction() as transaction:
        transaction.put_status(replace(watched, mac_since_ms=clock.now_ms() - 72 * HOUR, mac_until_ms=clock.now_ms()))
    Supervisor(store, FakeBell(), clock, WANTED, ways=lambda: {"mqtt": True}).look(clock.now_ms())
    store.close()
    rina = operator(served(fleet=str(tmp_path)))
    rina.sign_in()
    rina.page.goto(f"{rina.console.url}/maintenance")
    rina.see(".devices .cause", "dua hari tanpa tanda tangan")
    lines = rina.page.locator(".devices tbody td:nth-of-type(5)").evaluate_all(
        "cells => cells.map(cell => { const words = document.createRange(); words.selectNodeContents(cell);"
        " return words.getClientRects().length; })"
    )
    assert len(lines) == 8 and set(lines) == {1}


def test_a_buttons_battery_and_signal_of_the_last_months_are_plotted(page: Page) -> None:
    link = f"/maintenance/buttons/{device_id(1).hex()}"
    assert link in page.text()
    assert "<svg" not in page.text(link), "nothing is known yet"
    today = day_of(RunningClock().now_ms())
    with page.store.transaction() as transaction:
        for ago in range(1, 4):
            transaction.add_day(device_id(1), today - ago, bytes([90 - ago, 256 - 80]) * 24)
        transaction.add_day(device_id(1), today - 40, bytes([99, 256 - 70]))
    told = page.text(link)
    assert ">−120</text>" in told
    assert told.count("<svg") == 2 and told.count("<polyline") == 2 and told.count("<circle") == 2
    assert "Apotek Contoh, meja depan 0001" in told
    assert page.browser.get(f"/maintenance/buttons/{'0' * 16}").status_code == 404
    assert page.browser.get("/maintenance/buttons/x").status_code == 422


def test_a_sim_card_is_recorded_on_the_buttons_page(page: Page) -> None:
    address = f"/maintenance/buttons/{device_id(6).hex()}"
    typed = {"number": "+620000000009", "operator": "Contoh Sel", "active_until": "2027-12-31", "quota_mb": "90"}
    wrong = page.browser.post(f"{address}/sim", data={**typed, "active_until": "31/12"})
    assert wrong.status_code == 409 and "31/12" in wrong.text and 'value="+620000000009"' in wrong.text, "nothing lost"
    assert page.store.sims([device_id(6)])[device_id(6)].number is None
    answer = page.browser.post(f"{address}/sim", data=typed)
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    shown = page.text(address)
    for value in typed.values():
        assert f'value="{value}"' in shown
    assert page.browser.post(f"{address}/sim", data=typed, headers={"Origin": "http://evil"}).status_code == 403
    told = page.browser.app.state.context.disclosures.told  # type: ignore[attr-defined]
    owner = page.store.enrolled([device_id(6)])[device_id(6)].device.owner_id
    assert told == [(OPERATOR, "sim_number", (owner,))], "who saw the number is noted, not who typed it"
    page.text(f"/maintenance/buttons/{device_id(7).hex()}")
    assert len(told) == 1, "there is no number"


def test_a_card_with_little_data_is_a_case_and_found(page: Page) -> None:
    address = f"/maintenance/buttons/{device_id(6).hex()}"
    assert page.browser.post(f"{address}/sim", data={"quota_mb": "7"}).status_code == 303
    Supervisor(page.store, FakeBell(), RunningClock(), WANTED, ways=lambda: {"mqtt": True}).look(
        RunningClock().now_ms()
    )
    assert "kuota kartu SIM hampir habis" in page.text() and "tersisa 7 MB" in page.text()
    assert [label[-4:] for label in page.labels("/maintenance?sim=low")] == ["0006"]


def test_the_fleet_is_filtered_plotted_and_saved_as_a_file(page: Page) -> None:
    with page.store.transaction() as transaction:
        now_ms = RunningClock().now_ms()
        for day in range(1, 4):
            hours = bytes([90 - 10 * day, 0]) * 24
            transaction.add_day(device_id(6), day_of(now_ms) - day, hours)
    assert len(page.labels("/maintenance?battery=10&state=&version=&silent=&station=&sim=")) == 1
    assert page.labels("/maintenance?version=1.2.0")[0].endswith("0003")
    assert page.labels("/maintenance?station=nowhere") == []
    assert page.browser.get("/maintenance?battery=x").status_code in (400, 422)
    text = page.text()
    points = re.search(r'class="spark"[^>]*>\s*<polyline points="([^"]+)"', text)
    assert points is not None and len(points[1].split()) >= 3, "a plot for what is known of three days"
    answer = page.browser.get("/maintenance.csv?version=1.2.0")
    assert answer.status_code == 200 and answer.content.startswith(b"\xef\xbb\xbf")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 2 and lines[1].startswith(device_id(3).hex()) and "1.1.4" in lines[1] and ";-87;" in lines[1]
    assert "Wati" not in answer.text
    assert len(page.browser.get("/maintenance.csv").content.splitlines()) == 9
    assert "Unduh sebagai CSV" in text and 'href="/maintenance.csv"' in text


def test_a_disk_that_fills_is_told_above_the_cases(page: Page) -> None:
    state = page.browser.app.state  # type: ignore[attr-defined]
    assert "disk" not in page.text().lower()
    state.context = replace(state.context, machine=lambda: [{"fault": "disk_low", "free_mb": 900}])
    assert "Disk gateway makin penuh: tersisa 900 MB" in page.text()
