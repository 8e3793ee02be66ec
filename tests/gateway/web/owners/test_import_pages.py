"""The page of imports on a real store: tried, shown, applied as shown; whatever somebody sends as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.fake_account_store import no_accounts
from gateway.fake_ports import ManualClock
from gateway.sample_site import SITE, WIB
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from gateway.web.owners.test_owner_pages import Desk
from pressing_button import PressingButton
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.list_imports import importers_on
from siaga_gateway.domain import accounts
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.limits import LARGEST_LIST
from siaga_gateway.domain.permissions import OF_ROLE, Role
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.dispatch import list_imports
from siaga_gateway.service.dispatch.list_imports import ImportDesk
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.web.app import ConsoleOptions, create_app
from waiting import eventually

BUTTONS = [PressingButton() for _ in range(3)]
HEAD = "frame;nama;nik;telepon;alamat;label"
STATIONS = "kunci;jenis;nama;lintang;bujur\npolsek-a;polsek;Polsek Contoh A;-5,42;105,26\n"


def button(number: int, **changes: str) -> str:
    cells = {
        "frame": BUTTONS[number].enrol().hex(),
        "nama": f"Contoh Pemilik {number}",
        "nik": f"990000000000010{number}",
        "telepon": "0812 3456 7890",
        "alamat": "Jl. Contoh 1; lantai 2",
        "label": f"Toko Contoh {number}",
        **changes,
    }
    return ";".join(f'"{each}"' for each in cells.values())


@dataclass
class Lists:
    store: SqlStore
    clock: ManualClock = field(default_factory=lambda: ManualClock(sample_store.NOW_MS + 60_000))

    def __post_init__(self) -> None:
        importers = importers_on(self.store, self.clock, WIB)
        self.uptime_s = 1_000.0
        self.desk = ImportDesk(self.store, self.clock, JournalNotifier(), importers, lambda: self.uptime_s)

    def browser(self, language: str = "en", name: str = OPERATOR) -> TestClient:
        app = create_app(
            reader=self.store,
            operate=Desk(self.store).operator,
            disclosures=FakeDisclosures(),
            sign_ins=FakeSignIns(),
            accounts=no_accounts(self.clock),
            notifier=FakeBell(),
            clock=self.clock,
            options=ConsoleOptions(SITE, Mode.ACTUAL, language, b"k" * 32),
            imports=self.desk,
        )
        client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
        assert client.post("/sign-in", data={"name": name}).status_code == 303
        return client

    def bring(
        self, browser: TestClient, content: str | bytes, kind: str = "buttons", name: str = "daftar.csv", **more: str
    ) -> tuple[str, str]:
        """Return the address of what is shown, and the page."""
        answer = sent(browser, content, kind, name, **more)
        assert answer.status_code == 303, answer.text
        address = answer.headers["location"]
        return address, self.page(browser, address)

    def page(self, browser: TestClient, address: str) -> str:
        eventually(lambda: 'http-equiv="refresh"' not in browser.get(address).text, "the list")
        return browser.get(address).text

    def entries(self) -> list[tuple[str, str | None]]:
        return [(entry.kind, entry.actor) for entry in self.store.journal_after(0, 500)]


def sent(
    browser: TestClient,
    content: str | bytes,
    kind: str = "buttons",
    name: str = "daftar.csv",
    type: str = "text/csv",
    **more: str,
) -> httpx.Response:
    raw = content.encode() if isinstance(content, str) else content
    return browser.post("/registry/imports", data={"kind": kind, **more}, files={"file": (name, raw, type)})


def shown(page: str) -> str:
    found = re.search(r'name="shown" value="([0-9a-f]{32})"', page)
    assert found is not None, page
    return found[1]


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[Lists]:
    store = sample_store.new_store(tmp_path)
    yield Lists(store)
    store.close()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_list_from_a_spreadsheet_is_shown_and_then_applied_as_shown(lists: Lists, encoding: str) -> None:
    browser = lists.browser()
    content = "\r\n".join([HEAD, button(0, nama="Contoh Café"), button(1), ""]).encode(encoding)
    address, page = lists.bring(browser, content, name="C:\\fakepath\\..\\daftar warga.csv")
    assert "<b>2</b> new" in page and "daftar warga.csv" in page and "fakepath" not in page
    assert lists.store.owners() == [] and lists.store.devices() == [], "nothing is changed before somebody says so"
    browser.post(f"{address}/apply", data={"shown": shown(page)})
    page = lists.page(browser, address)
    assert "The list is applied" in page
    assert {each.name for each in lists.store.owners()} == {"Contoh Café", "Contoh Pemilik 1"}
    assert [each.device.state for each, _ in lists.store.devices()] == [RegistrationState.ACTIVE] * 2
    entry = lists.store.journal_after(0, 500)[-1]
    assert (entry.kind, entry.actor, entry.facts["list"], entry.facts["added"]) == (
        *("list_imported", OPERATOR),
        *("buttons", 2),
    )
    _, page = lists.bring(browser, content)
    assert "nothing to change" in page and 'name="shown"' not in page, "again without harm"


def test_every_wrong_row_is_told_with_line_and_column_and_saved_as_a_table(lists: Lists) -> None:
    browser = lists.browser("id")
    rows = [
        HEAD,
        button(0, nik="1,87101E+15"),
        button(1, telepon="=cmd", frame="00"),
        button(2),
        button(2, nama="Orang Lain", nik="9900000000000102"),
        "satu;dua;tiga;empat;lima;enam;tujuh",
    ]
    address, page = lists.bring(browser, "\n".join(rows))
    assert "5 kesalahan" in page and "Terapkan" not in page
    told = list(csv.reader(io.StringIO(browser.get(f"{address}/wrong.csv").content.decode("utf-8-sig")), delimiter=";"))
    assert [each[:2] for each in told[1:]] == [["2", "nik"], ["3", "frame"], ["3", "phone"], ["5", ""], ["6", ""]]
    assert lists.store.owners() == [] and "list_imported" not in dict(lists.entries())


def test_no_row_of_a_list_is_silently_lost(lists: Lists) -> None:
    """Each row is new, changed, unchanged or wrong, whatever stands between the rows."""
    rows = [HEAD, "", button(0), ";;;;;", button(1), button(2)]
    _, page = lists.bring(lists.browser(), "\n".join(rows))
    assert "<b>3</b> new" in page and "<b>0</b> unchanged" in page
    short = "\n".join([HEAD, button(0).rpartition(";")[0]])
    assert "label is empty" in lists.bring(lists.browser(), short)[1], (
        "a row that ends early is wrong, and not left out"
    )


def test_what_somebody_has_changed_meanwhile_is_shown_anew_and_not_applied(lists: Lists) -> None:
    browser, other = lists.browser(), lists.browser(name="Dewi")
    address, page = lists.bring(browser, STATIONS, "stations")
    theirs, their_page = lists.bring(other, STATIONS.replace("polsek-a", "polsek-b"), "stations")
    other.post(f"{theirs}/apply", data={"shown": shown(their_page)})
    assert "applied" in lists.page(other, theirs)
    browser.post(f"{address}/apply", data={"shown": shown(page)})
    anew = lists.page(browser, address)
    assert "Somebody has changed the lists" in anew and shown(anew) != shown(page)
    assert [each.key for each in lists.store.stations()] == ["polsek-b"]
    stale = browser.post(f"{address}/apply", data={"shown": shown(page)})
    assert stale.status_code == 409 and "shown anew" in stale.text
    browser.post(f"{address}/apply", data={"shown": shown(anew)})
    assert "The list is applied" in lists.page(browser, address)
    assert {each.key for each in lists.store.stations()} == {"polsek-a", "polsek-b"}


def test_what_a_complete_list_removes_is_told_before_it_goes(lists: Lists) -> None:
    browser = lists.browser()
    for content, more in ((STATIONS, {}), (STATIONS.replace("polsek-a", "polsek-b"), {"replace": "true"})):
        address, page = lists.bring(browser, content, "stations", **more)
        answer = browser.post(f"{address}/apply", data={"shown": shown(page)})
        lists.page(browser, address)
    assert "1 of them removed" in page and "polsek-a" in page and "more than a third" in page
    assert answer.status_code == 409 and [each.key for each in lists.store.stations()] == ["polsek-a"]
    assert "more than a third" in answer.text and 'name="sure"' in answer.text
    assert browser.post(f"{address}/apply", data={"shown": shown(page), "sure": "true"}).status_code == 303
    assert "The list is applied" in lists.page(browser, address)
    assert [each.key for each in lists.store.stations()] == ["polsek-b"]


@pytest.mark.parametrize(("gone", "asked"), [(0, False), (2, False), (3, True), (6, True)])
def test_only_a_list_that_removes_more_than_a_third_is_asked_about(lists: Lists, gone: int, asked: bool) -> None:
    head, *_ = STATIONS.splitlines()
    rows = [f"polsek-{n};polsek;Polsek Contoh {n};-5,4{n};105,2{n}" for n in range(7)]
    browser = lists.browser()
    address, page = lists.bring(browser, "\n".join([head, *rows]), "stations")
    browser.post(f"{address}/apply", data={"shown": shown(page)})
    assert "The list is applied" in lists.page(browser, address)
    changed = rows[gone].replace("Contoh", "Lain")
    _, page = lists.bring(browser, "\n".join([head, *rows[gone + 1 :], changed]), "stations", replace="true")
    assert ("more than a third" in page) is asked and f"<b>{gone}</b> removed" in page


def test_who_is_called_is_changed_by_supervisors_and_no_registrar(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, page = lists.bring(lists.browser(), STATIONS, "stations")
    with monkeypatch.context() as as_role:
        as_role.setattr(accounts, "WITHOUT_ACCOUNTS", OF_ROLE[Role.REGISTRAR])
        browser = lists.browser()
        offered = browser.get("/registry/imports").text
        assert 'value="buttons"' in offered and 'value="stations"' not in offered and 'value="shifts"' not in offered
        for kind in ("stations", "responders", "shifts"):
            assert sent(browser, STATIONS, kind).status_code == 403, kind
        assert browser.post(f"{address}/apply", data={"shown": shown(page)}).status_code == 403
        assert "<b>1</b> new" in lists.bring(browser, "\n".join([HEAD, button(0)]))[1]
    with monkeypatch.context() as as_role:
        as_role.setattr(accounts, "WITHOUT_ACCOUNTS", OF_ROLE[Role.SUPERVISOR])
        browser = lists.browser()
        offered = browser.get("/registry/imports").text
        assert 'value="buttons"' not in offered and 'value="stations"' in offered
        assert sent(browser, "\n".join([HEAD, button(0)])).status_code == 403
        address, page = lists.bring(browser, STATIONS, "stations")
        assert browser.post(f"{address}/apply", data={"shown": shown(page)}).status_code == 303
        assert "The list is applied" in lists.page(browser, address)


def test_responders_and_their_shifts_come_the_same_way(lists: Lists) -> None:
    browser = lists.browser()
    for kind, content in (
        ("stations", STATIONS),
        ("responders", "kunci;nama;kantor;telepon\nbudi;Contoh Budi;polsek-a;+62800000001\n"),
        ("shifts", "petugas;jam\nbudi;mon-fri 08:00-16:00\n"),
    ):
        address, page = lists.bring(browser, content, kind)
        browser.post(f"{address}/apply", data={"shown": shown(page)})
        assert "The list is applied" in lists.page(browser, address), kind
    assert [each.key for each in lists.store.responders()] == ["budi"] and len(lists.store.shifts()) == 1
    kinds = [kind for kind, _ in lists.entries()]
    assert kinds.count("list_imported") == 3 and {"stations_imported", "responders_imported"} <= set(kinds)


def test_a_list_is_nobody_elses_and_is_forgotten(lists: Lists) -> None:
    browser, other = lists.browser(), lists.browser(name="Dewi")
    address, _ = lists.bring(browser, STATIONS, "stations")
    for path in (address, f"{address}/wrong.csv"):
        assert other.get(path).status_code == 409
    assert other.post(f"{address}/apply", data={"shown": "0" * 32}).status_code == 409
    other.post(f"{address}/drop")
    assert browser.get(address).status_code == 200
    lists.clock.at_ms += 2 * round(list_imports.HELD_S * 1000)
    assert browser.get(address).status_code == 200, "a clock that is set forgets nothing"
    lists.uptime_s += list_imports.HELD_S + 1
    gone = browser.get(address)
    assert gone.status_code == 409 and "30 minutes" in gone.text
    address, _ = lists.bring(browser, STATIONS, "stations")
    assert browser.post(f"{address}/drop").headers["location"] == "/registry/imports"
    assert browser.get(address).status_code == 409


@pytest.mark.parametrize(
    ("content", "name", "type", "words"),
    [
        (b"PK\x03\x04 rest", "daftar.xlsx", "application/octet-stream", "workbook"),
        (b"PK\x03\x04 rest", "daftar.csv", "text/csv", "workbook"),
        (b"\xd0\xcf\x11\xe0 rest", "daftar.xls", "application/vnd.ms-excel", "workbook"),
        (b"%PDF-1.7", "daftar.pdf", "application/pdf", "PDF"),
        (b"\xff\xd8\xff\xe0", "foto.csv", "text/csv", "picture"),
        (b"\x1f\x8b\x08", "daftar.csv.gz", "application/gzip", "packed"),
        (b"<!doctype html><p>", "daftar.csv", "text/csv", "web page"),
        (HEAD.encode(), "daftar.csv", "image/png", "image/png"),
        (b" \r\n", "daftar.csv", "text/csv", "empty"),
        (b"", "daftar.csv", "text/csv", "empty"),
    ],
)
def test_what_is_no_list_is_told_by_what_it_is(lists: Lists, content: bytes, name: str, type: str, words: str) -> None:
    answer = sent(lists.browser(), content, name=name, type=type)
    assert answer.status_code == 409 and words in answer.text and 'type="file"' in answer.text


def test_a_file_that_is_too_large_is_not_taken(lists: Lists) -> None:
    browser = lists.browser()
    answer = sent(browser, b"a" * (LARGEST_LIST + 1))
    assert answer.status_code == 409 and "8 MB" in answer.text
    assert sent(browser, b"a" * (LARGEST_LIST + 128 * 1024)).status_code == 413, "not even read"
    assert browser.post("/registry/owners", data={"name": "a" * 70_000}).status_code == 413, "other forms stay small"


def raw_form(*parts: str) -> tuple[bytes, dict[str, str]]:
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    return body.encode(), {"Content-Type": "multipart/form-data; boundary=b"}


FILE = 'Content-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n'


@pytest.mark.parametrize(
    "made",
    [
        lambda: raw_form(f"{FILE}\r\nx", f"{FILE}\r\ny"),
        lambda: raw_form(*(f'Content-Disposition: form-data; name="f{n}"\r\n\r\nx' for n in range(5))),
        lambda: raw_form(FILE + "".join(f"X-{n}: y\r\n" for n in range(20)) + "\r\nx"),
        lambda: raw_form(f"{FILE}X-Long: {'y' * 9_000}\r\n\r\nx"),
        lambda: raw_form(f'Content-Disposition: form-data; name="kind"\r\n\r\n{"x" * 70_000}'),
        lambda: raw_form('Content-Disposition: form-data; filename="a.csv"\r\n\r\nx'),
        lambda: (b"--b\r\nbroken", {"Content-Type": "multipart/form-data; boundary=b"}),
        lambda: (b"x=1", {"Content-Type": "multipart/form-data"}),
        lambda: (b"kind=buttons", {"Content-Type": "application/x-www-form-urlencoded"}),
    ],
    ids=[
        "two files",
        "many fields",
        "many lines",
        "a long line",
        "a long field",
        "no name",
        "broken",
        "bare",
        "no file",
    ],
)
def test_a_form_that_no_page_sends_is_refused_with_words(
    lists: Lists, made: Callable[[], tuple[bytes, dict[str, str]]]
) -> None:
    body, headers = made()
    answer = lists.browser().post("/registry/imports", content=body, headers=headers)
    assert answer.status_code == 409
    assert "did not arrive as a form" in answer.text or "choose a file" in answer.text


def test_a_doubtful_place_is_told_in_words_of_the_page_and_taken_when_it_is_intended(lists: Lists) -> None:
    browser = lists.browser()
    far = f"{STATIONS}polsek-z;polsek;Polsek Contoh Z;48,1;11,5\n" + "".join(
        f"polsek-{n};polsek;Polsek Contoh {n};-5,4{n};105,2{n}\n" for n in range(6)
    )
    address, page = lists.bring(browser, far, "stations")
    assert "places far from the others" in page and "--yes" not in page
    assert "--yes" not in browser.get(f"{address}/wrong.csv").text
    _, page = lists.bring(browser, far, "stations", sure="true")
    assert "<b>8</b> new" in page


def test_only_so_many_lists_are_held(lists: Lists) -> None:
    names = ["Ani", "Budi", "Citra", "Dewi"]
    for name in names:
        lists.bring(lists.browser(name=name), STATIONS, "stations")
    full = sent(lists.browser(name="Eko"), STATIONS, "stations")
    assert full.status_code == 409 and "enough lists" in full.text
    _, page = lists.bring(lists.browser(name="Ani"), STATIONS, "stations")
    assert "<b>1</b> new" in page, "her own of before makes room"
