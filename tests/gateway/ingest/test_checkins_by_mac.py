"""Check-ins that prove themselves by MAC: taken on every bearer, and missed where the button's own key stays silent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from databases import Place
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, at, report_body
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.frame import Kind, Stage, Suite
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.domain.supervision import UNSIGNED_MS
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.journal import kinds as journal

MINUTE_MS = 60_000
WELL = bytes([0, 1, 0, 185, 0x40, 12, 0, 0])


@pytest.fixture
def desk(place: Place) -> Iterator[IngestHarness]:
    made = IngestHarness(place)
    yield made
    made.close()


def checkin(button: PressingButton, at_ms: int, suite: Suite = Suite.HS256_64, **report: int) -> bytes:
    button.counter += 1
    body = report_body(at_ms // 1000, battery=80, **{**at(), **report}) + WELL
    return button.frame(Kind.CHECKIN, button.counter, body, suite)


def taken(desk: IngestHarness, raw: bytes, bearer: str = "mqtt") -> list[Stage]:
    checked = desk.checker.check([InboundFrame(raw, desk.now_ms, bearer, lambda: None)])
    with desk.store.transaction() as transaction:
        for entry in checked.entries:
            transaction.note(entry.kind, entry.at_ms, entry.facts, device_id=entry.device_id, frame=entry.frame)
        kept = desk.keeper.keep(transaction, checked)
    desk.keeper.committed()
    return [reply.stage for reply in kept.replies]


def status(desk: IngestHarness, button: PressingButton) -> DeviceStatus:
    found = desk.store.status(button.device_id)
    assert found is not None
    return found


@pytest.mark.parametrize("bearer", ["mqtt", "sms", "lorawan", "http"])
def test_it_is_a_sign_of_life_on_every_bearer(desk: IngestHarness, bearer: str) -> None:
    button = desk.button()
    for _ in range(3):
        desk.now_ms += MINUTE_MS
        assert taken(desk, checkin(button, desk.now_ms), bearer) == [Stage.RECEIVED]
    now = status(desk, button)
    assert (now.events, now.last_seen_ms, now.battery) == (3, desk.now_ms, 80)
    assert now.position is not None and now.position.at_ms == desk.now_ms // 1000 * 1000


def test_a_mac_of_another_gateway_key_is_forged_and_the_signature_of_the_same_message_is_not(
    desk: IngestHarness,
) -> None:
    button = desk.button().meet(GatewayKey.generate())
    raw = checkin(button, desk.now_ms)
    assert taken(desk, raw) == [] and [entry.kind for entry in desk.journal()] == [journal.FORGED]
    assert desk.store.status(button.device_id) is None
    body = report_body(desk.now_ms // 1000, battery=80, **at()) + WELL
    assert taken(desk, button.frame(Kind.CHECKIN, button.counter, body)) == [Stage.RECEIVED]


def test_both_forms_of_one_check_in_are_one_event(desk: IngestHarness) -> None:
    button = desk.button()
    assert taken(desk, checkin(button, desk.now_ms, Suite.ES256)) == [Stage.RECEIVED]
    button.counter += 1
    body = report_body(NOW_S, battery=80, **at()) + WELL
    by_mac = button.frame(Kind.CHECKIN, button.counter, body, Suite.HS256_64)
    signed = button.frame(Kind.CHECKIN, button.counter, body, Suite.ES256)
    for raw in (by_mac, signed, by_mac):
        assert taken(desk, raw) == [Stage.RECEIVED]
    assert status(desk, button).events == 2 and status(desk, button).counter_faults == 0


def test_since_when_its_own_key_is_silent_is_known_and_any_signature_ends_it(desk: IngestHarness) -> None:
    button = desk.button()
    taken(desk, checkin(button, desk.now_ms, Suite.ES256))
    assert status(desk, button).mac_since_ms is None
    for _ in range(3):
        desk.now_ms += UNSIGNED_MS // 2
        taken(desk, checkin(button, desk.now_ms))
    now = status(desk, button)
    assert (now.mac_since_ms, now.mac_until_ms) == (NOW_MS + UNSIGNED_MS // 2, NOW_MS + 3 * UNSIGNED_MS // 2)
    old = button.frame(Kind.CHECKIN, 1, report_body(NOW_S, battery=80, **at()) + WELL)
    taken(desk, old)
    assert status(desk, button).mac_since_ms is not None, "a signature of before proves nothing of now"
    desk.now_ms += MINUTE_MS
    taken(desk, button.press(desk.now_ms // 1000, **at()))
    assert (status(desk, button).mac_since_ms, status(desk, button).mac_until_ms) == (None, None)


def test_a_bearer_without_room_for_a_signature_blames_nobody(desk: IngestHarness) -> None:
    button = desk.button()
    for _ in range(3):
        desk.now_ms += UNSIGNED_MS
        taken(desk, checkin(button, desk.now_ms), "lorawan")
    assert status(desk, button).mac_since_ms is None


def test_a_usual_one_away_from_its_place_is_still_noted(desk: IngestHarness) -> None:
    button = desk.button(installed=(-54_000_000, 1_052_600_000))
    for latitude in (-54_000_000, -54_000_000, -55_000_000):
        desk.now_ms += MINUTE_MS
        taken(desk, checkin(button, desk.now_ms, latitude=latitude))
    assert len(desk.journal(journal.AWAY_FROM_PLACE)) == 1


def test_after_a_restore_no_button_is_blamed_for_signatures_that_the_lost_store_had(desk: IngestHarness) -> None:
    button = desk.button()
    taken(desk, checkin(button, desk.now_ms))
    desk.store.go_on(1, 1)
    later = IngestHarness.again(desk)
    later.now_ms += 2 * UNSIGNED_MS
    button.counter += 5_000
    taken(later, checkin(button, later.now_ms))
    assert status(later, button).mac_since_ms == status(later, button).mac_until_ms == later.now_ms
