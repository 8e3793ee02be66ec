"""The page of drills, on a real store: tried, ordered, shown, ended; and the step that makes an exercise real."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.dispatch.called_district import choices_of
from gateway.dispatch.listed_places import AREAS, SW, at
from gateway.fake_account_store import no_accounts
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.sample_site import SITE
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.escalation_state import Escalation, Phase, Why
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.drills import Drills
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.web.app import ConsoleOptions, create_app

BUTTON = sample_store.DEVICE_ID.hex()
FORM = {"name": "Latihan contoh", "button": BUTTON, "person": "station:polsek-sw", "minutes": "60", "do": "begin"}


@dataclass
class Seat:
    store: SqlStore
    browser: TestClient


@pytest.fixture
def seat(tmp_path: Path) -> Iterator[Seat]:
    with seated(tmp_path, Mode.ACTUAL) as made:
        yield made


@contextmanager
def seated(tmp_path: Path, mode: Mode) -> Iterator[Seat]:
    clock, store = ManualClock(sample_store.NOW_MS), sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations([SW])
        transaction.put_areas(AREAS[:1])
        transaction.set_place(sample_store.DEVICE_ID, "Toko Contoh, kasir", at(0.3, 0.3))
    keyring, bell = KeyRing(store, sample_store.GATEWAY_KEY), JournalNotifier()
    app = create_app(
        reader=store,
        operate=IncidentActions(store, keyring, SentAnswers(), bell, clock, outputs=[]),
        disclosures=FakeDisclosures(),
        sign_ins=FakeSignIns(),
        accounts=no_accounts(clock),
        notifier=FakeBell(),
        clock=clock,
        options=ConsoleOptions(SITE, mode, "id", b"k" * 32),
        drills=Drills(store, bell, clock, mode),
        drill_choices=choices_of(store, clock),
        troubles=lambda: ["drill"],
    )
    with TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False) as browser:
        assert browser.post("/sign-in", data={"name": OPERATOR}).status_code == 303
        yield Seat(store, browser)
    store.close()


def test_a_drill_is_tried_ordered_by_name_shown_and_ended(seat: Seat) -> None:
    tried = seat.browser.post("/drills", data={**FORM, "do": "try"})
    assert tried.status_code == 200 and "Belum ada yang dimulai" in tried.text
    assert "<li>setelah 0 dtk, kantor, meja jaga, dan petugas: Polsek Sw</li>" in tried.text
    assert "akan NYATA" in tried.text, "the button has never proven its clock"
    assert seat.store.drills() == []
    ordered = seat.browser.post("/drills", data=FORM)
    assert (ordered.status_code, ordered.headers["location"]) == (303, "/drills/1")
    (made,) = seat.store.drills()
    assert (made.ordered_by, made.contacts) == (OPERATOR, ("station:polsek-sw",))
    assert "berlangsung" in seat.browser.get("/drills").text
    console = seat.browser.get("/").text
    assert "SEMUA PANGGILAN LAIN NYATA" in console and 'href="/drills"' in console
    assert "Tidak ada tombol latihan ini yang ditekan" in seat.browser.get("/drills/1").text
    assert seat.browser.post("/drills/1/end").status_code == 303
    assert seat.store.unended_drills() == [] and "selesai" in seat.browser.get("/drills/1").text


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("button", "00" * 8, "0000000000000000 bukan tombol terdaftar"),
        ("person", "polsek-xx", "polsek-xx bukan kantor atau petugas"),
        ("begins", "31-12-2026 08:30", "bukan waktu di sini"),
        ("minutes", "9999", "beri 1 sampai 480 menit"),
        ("name", "<b>", ""),
    ],
)
def test_what_cannot_be_is_told_and_what_was_typed_stays(seat: Seat, field: str, typed: str, said: str) -> None:
    answer = seat.browser.post("/drills", data={**FORM, field: typed})
    if not said:
        assert answer.status_code == 303 and "<b>" not in seat.browser.get("/drills").text
        return
    kept = html.unescape(answer.text)
    assert answer.status_code == 409 and said in kept
    assert f'value="{typed}"' in kept
    assert seat.store.drills() == []


def test_buttons_and_people_are_searched_for_and_ticked_and_nothing_begins_by_that(seat: Seat) -> None:
    ticked = f'name="button" value="{BUTTON}" checked'
    found = seat.browser.post("/drills", data={"name": "Latihan contoh", "find": "kasir", "do": "find"}).text
    assert f'name="button" value="{BUTTON}"> ' in found and ticked not in found and 'value="Latihan contoh"' in found
    areas = seat.browser.post("/drills", data={"area": "sw", "do": "area"}).text
    assert 'value="area:polsek-sw"' in areas and "Tambahkan tombol Polsek Sw" in areas
    added = seat.browser.post("/drills", data={"do": "area:polsek-sw", "person": "station:polsek-sw"}).text
    assert ticked in added and "1 tombol ditambahkan" in added
    assert 'name="person" value="station:polsek-sw" checked' in added
    people = seat.browser.post("/drills", data={"find_people": "POLSEK", "button": BUTTON, "do": "people"}).text
    assert 'name="person" value="station:polsek-sw"> ' in people and ticked in people
    for do, field, said in (
        ("find", "find", "Tidak ada tombol aktif"),
        ("people", "find_people", "Tidak ada kantor atau petugas"),
        ("area", "area", "Tidak ada kantor dengan nama itu"),
    ):
        assert said in seat.browser.post("/drills", data={field: "xyz", "do": do}).text
    refused = seat.browser.post("/drills", data={"do": "area:polsek-xx", "button": BUTTON})
    assert refused.status_code == 409 and "tidak ada kantor polsek-xx" in refused.text and ticked in refused.text
    assert seat.store.drills() == []


def test_a_drill_begins_at_a_local_time_and_is_planned_until_then(seat: Seat) -> None:
    local = SITE.local.at(sample_store.NOW_MS + 3_600_000).replace(second=0, microsecond=0)
    seat.browser.post("/drills", data={**FORM, "begins": local.strftime("%Y-%m-%dT%H:%M")})
    (made,) = seat.store.drills()
    assert made.begins_ms == round(local.timestamp() * 1000) and made.ends_ms == made.begins_ms + 3_600_000
    assert "direncanakan" in seat.browser.get("/drills").text
    past = seat.browser.post("/drills", data={**FORM, "begins": "2020-01-01T08:00"})
    assert past.status_code == 409 and "latihan dimulai sekarang" in past.text.lower()


def test_only_who_is_signed_in_sees_or_orders_one(seat: Seat) -> None:
    seat.browser.cookies.clear()
    assert seat.browser.get("/drills").headers["location"] == "/sign-in"
    assert seat.browser.post("/drills", data=FORM).status_code == 401
    assert seat.browser.get("/drills/99").status_code == 303
    assert seat.store.drills() == []


def test_a_drill_that_is_not_there_is_said_to_be(seat: Seat) -> None:
    assert seat.browser.get("/drills/99").status_code == 409


def test_an_exercise_is_made_real_by_its_own_button_and_never_back(seat: Seat) -> None:
    seat.browser.post("/drills", data=FORM)
    incident = copied(sample_store.open_incident(seat.store), mode=Mode.EXERCISE, drill=1)
    with seat.store.transaction() as transaction:
        transaction.put_incident(incident)
    shown = seat.browser.get(f"/incidents/{incident.id}").text
    assert "Ini nyata, bukan latihan" in shown and "LATIHAN" in shown
    after = seat.browser.post(f"/incidents/{incident.id}/real").text
    assert "NYATA, bukan latihan lagi" in after and "Ini nyata, bukan latihan</button>" not in after
    assert "NYATA: INI BUKAN LATIHAN LAGI" in after, "the timeline tells it"
    found = seat.store.incident(incident.id)
    assert found is not None and found.mode is Mode.ACTUAL
    report = seat.browser.get("/drills/1").text
    assert incident.identifier in report and "NYATA, bukan latihan lagi" in report


def test_of_an_exercise_after_its_drill_the_page_asks_what_it_is_and_calls_nobody_again(seat: Seat) -> None:
    seat.browser.post("/drills", data=FORM)
    incident = copied(sample_store.open_incident(seat.store), mode=Mode.EXERCISE, drill=1)
    with seat.store.transaction() as transaction:
        transaction.put_incident(incident)
        transaction.put_escalation(Escalation(incident.id, Phase.ASKED, Why.OPENED, sample_store.NOW_MS))
    shown = seat.browser.get(f"/incidents/{incident.id}").text
    assert "Latihannya sudah berakhir" in shown and "Ini nyata, bukan latihan</button>" in shown
    assert 'data-step="resume"' not in shown and 'data-step="close"' in shown


def test_a_gateway_for_exercises_says_at_once_that_it_has_no_drills(tmp_path: Path) -> None:
    with seated(tmp_path, Mode.EXERCISE) as other:
        assert "gateway ini hanya untuk latihan" in html.unescape(other.browser.get("/drills").text)
