"""The console on a real store, while the waves of a real gateway call: what it shows, and what its buttons do."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gateway.dispatch.called_district import CalledDistrict
from gateway.dispatch.listed_responders import BUDI
from gateway.fake_account_store import no_accounts
from gateway.sample_site import SITE
from gateway.sample_store import NOW_MS
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from siaga_gateway.domain.escalation_state import Phase
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.value import copied
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store.responses import ResponderLink
from siaga_gateway.web.app import ConsoleOptions, create_app


@pytest.fixture
def district(tmp_path: Path) -> Iterator[CalledDistrict]:
    made = CalledDistrict(tmp_path)
    yield made
    made.close()


def browser(district: CalledDistrict, language: str = "id") -> TestClient:
    app = create_app(
        reader=district.store,
        operate=district.operator,
        disclosures=FakeDisclosures(),
        sign_ins=FakeSignIns(),
        accounts=no_accounts(district.clock),
        notifier=FakeBell(),
        options=ConsoleOptions(SITE, Mode.ACTUAL, language, b"k" * 32),
        clock=district.clock,
    )
    client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
    assert client.post("/sign-in", data={"name": OPERATOR}).status_code == 303
    return client


def words(page: str) -> str:
    """What a page without script shows, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def form_of(page: str, action: str) -> str:
    found = re.search(rf'hx-post="(/incidents/\d+/{action}[^"]*)"', page)
    assert found is not None, action
    return html.unescape(found[1])


def test_a_page_without_script_says_on_which_rung_and_when_the_next_comes(district: CalledDistrict) -> None:
    district.press()
    district.go_on()
    district.hand_over()
    district.go_on(11)
    client = browser(district, "en")
    began, next_ms = district.clock.at_ms - 11_000, district.clock.at_ms + 9_000
    for path in ("/", "/incidents?ids=1"):
        assert f"Calling for help · chief Next call {SITE.local.clock(next_ms, next_ms)}" in words(
            client.get(path).text
        )
    detail = words(client.get("/incidents/1").text)
    since = SITE.local.clock(began, next_ms)
    assert f"Calling for help · chief No answer since {since} Next call" in detail
    assert "ntfy: handed over" in detail and "ntfy: waits" in detail
    assert 'href="tel:+62' in client.get("/incidents/1").text


def test_an_opened_link_stands_beside_its_person_with_the_time(district: CalledDistrict) -> None:
    incident = district.press()
    district.go_on()
    told = copied(district.told(incident)[0], recipient="responder:budi", number=99)
    with district.store.transaction() as transaction:
        transaction.put_responders([BUDI])
        transaction.add_notifications([told])
        transaction.add_responder_link(ResponderLink("ab" * 32, incident.id, "budi", NOW_MS))
        transaction.mark_link_opened("ab" * 32, NOW_MS)
    shown = words(browser(district, "en").get(f"/incidents/{incident.id}").text)
    assert re.search(rf"Contoh Budi .*link opened {SITE.local.clock(NOW_MS, NOW_MS)[:5]}", shown), shown


def test_a_second_wave_is_acknowledged_and_an_older_one_refused_in_the_operator_s_language(
    district: CalledDistrict,
) -> None:
    incident = district.press()
    district.go_on()
    client = browser(district)
    assert client.post(form_of(client.get("/incidents/1").text, "seen")).status_code == 200
    assert 'data-step="acknowledge"' not in client.get("/incidents/1").text
    district.go_on()
    district.go_on(61)
    page = client.get("/incidents/1").text
    assert "BERDERING LAGI: belum ada yang ditugaskan" in words(page) and 'data-step="seen"' not in page
    shown = form_of(page, "acknowledge")
    refused = client.post(shown.replace("wave=2", "wave=1"))
    assert refused.status_code == 409 and "berdering lagi sejak Anda melihatnya" in refused.text
    assert refused.headers["HX-Retarget"] == "#message"
    assert client.post(shown).status_code == 200
    district.go_on()
    assert district.state(incident).phase is Phase.ACKNOWLEDGED
    page = client.get("/incidents/1").text
    assert 'data-ring=""' in client.get("/incidents?ids=1").text and "Memanggil lagi" in words(page)
    entries = [each for each in district.store.journal_of_incident(1) if each.kind == journal.ACKNOWLEDGED]
    assert [(each.actor, each.facts["wave"]) for each in entries] == [(OPERATOR, 2)]
    for wave in ("", "?wave=-1", "?wave=x", f"?wave={2**70}"):
        assert client.post(f"/incidents/1/acknowledge{wave}").status_code == 422


def test_a_call_that_nobody_can_be_told_of_by_a_program_is_red_with_numbers(tmp_path: Path) -> None:
    district = CalledDistrict(tmp_path, ways=())
    try:
        district.press()
        district.go_on(1)
        for path in ("/incidents/1", "/incidents/1/calls"):
            page = browser(district, "en").get(path)
            assert page.status_code == 200
            told = words(page.text)
            assert "NOBODY REACHED: stations, desk and responders. Call yourself: Polsek Sw +62" in told
            assert "telephone: call by hand" in told
        assert "Who" not in words(browser(district, "en").get("/incidents/1/calls").text).replace("Who was", "")
    finally:
        district.close()


def test_an_old_incident_is_asked_about_and_called_again_by_a_button(district: CalledDistrict) -> None:
    incident = district.press()
    district.restore()
    district.clock.at_ms += 3_600_000
    district.go_on()
    client = browser(district, "en")
    page = client.get("/incidents/1").text
    assert "Does this still matter?" in words(page) and 'data-step="close"' in page
    assert district.called(incident) == []
    assert client.post(form_of(page, "acknowledge")).status_code == 200
    district.go_on()
    page = client.get("/incidents/1").text
    assert 'data-step="acknowledge"' not in page, "somebody looks into it"
    assert client.post(form_of(page, "resume")).status_code == 200
    district.go_on()
    assert district.called(incident) == ["stations"]
    assert "RINGS AGAIN: from a restored backup" in words(client.get("/incidents?ids=1").text)


def test_a_held_call_rings_the_operator_and_then_the_supervisor(district: CalledDistrict) -> None:
    district.press(held=True)
    district.go_on()
    client = browser(district, "en")
    assert "HELD: decide · operator" in words(client.get("/incidents/1").text)
    district.go_on(21)
    page = client.get("/incidents?ids=1").text
    assert "HELD: decide · supervisor" in words(page) and 'data-ring="held" data-level="1"' in page


def test_a_call_that_cannot_be_read_has_a_card_of_its_own_and_hides_no_other(district: CalledDistrict) -> None:
    spoilt, other = district.press(counter=1), district.press(counter=2)
    district.go_on()
    district.spoil(spoilt)
    district.note(spoilt, journal.TEST_PRESS)  # it has a line in the feed, too
    client = browser(district, "en")
    for path in ("/", "/incidents", f"/incidents?ids={spoilt.id},{other.id}"):
        page = client.get(path).text
        assert f'id="incident-{other.id}"' in page, path
        card = page.partition(f'id="incident-{spoilt.id}"')[2].partition("</li>")[0]
        assert 'data-group="active" data-rank="0"' in card, path
        said = words(f"<li {card}")
        assert "CANNOT BE READ" in said and f"Call {spoilt.id} Toko Contoh, kasir" in said, path
    assert "CANNOT BE READ" not in client.get(f"/incidents?ids={other.id}").text
    detail = client.get(f"/incidents/{spoilt.id}")
    assert detail.status_code == 404 and f"Call {spoilt.id} cannot be read" in words(detail.text)
