"""Steps on a major incident, on a real store: for several calls at once, in, out, and what is not taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.fake_account_store import no_accounts
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.sample_site import SITE
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from pressing_button import PressingButton
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.call_back import CallBack
from siaga_gateway.domain.escalation_state import Escalation, Phase, Why
from siaga_gateway.domain.incident import Disposition, Incident, IncidentState, Mode
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.domain.value import copied
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.web.app import ConsoleOptions, create_app

MAJOR = 100


@dataclass
class Seat:
    store: SqlStore
    browser: TestClient

    def open(self, number: int, cluster: int | None = MAJOR) -> Incident:
        owner, button = self.store.owners()[0], PressingButton()
        with self.store.transaction() as transaction:
            device = Device(button.device_id, button.public_xy, owner.id, RegistrationState.ACTIVE, "Toko", 0)
            transaction.add_device(device)
        like = self.store.incident(1)
        assert like is not None
        made = copied(like, id=number, identifier=f"s-{number}.x", device_id=button.device_id, cluster=cluster)
        with self.store.transaction() as transaction:
            transaction.put_incident(made)
        return made

    def now(self, number: int) -> Incident:
        found = self.store.incident(number)
        assert found is not None
        return found

    def change(self, number: int, **fields: object) -> None:
        with self.store.transaction() as transaction:
            transaction.put_incident(copied(self.now(number), **fields))

    def put_at_rest(self, number: int) -> None:
        at_ms = sample_store.NOW_MS
        with self.store.transaction() as transaction:
            transaction.put_escalation(
                Escalation(number, Phase.ACKNOWLEDGED, Why.OPENED, at_ms, next_at_ms=at_ms + 60_000)
            )

    def kinds(self, number: int) -> list[tuple[str, str | None]]:
        return [(each.kind, each.actor) for each in self.store.journal_of_incident(number)]


@pytest.fixture
def seat(tmp_path: Path) -> Iterator[Seat]:
    clock, store = ManualClock(sample_store.NOW_MS), sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    sample_store.open_incident(store)
    keyring = KeyRing(store, sample_store.GATEWAY_KEY)
    app = create_app(
        reader=store,
        operate=IncidentActions(store, keyring, SentAnswers(), JournalNotifier(), clock, outputs=[]),
        disclosures=FakeDisclosures(),
        sign_ins=FakeSignIns(),
        accounts=no_accounts(clock),
        notifier=FakeBell(),
        clock=clock,
        options=ConsoleOptions(SITE, Mode.ACTUAL, "id", b"k" * 32),
    )
    with TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False) as browser:
        assert browser.post("/sign-in", data={"name": OPERATOR}).status_code == 303
        yield Seat(store, browser)
    store.close()


def shown(*incidents: Incident) -> str:
    return ",".join(f"{each.id}:{each.progress}::{each.presses}" for each in incidents)


def test_all_that_the_page_showed_are_seen_and_assigned_each_by_a_step_of_its_own(seat: Seat) -> None:
    first, second, later, stranger = seat.open(100), seat.open(101), seat.open(102), seat.open(103, None)
    answer = seat.browser.post(f"/majors/{MAJOR}/seen", data={"calls": shown(first, second, stranger)})
    assert answer.json() == {"done": [100, 101], "left": [103]}
    assert [seat.now(each.id).seen_by for each in (first, second, later, stranger)] == [OPERATOR, OPERATOR, None, None]
    assert seat.kinds(101) == [(journal.SEEN, OPERATOR)]

    with seat.store.transaction() as transaction:
        transaction.put_incident(copied(seat.now(101), state=IncidentState.ON_SCENE, unit="Regu lain"))
    form = {"unit": "Regu 7", "eta": "5", "calls": shown(seat.now(100), second)}
    assert seat.browser.post(f"/majors/{MAJOR}/assign", data=form).json() == {"done": [100], "left": [101]}
    assert (seat.now(100).unit, seat.now(100).eta_minutes, seat.now(101).unit) == ("Regu 7", 5, "Regu lain")


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"calls": ""}, "panggilan mana"),
        ({"calls": "1:zz:"}, "panggilan mana"),
        ({"calls": ",".join(["1:0123456789abcdef::1"] * 101)}, "panggilan mana"),
        ({"calls": "1:0123456789abcdef::1", "unit": " "}, "unit"),
        ({"calls": "1:0123456789abcdef::1", "disposition": "maybe"}, "hasil"),
    ],
)
def test_what_is_not_understood_takes_no_step(seat: Seat, form: dict[str, str], said: str) -> None:
    step = "assign" if "unit" in form else "close" if "disposition" in form else "seen"
    refused = seat.browser.post(f"/majors/{MAJOR}/{step}", data=form)
    assert refused.status_code == 422 and said in refused.text.lower()
    assert seat.kinds(1) == []


def test_several_are_closed_with_one_ending_and_what_is_in_doubt_is_left_out(seat: Seat) -> None:
    numbers = range(100, 110)
    for number in numbers:
        seat.open(number)
        if number != 108:
            seat.put_at_rest(number)
        if number != 107:
            seat.change(number, state=IncidentState.SEEN, seen_by=OPERATOR)
    seat.change(101, duress=True)
    seat.change(102, key_copied=True)
    seat.change(103, call_back=CallBack.UNANSWERED)
    seat.change(104, cluster=None)
    seat.change(106, call_back=CallBack.CALLED_OFF, called_presses=1)
    seat.change(109, call_back=CallBack.CALLED_OFF, called_presses=1, presses=2)
    calls = shown(*map(seat.now, numbers))
    seat.change(105, presses=2)  # after the page had shown it
    form = {"calls": calls, "disposition": "verified", "note": "Kebakaran pasar"}
    answer = seat.browser.post(f"/majors/{MAJOR}/close", data=form).json()
    assert answer == {"done": [100, 106], "left": [101, 102, 103, 104, 105, 107, 108, 109]}
    closed = seat.now(100)
    assert (closed.closed_by, closed.disposition, closed.note) == (OPERATOR, Disposition.VERIFIED, "Kebakaran pasar")
    assert seat.kinds(106) == [(journal.CLOSED, OPERATOR)] and seat.kinds(101) == []
    cards = seat.browser.get("/incidents").text
    for said in ("di bawah paksaan", "kunci tombolnya mungkin disalin", "telepon balik belum", "masih berdering"):
        assert f'data-doubt="{said}' in cards


def test_a_call_is_taken_out_and_put_in_by_name_and_the_cards_say_so(seat: Seat) -> None:
    first, other = seat.open(100), seat.open(101)
    page = seat.browser.get(f"/incidents/{other.id}").text
    assert "Keluarkan dari kejadian besar 100" in page and "KEJADIAN BESAR 100" in page
    out = seat.browser.post(f"/incidents/{other.id}/leave-major")
    assert out.status_code == 200 and "Keluarkan" not in out.text and seat.now(101).alone
    assert 'data-major="100"' not in seat.browser.get("/incidents?ids=101").text
    with seat.store.transaction() as transaction:
        transaction.put_alarm(first.id, Alarm(3, ()))
    assert (
        f'data-major="100" data-shown="100:{first.progress}::1" data-doubt="belum ada yang melihatnya" data-level="3"'
        in seat.browser.get("/incidents").text
    )
    refused = seat.browser.post(f"/incidents/{other.id}/major", data={"number": "55"})
    assert refused.status_code == 409 and "tidak ada kejadian besar atau panggilan terbuka 55" in refused.text
    assert seat.browser.post(f"/incidents/{other.id}/major", data={"number": "100"}).status_code == 200
    assert seat.kinds(101) == [(journal.UNCLUSTERED, OPERATOR), (journal.CLUSTERED, OPERATOR)]
    foreign = seat.browser.post(f"/incidents/{other.id}/leave-major", headers={"Origin": "https://lain.example"})
    assert foreign.status_code == 403 and seat.now(101).cluster == MAJOR


def test_what_cannot_be_read_holds_up_no_other_and_one_without_its_ladder_is_opened_and_closed_alone(
    seat: Seat,
) -> None:
    for number in (100, 101, 102):
        seat.open(number)
        seat.change(number, state=IncidentState.SEEN, seen_by=OPERATOR)
        seat.put_at_rest(number)
    calls = shown(*map(seat.now, (100, 101, 102)))
    with seat.store.engine.transaction() as session:
        session.run("UPDATE incident SET call_back = 'calmed' WHERE id = 100")
        session.run("UPDATE escalation SET assignments = '[' WHERE incident_id = 101")
    form = {"calls": calls, "disposition": "verified"}
    answer = seat.browser.post(f"/majors/{MAJOR}/close", data=form)
    assert answer.status_code == 200 and answer.json() == {"done": [102], "left": [100, 101]}
    assert seat.browser.get("/incidents/101").status_code == seat.browser.get("/incidents/101/calls").status_code == 200
    alone = seat.browser.post("/incidents/101/close?presses=1", data={"disposition": "verified"})
    assert alone.status_code == 200 and seat.now(101).state is IncidentState.CLOSED
