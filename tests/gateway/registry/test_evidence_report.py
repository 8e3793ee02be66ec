"""A button's frames as evidence: by the rule, by the command, by OpenSSL, and on the printed report."""

from __future__ import annotations

import contextlib
import html
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from gateway import sample_store
from gateway.dispatch.listed_places import SW, at
from gateway.fake_account_store import no_accounts
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.sample_site import SITE
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import FakeBell, FakeDisclosures, FakeSignIns
from pressing_button import PressingButton, report_body
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.cli.group import gateway
from siaga_gateway.domain.evidence import EvidenceError, checked, signed_form
from siaga_gateway.domain.frame import Kind, Suite
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.domain.incident import Disposition, IncidentState, Mode, Position
from siaga_gateway.domain.value import copied
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store.incident_search import IncidentSearch
from siaga_gateway.web.app import ConsoleOptions, create_app
from waiting import ENDS_S

BUTTON, OTHER = PressingButton().meet(GatewayKey.generate()), PressingButton()
SIGNED = BUTTON.press(1_790_000_000)
BODY = report_body(1_790_000_000)
BY_MAC = BUTTON.frame(Kind.PRESS, 9, BODY, Suite.HS256_64)
SIGNATURE = BUTTON.frame(Kind.PRESS, 9, BODY)[-64:]  # the same event, signed


@given(st.integers(0, 8 * len(SIGNED) - 1))
def test_no_changed_bit_of_a_signed_frame_is_valid(bit: int) -> None:
    changed = bytearray(SIGNED)
    changed[bit // 8] ^= 1 << bit % 8
    with contextlib.suppress(EvidenceError):
        assert checked(bytes(changed), None, BUTTON.public_xy).signed is not True
    assert checked(SIGNED, None, BUTTON.public_xy).signed is True


def test_a_frame_by_mac_is_proven_by_the_signature_that_came_later_and_by_no_other() -> None:
    assert checked(BY_MAC, None, BUTTON.public_xy).signed is None
    assert checked(BY_MAC, SIGNATURE, BUTTON.public_xy).signed is True
    assert signed_form(BY_MAC, SIGNATURE) == BUTTON.frame(Kind.PRESS, 9, BODY)[:-64] + SIGNATURE
    assert checked(BY_MAC, SIGNED[-64:], BUTTON.public_xy).signed is False
    for wrong in ((BY_MAC[:-1], None), (SIGNED, SIGNATURE[:-1])):
        with pytest.raises(EvidenceError):
            checked(*wrong, BUTTON.public_xy)
    with pytest.raises(EvidenceError):
        checked(SIGNED, None, OTHER.public_xy)
    with pytest.raises(EvidenceError):
        checked(SIGNED, SIGNATURE, BUTTON.public_xy)
    assert checked(SIGNED, SIGNED[-64:], BUTTON.public_xy).signed is True


def verify(frame: bytes, *more: str, key: bytes = BUTTON.public_xy) -> tuple[int, str]:
    line = ["frame", "verify", "--language", "en", "--key", key.hex(), "--frame", frame.hex(), *more]
    result = CliRunner().invoke(gateway, line)
    return result.exit_code, result.output


@pytest.mark.parametrize("more", [(SIGNED, ()), (BY_MAC, ("--signature", SIGNATURE.hex()))])
def test_whoever_holds_it_verifies_it_by_command_and_by_openssl(
    more: tuple[bytes, tuple[str, ...]], tmp_path: Path
) -> None:
    frame, options = more
    code, told = verify(frame, *options, "--openssl", str(tmp_path))
    assert (code, "VALID" in told) == (0, True), told

    def openssl() -> int:
        line = "openssl dgst -sha256 -keyform DER -verify key.der -signature signature.der signed.bin"
        return subprocess.run(line.split(), cwd=tmp_path, capture_output=True, timeout=ENDS_S).returncode

    assert openssl() == 0
    content = (tmp_path / "signed.bin").read_bytes()
    (tmp_path / "signed.bin").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert openssl() != 0


def test_what_proves_nothing_is_said_and_ends_otherwise() -> None:
    code, told = verify(BY_MAC)
    assert code == 3 and "not signed" in told
    code, told = verify(SIGNED[:-1] + bytes([SIGNED[-1] ^ 1]))
    assert code == 1 and "NOT VALID" in told
    code, told = verify(SIGNED, key=OTHER.public_xy)
    assert code == 1 and BUTTON.device_id.hex() in told
    assert verify(SIGNED, "--signature", "zz")[0] == 1


@pytest.fixture
def report(tmp_path: Path) -> Iterator[tuple[SqlStore, TestClient, FakeDisclosures]]:
    clock, store = ManualClock(sample_store.NOW_MS), sample_store.new_store(tmp_path)
    sample_store.with_device(store)
    incident = sample_store.open_incident(store)
    place = Position(*at(0.3, 0.3), 35, 4, "gnss", sample_store.NOW_MS)
    with store.transaction() as transaction:
        transaction.change_places()
        transaction.put_stations([SW])
        transaction.put_incident(copied(incident, position=place, note="<b>pintu</b> belakang"))
        transaction.note("incident_opened", sample_store.NOW_MS, {}, incident_id=incident.id)
    told = FakeDisclosures()
    app = create_app(
        reader=store,
        operate=IncidentActions(
            store, KeyRing(store, sample_store.GATEWAY_KEY), SentAnswers(), JournalNotifier(), clock, outputs=[]
        ),
        disclosures=told,
        sign_ins=FakeSignIns(),
        accounts=no_accounts(clock),
        notifier=FakeBell(),
        clock=clock,
        options=ConsoleOptions(SITE, Mode.ACTUAL, "id", b"k" * 32),
    )
    with TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False) as browser:
        assert browser.post("/sign-in", data={"name": OPERATOR}).status_code == 303
        yield store, browser, told
    store.close()


