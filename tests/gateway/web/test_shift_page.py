"""The page of a shift, its handover, and the banner for whoever takes it: through the real application, on a store."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.fake_account_store import FakeAccountStore, accounts_on
from gateway.fake_ports import RunningClock
from gateway.sample_site import SITE
from gateway.web.conftest import ORIGIN
from gateway.web.console_fakes import Book, FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.permissions import OF_ROLE, Permission, Role
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.reports.shift_book import LONGEST_REMARKS, ShiftBook, ShiftDirectory
from siaga_gateway.web.app import ConsoleOptions, create_app
from siaga_gateway.web.session import sign_in as signing

ROLES = {"Rina": Role.OPERATOR, "Budi": Role.OPERATOR, "Siti": Role.SUPERVISOR, "Wayan": Role.AUDITOR}
PERSONAL = ("Contoh Wati", "9900000000000001", "+620000000001", "Jl. Contoh 1")


class Room:
    """A console on a store, whose operators sign in by name."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.clock = RunningClock()
        accounts = FakeAccountStore()
        for name, role in ROLES.items():
            accounts.put_account(Account(name, role, "x", 0, 0))
        book = ShiftBook(store, self.clock, JournalNotifier())
        bell = FakeBell()
        self.app: FastAPI = create_app(
            reader=store,
            operate=Book(bell),
            disclosures=FakeDisclosures(),
            sign_ins=FakeSignIns(),
            accounts=accounts_on(accounts, self.clock),
            notifier=bell,
            options=ConsoleOptions(SITE, Mode.ACTUAL, "id", b"k" * 32),
            clock=self.clock,
            shifts=ShiftDirectory(store, self.clock, book),
        )

    def seat(self, name: str) -> TestClient:
        client = TestClient(self.app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
        assert client.post("/sign-in", data={"name": name, "password": "x"}).status_code == 303
        return client


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(signing, "_verify", lambda password, hashed: True)
    store = sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    sample_store.open_incident(store)
    yield Room(store)
    store.close()


def form_of(page: str) -> str:
    found = re.search(r'name="form" value="(\w+)"', page)
    assert found is not None
    return found[1]


def banner(seat: TestClient) -> str:
    return seat.get("/").text.partition('<div id="handover">')[2].partition("</div>")[0]


def test_a_shift_is_handed_over_seen_at_sign_in_read_and_taken(room: Room) -> None:
    rina = room.seat("Rina")
    page = rina.get("/shift").text
    assert "Toko Contoh, kasir" in page and "BERDERING" in page, "the open call, and what it waits for"
    assert "Rina" in page and "operator" in page and not any(each in page for each in PERSONAL)
    assert rina.post("/shift/notes", data={"note": "Kanal <2> mati"}).headers["location"] == "/shift#notes"
    given = {"form": form_of(page), "remarks": "Tunggu unit\ndi gerbang"}
    done = rina.post("/shift/handovers", data=given)
    assert (done.status_code, done.headers["location"]) == (303, "/shift/handovers/1")
    assert rina.post("/shift/handovers", data=given).headers["location"] == "/shift/handovers/1", "a second click"
    assert banner(rina).strip() == "" and "/take" not in rina.get("/shift/handovers/1").text
    own = rina.post("/shift/handovers/1/take")
    assert own.status_code == 409 and "orang lain" in own.text

    budi = room.seat("Budi")
    told = banner(budi)
    assert 'href="/shift/handovers/1"' in told and "Rina menyerahkan jaga" in told and 'role="status"' in told
    assert budi.get("/shift/waiting").text.strip() == told.strip()
    read = budi.get("/shift/handovers/1").text
    assert "Tunggu unit\ndi gerbang" in html.unescape(read) and "Kanal &lt;2&gt; mati" in read
    assert "belum diterima siapa pun" in read and not any(each in read for each in PERSONAL)
    assert budi.post("/shift/handovers/1/take").status_code == 303
    assert banner(budi).strip() == "" == banner(room.seat("Siti")).strip()
    taken = budi.get("/shift/handovers/1").text
    assert "/take" not in taken and "belum diterima" not in taken
    assert "Kanal &lt;2&gt; mati" not in budi.get("/shift").text, "his own shift tells of what came after"


def test_nothing_typed_is_lost_over_a_mistake_and_nothing_is_stored(room: Room) -> None:
    rina = room.seat("Rina")
    form = form_of(rina.get("/shift").text)
    long = "x" * (LONGEST_REMARKS + 1)
    refused = rina.post("/shift/handovers", data={"form": form, "remarks": long})
    assert refused.status_code == 409 and long in refused.text and form_of(refused.text) == form
    assert rina.post("/shift/notes", data={"note": "  "}).status_code == 409
    assert not room.store.handovers(None, 2**62, 9)


def test_earlier_handovers_are_found_by_their_day_and_a_page_at_a_time(room: Room) -> None:
    rina = room.seat("Rina")
    book = room.app.state.context.shifts.changes
    for number in range(35):
        book.hand_over("", "Rina", room.clock.now_ms(), None, f"form {number}")
    today = SITE.local.at(room.clock.now_ms()).date().isoformat()
    page = rina.get(f"/shift?since={today}&until={today}").text
    assert 'href="/shift/handovers/35"' in page and 'href="/shift/handovers/1"' not in page
    further = html.unescape(re.findall(r'href="(/shift\?[^"]*before=\d+)', page)[0])
    assert 'href="/shift/handovers/1"' in rina.get(further).text
    assert "Tidak ada serah terima" in rina.get("/shift?until=2020-01-01").text


def test_who_may_only_read_is_offered_no_step_and_gets_no_banner(room: Room) -> None:
    rina, wayan = room.seat("Rina"), room.seat("Wayan")
    rina.post("/shift/handovers", data={"form": form_of(rina.get("/shift").text)})
    assert "<textarea" not in wayan.get("/shift").text and "/take" not in wayan.get("/shift/handovers/1").text
    assert banner(wayan).strip() == "" and wayan.post("/shift/handovers/1/take").status_code == 403
    steps = {role for role in Role if Permission.SHIFT_STEP in OF_ROLE[role]}
    assert steps == {Role.OPERATOR, Role.SUPERVISOR, Role.DISPATCHER, Role.ADMINISTRATOR}
    for wrong in ("0", "99", "1.0", "1_0", "x"):
        assert rina.get(f"/shift/handovers/{wrong}").status_code in (404, 422), wrong


def test_a_program_hands_over_reads_and_takes(room: Room) -> None:
    rina, siti = room.seat("Rina"), room.seat("Siti")
    rina.post("/api/v1/shift/notes", json={"text": "dari CAD"})
    shift = rina.get("/api/v1/shift").json()
    assert [each["waits_for"] for each in shift["open"]] == ["rings"] and shift["notes"][0]["text"] == "dari CAD"
    key = {"Idempotency-Key": "shift-17"}
    made = [rina.post("/api/v1/handovers", json={"remarks": "sepi"}, headers=key).json()["id"] for _ in range(2)]
    assert made == [1, 1]
    assert rina.post("/api/v1/handovers/1/take").json()["key"] == "shift.own"
    taken = siti.post("/api/v1/handovers/1/take").json()
    assert [each["name"] for each in taken["taken"]] == ["Siti"] and taken["remarks"] == "sepi"
    assert [each["id"] for each in siti.get("/api/v1/handovers").json()["items"]] == [1]
    assert siti.get("/api/v1/handovers/9").status_code == 404
    assert not any(each in siti.get("/api/v1/handovers/1").text for each in PERSONAL)
