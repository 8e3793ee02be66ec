"""Pages of owners' records on a real store: who may decide, what is shown and noted, and the letters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.fake_account_store import no_accounts
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.sample_site import SITE, WIB
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.call_back import Heard
from siaga_gateway.domain.frame import CommandCode
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.owner_cases import DAY_MS, OwnerCase, OwnerCaseKind, OwnerCaseLimits, OwnerCaseState
from siaga_gateway.domain.registry import Owner, RegistrationState, state_at
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.owner_record_csv import table
from siaga_gateway.service.downlink.longer_hold import ask_for_longer_hold
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.code_words import heard
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.registry.owner_cases import OwnerCases
from siaga_gateway.web.app import ConsoleOptions, create_app
from siaga_gateway.web.owners.letters import Letter, letter_view, letters_of

LIMITS = OwnerCaseLimits()
SUPERVISOR = "Siti"


@dataclass
class Desk:
    """A store with owner 1 and his button, and consoles on it."""

    store: SqlStore
    clock: ManualClock = field(default_factory=lambda: ManualClock(sample_store.NOW_MS + 60_000))
    disclosures: FakeDisclosures = field(default_factory=FakeDisclosures)

    def __post_init__(self) -> None:
        keyring = KeyRing(self.store, sample_store.GATEWAY_KEY)
        self.operator = IncidentActions(self.store, keyring, SentAnswers(), JournalNotifier(), self.clock, outputs=())

    def browser(self, name: str = OPERATOR, language: str = "id") -> TestClient:
        app = create_app(
            reader=self.store,
            operate=self.operator,
            disclosures=self.disclosures,
            sign_ins=FakeSignIns(),
            accounts=no_accounts(self.clock),
            notifier=FakeBell(),
            clock=self.clock,
            options=ConsoleOptions(SITE, Mode.ACTUAL, language, b"k" * 32, objections="Polsek Contoh, Jl. Contoh 5"),
            owners=OwnerCases(self.store, JournalNotifier(), self.clock, LIMITS, [SUPERVISOR], WIB),
            longer_hold=partial(ask_for_longer_hold, self.store, self.clock),
        )
        client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
        assert client.post("/sign-in", data={"name": name}).status_code == 303
        return client

    def closed(self, *found: str) -> None:
        for disposition in found:
            incident = sample_store.open_incident(self.store, self.store.last_journal_id() + 10)
            self.operator.close(incident.id, "Rina", disposition, "")

    def day(self, days: int) -> str:
        return (datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC) + timedelta(days=days)).date().isoformat()

    def state(self) -> RegistrationState:
        device = self.store.enrolled([sample_store.DEVICE_ID])[sample_store.DEVICE_ID].device
        return state_at(device, self.clock.now_ms())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    yield Desk(store)
    store.close()


def test_only_who_is_signed_in_sees_a_record_and_it_is_noted_who_did(desk: Desk) -> None:
    desk.closed("abuse", "verified", "accidental")
    browser = desk.browser()
    page = browser.get("/owners/1").text
    for words in ("Catatan Contoh Wati", "Panggilan iseng", "Kejadian nyata", "Tertekan tanpa sengaja", "Toko Contoh"):
        assert words in page, words
    assert "9900000000000001" not in page
    assert (OPERATOR, "record", (1,)) in desk.disclosures.told
    assert 'href="/owners/1"' in browser.get("/incidents/1").text, "a way there from the incident"
    file = browser.get("/owners/1/record.csv")
    assert file.headers["content-type"].startswith("text/csv") and len(file.text.splitlines()) == 4
    assert browser.get("/owners/2").status_code == 404
    browser.cookies.clear()
    assert browser.get("/owners/1").headers["location"] == "/sign-in"
    assert browser.get("/owners/1/record.csv").status_code == 303
    assert browser.post("/owners/cases/1/dismiss", data={"reason": "x"}).status_code == 401


def test_a_supervisor_suspends_by_the_page_and_lifts_it_and_an_operator_does_neither(desk: Desk) -> None:
    desk.closed("abuse", "abuse", "abuse")
    operator, supervisor = desk.browser(), desk.browser(SUPERVISOR)
    assert "Contoh Wati" in operator.get("/owners").text
    assert "/suspend" not in operator.get("/owners/1").text
    form = {"reason": "tiga panggilan palsu", "until": desk.day(5)}
    refused = operator.post("/owners/cases/1/suspend", data=form)
    assert refused.status_code == 409 and "Hanya pengawas" in refused.text and "tiga panggilan palsu" in refused.text
    assert desk.state() is RegistrationState.ACTIVE
    assert 'action="/owners/cases/1/suspend"' in supervisor.get("/owners/1").text
    far = supervisor.post("/owners/cases/1/suspend", data={**form, "until": desk.day(200)})
    assert far.status_code == 409 and "paling lama 90 hari" in far.text
    assert supervisor.post("/owners/cases/1/suspend", data=form).headers["location"] == "/owners/1"
    assert desk.state() is RegistrationState.SUSPENDED
    page = supervisor.get("/owners/1").text
    assert "ditangguhkan" in page and 'action="/owners/cases/1/lift"' in page
    twice = supervisor.post("/owners/cases/1/dismiss", data={"reason": "x"})
    assert twice.status_code == 409 and "sudah menjadi penangguhan, oleh Siti" in twice.text
    assert supervisor.post("/owners/cases/1/lift", data={"reason": "keberatan benar"}).status_code == 303
    assert desk.state() is RegistrationState.ACTIVE
    assert supervisor.post("/owners/cases/9/lift", data={"reason": "x"}).status_code == 409


def test_accidents_are_done_with_advice_by_anybody_and_the_letter_is_in_the_owners_language(desk: Desk) -> None:
    desk.closed("accidental", "accidental", "accidental")
    browser = desk.browser(language="en")
    page = browser.get("/owners/1").text
    assert "waits" in page and "/owners/1/letters/1/advice" in page and "/suspend" not in page
    letter = browser.get("/owners/1/letters/1/advice").text
    assert '<html lang="id">' in letter and "Contoh Wati" in letter and "Polsek Contoh, Jl. Contoh 5" in letter
    assert SITE.name in letter and SITE.emergency_number in letter
    assert (OPERATOR, "letter", (1,)) in desk.disclosures.told
    for other in ("suspension", "warning", "reinstatement", "praise"):
        assert browser.get(f"/owners/1/letters/1/{other}").status_code in (404, 422)
    assert browser.post("/owners/cases/1/advised", data={"reason": "longer hold"}).status_code == 303
    assert "advised" in browser.get("/owners/1").text


def test_a_supervisor_agrees_on_code_words_that_no_page_shows_and_nobody_else_does(desk: Desk) -> None:
    words = {"code": "mangga harum", "duress": "rambutan tua"}
    other = desk.browser(language="en")
    assert (
        "None have been agreed on" in other.get("/owners/1").text and "/code-words" not in other.get("/owners/1").text
    )
    refused = other.post("/owners/1/code-words", data=words)
    assert refused.status_code == 409 and "only a supervisor" in refused.text
    siti = desk.browser(SUPERVISOR, "en")
    alike = siti.post("/owners/1/code-words", data={**words, "duress": "Mangga"})
    assert alike.status_code == 409 and "too alike" in alike.text and desk.store.code_words(1) is None
    answer = siti.post("/owners/1/code-words", data=words)
    assert answer.status_code == 200 and "Agreed on" in answer.text
    assert "mangga" not in alike.text + answer.text
    assert heard(desk.store.code_words(1), "Mangga harum") is Heard.CODE
    entry = desk.store.journal_last(1)[0]
    assert (entry.kind, entry.facts, entry.actor) == ("code_words_set", {"owner_id": 1, "removed": False}, SUPERVISOR)


def test_the_owners_buttons_are_asked_for_a_longer_hold_and_a_suspended_one_is_not(desk: Desk) -> None:
    desk.closed("accidental", "accidental", "accidental")
    browser = desk.browser(language="en")
    assert "Owners (1)" in browser.get("/").text, "the console tells that somebody waits"
    assert 'action="/owners/1/hold"' in browser.get("/owners/1").text
    for hold, settings in (("longer", {"hold_ms": 3000}), ("long_or_taps", {"hold_ms": 4000, "triple_tap": True})):
        answer = browser.post("/owners/1/hold", data={"hold": hold})
        assert answer.status_code == 200 and "Asked 1 buttons" in answer.text
        command = desk.store.commands(sample_store.DEVICE_ID)[0]
        assert (command.code, command.asked_by) == (CommandCode.SETTINGS, OPERATOR)
        assert json.loads(command.arguments) == settings
    assert browser.post("/owners/1/hold", data={"hold": "none"}).status_code == 422
    with desk.store.transaction() as transaction:
        transaction.set_registration(sample_store.DEVICE_ID, RegistrationState.SUSPENDED, desk.clock.now_ms())
    refused = browser.post("/owners/1/hold", data={"hold": "longer"})
    assert refused.status_code == 409 and "takes commands now" in refused.text


def case(state: OwnerCaseState, **changes: Any) -> OwnerCase:
    decided = {} if state is OwnerCaseState.OPEN else {"decided_ms": sample_store.NOW_MS, "reason": "tiga kali"}
    until = {"until_ms": sample_store.NOW_MS + 5 * DAY_MS} if state in (SUSPENDED, LIFTED) else {}
    made = OwnerCase(4, 1, OwnerCaseKind.PRANKS, state, sample_store.NOW_MS, 3)
    return copied(made, **{**decided, **until, **changes})


SUSPENDED, LIFTED = OwnerCaseState.SUSPENDED, OwnerCaseState.LIFTED
LETTERS = {
    Letter.ADVICE: case(OwnerCaseState.OPEN, kind=OwnerCaseKind.ACCIDENTS),
    Letter.WARNING: case(OwnerCaseState.OPEN),
    Letter.SUSPENSION: case(SUSPENDED),
    Letter.REINSTATEMENT: case(LIFTED, ended_ms=sample_store.NOW_MS + DAY_MS),
}


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("letter", list(Letter))
def test_each_letter_says_what_it_must_in_both_languages(letter: Letter, language: str) -> None:
    about = LETTERS[letter]
    assert letter in letters_of(about, sample_store.NOW_MS)
    told = letter_view(
        letter,
        about,
        Owner(1, "Contoh Wati", "", "", "Jl. Contoh 1", language),
        site=SITE.name,
        emergency_number="112",
        objections=None,
        days=180,
        now_ms=sample_store.NOW_MS + 2 * DAY_MS,
        local=WIB,
    )
    words = " ".join(told.paragraphs)
    office = {"id": "kantor tempat tombol didaftarkan", "en": "the office where the button was registered"}[language]
    assert "112" in told.emergency and office in words and told.name in told.greeting and "{" not in words
    if letter is Letter.SUSPENSION:
        day = "21-09-2026", "26-09-2026"
        assert all(part in words for part in (*day, "tiga kali", "112")), words
        assert {"id": "tetap dilihat", "en": "still seen"}[language] in words
    if letter is Letter.REINSTATEMENT:
        assert "22-09-2026" in words


def test_there_is_a_letter_for_each_stage_and_none_for_what_is_no_more() -> None:
    after_ms = sample_store.NOW_MS + 9 * DAY_MS
    assert letters_of(case(SUSPENDED), after_ms) == (Letter.SUSPENSION, Letter.REINSTATEMENT)
    assert letters_of(case(SUSPENDED), after_ms, suspended=True) == (Letter.SUSPENSION,), "another case is in force"
    assert letters_of(case(LIFTED), after_ms, suspended=True) == ()
    assert letters_of(case(OwnerCaseState.DISMISSED), after_ms) == (Letter.WARNING,)
    assert letters_of(case(OwnerCaseState.WITHDRAWN), after_ms) == ()
    assert letters_of(case(OwnerCaseState.WITHDRAWN, kind=OwnerCaseKind.ACCIDENTS), after_ms) == ()


def test_no_cell_of_the_table_is_a_formula_where_it_is_opened() -> None:
    made = table(("a", "b"), [("=cmd|x", "-1"), ('Toko; "Contoh"', "@b")])
    assert made == b'\xef\xbb\xbfa;b\r\n\'=cmd|x;\'-1\r\n"Toko; ""Contoh""";\'@b\r\n'