def test_the_report_has_map_timeline_and_frames_that_verify(
    report: tuple[SqlStore, TestClient, FakeDisclosures],
) -> None:
    _store, browser, told = report
    answer = browser.get("/incidents/1/report")
    assert answer.status_code == 200
    page = html.unescape(answer.text)
    assert "Contoh Wati" in page and "9900000000000001" not in page, "the NIK is for who asks for it"
    assert "<b>pintu</b> belakang" not in answer.text and "<b>pintu</b> belakang" in page
    assert "Tombol ditekan" in page and SW.name in page
    assert 'class="land"' in page and re.search(r'class="here" cx="[0-9.]+" cy="[0-9.]+"', page)
    assert not re.search(r'(?:src|href)="https?:', page), "it asks nobody for anything"
    (key,) = re.findall(r"\b[0-9a-f]{128}\b", page)
    frame = sample_store.press(1).hex()
    assert key == sample_store.PUBLIC_XY.hex() and frame in page
    assert checked(bytes.fromhex(frame), None, bytes.fromhex(key)).sha256 in page
    assert told.told == [(OPERATOR, "incident", (1,))]
    assert browser.get("/incidents/99/report").status_code == 404
    browser.cookies.clear()
    assert browser.get("/incidents/1/report").status_code in (303, 401)


def test_past_calls_are_found_by_what_they_were_and_open_their_report(
    report: tuple[SqlStore, TestClient, FakeDisclosures],
) -> None:
    store, browser, _ = report
    day_ms = 86_400_000
    with store.transaction() as transaction:
        first = transaction.incident(1)
        assert first is not None
        transaction.put_incident(copied(first, state=IncidentState.CLOSED, disposition=Disposition.ABUSE))
        for number, mode in ((2, Mode.EXERCISE), (3, Mode.ACTUAL)):
            other = transaction.next_incident_id()
            assert other == number
            named = copied(first, id=other, identifier=f"siaga.test-{other}.x", mode=mode, state=IncidentState.CLOSED)
            opened_ms = first.opened_at_ms - number * day_ms
            transaction.put_incident(copied(named, opened_at_ms=opened_ms, device_label=f"100%_{number}"))

    def found(**wanted: object) -> list[int]:
        return [each.id for each in store.found_incidents(IncidentSearch(**wanted), 2**62, 50)]  # type: ignore[arg-type]

    assert found() == [3, 2, 1] and found(mode=Mode.EXERCISE) == [2]
    assert found(disposition=Disposition.ABUSE) == [1] and found(disposition=Disposition.VERIFIED) == []
    assert found(to_ms=first.opened_at_ms) == [3, 2] and found(from_ms=first.opened_at_ms - 2 * day_ms) == [2, 1]
    assert found(text="%_2") == [2] and found(text=sample_store.DEVICE_ID.hex()[:6]) == [3, 2, 1]
    assert found(station="polsek-sw") == []
    assert [each.id for each in store.found_incidents(IncidentSearch(), 3, 1)] == [2], "a page goes on below the last"
    page = browser.get("/search?mode=exercise").text
    assert 'href="/incidents/2/report"' in page and 'href="/incidents/3/report"' not in page and "Wati" not in page
    answer = browser.get("/search?number=+3+")
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/3/report")
    assert browser.get("/search?since=2026-13-99&until=&station=&disposition=no&mode=no").status_code == 200
    assert browser.get("/search?number=x").status_code in (400, 422)
