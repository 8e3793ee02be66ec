"""The page of messages that outputs have not got, on a real store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway import sample_store
from gateway.fake_account_store import no_accounts
from gateway.fake_ports import ManualClock, RunningClock
from gateway.sample_site import SITE
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import Book, FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.catalogue import text
from siaga_gateway.domain.incident import Mode
from siaga_gateway.service.delivery.dead_letters import FAILING_MS, DeadLetters
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.store import Attempt, DeliveryState
from siaga_gateway.web.app import ConsoleOptions, create_app


@dataclass
class Seat:
    store: SqlStore
    browser: TestClient
    clock: ManualClock  # of what is undelivered

    def page(self, status: int = 200) -> str:
        answer = self.browser.get("/deliveries")
        assert answer.status_code == status, answer.text
        return answer.text

    def step(self, name: str, number: int = 1) -> tuple[int, str]:
        answer = self.browser.post(f"/deliveries/{number}/{name}")
        return answer.status_code, answer.text


@pytest.fixture(params=["id", "en"])
def seat(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Seat]:
    notifier, clock, late = FakeBell(), RunningClock(), ManualClock(sample_store.NOW_MS)
    store = sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    sample_store.open_incident(store, outputs=("cad",))
    book = Book(notifier)
    app = create_app(
        reader=book,
        operate=book,
        disclosures=FakeDisclosures(),
        sign_ins=FakeSignIns(),
        accounts=no_accounts(clock),
        notifier=notifier,
        clock=clock,
        options=ConsoleOptions(SITE, Mode.ACTUAL, request.param, b"k" * 32),
        deliveries=DeadLetters(store, JournalNotifier(), late, ["cad"]),
        troubles=lambda: ["outputs_gave_up"],
    )
    with TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False) as browser:
        assert browser.post("/sign-in", data={"name": OPERATOR}).status_code == 303
        yield Seat(store, browser, late)
    store.close()


def give_up(seat: Seat) -> None:
    with seat.store.transaction() as transaction:
        transaction.record([Attempt(1, sample_store.NOW_MS, DeliveryState.ABANDONED, "HTTP 410 <Gone>")])


def language(seat: Seat) -> str:
    found = re.search(r'<html lang="(\w+)"', seat.page())
    assert found is not None
    return found[1]


def test_only_who_is_signed_in_sees_it_and_does_something(seat: Seat) -> None:
    give_up(seat)
    seat.browser.cookies.clear()
    answer = seat.browser.get("/deliveries")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert seat.step("send-again")[0] == seat.step("passed-on")[0] == 401
    assert not seat.store.pending("cad")


def test_what_fails_is_told_with_why(seat: Seat) -> None:
    seat.clock.at_ms = sample_store.NOW_MS + FAILING_MS - 1
    spoken = language(seat)
    assert text("console.deliveries.none_failing", spoken) in seat.page()
    with seat.store.transaction() as transaction:
        transaction.record([Attempt(1, sample_store.NOW_MS, DeliveryState.PENDING, "HTTP 404")])
    seat.clock.at_ms += 1
    page = seat.page()
    assert "HTTP 404" in page and '<th scope="row">cad</th><td>1</td>' in page
    assert text("console.deliveries.none_given_up", spoken) in page


def test_what_was_given_up_is_sent_again_by_a_button(seat: Seat) -> None:
    give_up(seat)
    page = seat.page()
    assert text("console.deliveries.send_again", language(seat)) in page
    assert "HTTP 410 &lt;Gone&gt;" in page
    assert f">{text('console.change.opened', language(seat))}</a>" in page
    assert re.findall(r'action="(/deliveries/[^"]+)"', page) == ["/deliveries/1/send-again", "/deliveries/1/passed-on"]
    assert seat.step("send-again")[0] == 303
    assert [one.id for one in seat.store.pending("cad")] == [1]
    entry = seat.store.journal_last(1)[0]
    assert (entry.kind, entry.actor) == (journal.DELIVERY_RETRIED, OPERATOR)
    status, said = seat.step("send-again")
    assert status == 409 and 'class="problem"' in said


def test_what_was_passed_on_is_no_longer_there(seat: Seat) -> None:
    give_up(seat)
    assert seat.step("passed-on")[0] == 303
    assert "/send-again" not in seat.page()
    assert seat.step("passed-on", 99)[0] == 409


def test_the_banner_leads_there(seat: Seat) -> None:
    page = seat.browser.get("/").text
    (banner,) = re.findall(r'<p class="banner trouble" data-trouble="outputs_gave_up" role="alert" >(.*?)</p>', page)
    assert 'href="/deliveries"' in banner
    assert re.search(r'data-trouble="outputs_failing" role="alert" hidden', page)
