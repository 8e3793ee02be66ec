"""WhatsApp's receipts: only Meta's own count, are stored before the answer, and mark the message that they name."""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from gateway import sample_store
from gateway.fake_ports import ManualClock
from gateway.sql.test_sql_notifications import NOW_MS, STATE, add, note, put
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.notifications import NAMED, RECEIVED
from siaga_gateway.adapters.ways.whatsapp_receipts import WhatsappReceipts
from siaga_gateway.config.whatsapp_receipts import WhatsappReceiptsSettings
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.whatsapp_receipts import LARGEST, receipts
from siaga_gateway.service.dispatch.message_receipts import receipts_taken
from siaga_gateway.service.store import StoreFailing
from waiting import ENDS_S

SECRET, TOKEN = "an-invented-secret-of-an-app", "an-invented-word"


def told(*statuses: object) -> dict[str, Any]:
    """As Meta posts it; the numbers are invented."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "620000000001", "phone_number_id": "100000000000001"},
        "statuses": list(statuses),
    }
    changes = [{"field": "messages", "value": value}]
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}


def status(number: object, state: object, **more: object) -> dict[str, object]:
    return {"id": number, "status": state, "timestamp": "1796059200", "recipient_id": "6281200000001", **more}


def test_what_arrived_or_was_read_has_arrived_and_what_failed_says_why() -> None:
    failed = status("wamid.3", "failed", errors=[{"code": 131026, "title": "Message undeliverable"}])
    sent = [status("wamid.1", "delivered"), status("wamid.1", "read"), status("wamid.2", "read"), failed]
    found = receipts(json.dumps(told(status("wamid.9", "sent"), *sent)).encode())
    assert found.arrived == {"wamid.1": 1796059200, "wamid.2": 1796059200}
    assert found.failed == (("wamid.3", "131026 Message undeliverable"),)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=9),
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(st.sampled_from(["entry", "changes", "value", "statuses", "id", "status", "errors"]), each)
    ),
    max_leaves=12,
)


@given(JSON | st.builds(told, JSON, JSON))
def test_whatever_comes_it_is_read(body: object) -> None:
    found = receipts(json.dumps(body).encode())
    assert all(isinstance(each, str) for each in found.arrived)
    assert receipts(b"\xff[").arrived == receipts(b"[" * 100_000).arrived == {}


class Door:
    """The server before a real store, in which a message by WhatsApp was handed over."""

    def __init__(self, folder: Path) -> None:
        self.store: SqlStore = sample_store.new_store(folder)
        sample_store.with_device(self.store)
        for incident in (1, 2):
            sample_store.open_incident(self.store, incident)
        message = note(recipient="responder:budi", way=ContactWay.WHATSAPP)
        add(self.store, message)
        put(self.store, copied(message, state=STATE.HANDED_OVER, next_at_ms=None, attempts=1, reference="wamid.1"))
        self.failing: Exception | None = None
        self._take = receipts_taken(self.store, ManualClock(NOW_MS + 7))
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        settings = WhatsappReceiptsSettings(port=0, app_secret=SecretStr(SECRET), verify_token=SecretStr(TOKEN))
        self.clock = ManualClock(NOW_MS)
        self.server = WhatsappReceipts(settings, bound, take=self.take, clock=self.clock)
        self.server.start()
        self.client = httpx.Client(timeout=ENDS_S, trust_env=False)

    def take(self, references: Sequence[str]) -> list[str]:
        if self.failing is not None:
            raise self.failing
        return self._take(references)

    def post(self, body: bytes, shown: str | None = None) -> int:
        signed = f"sha256={hmac.new(SECRET.encode(), body, 'sha256').hexdigest()}" if shown is None else shown
        headers = {"x-hub-signature-256": signed} if signed else {}
        return self.client.post(self.server.address, content=body, headers=headers).status_code

    def arrived(self) -> int | None:
        return self.store.notifications_of(1)[0].delivered_ms


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.client.close()
    made.server.stop()
    made.store.close()


def test_a_signed_receipt_marks_its_message_once_and_another_marks_nothing(door: Door) -> None:
    body = json.dumps(told(status("wamid.1", "delivered"), status("wamid.of-somebody-else", "read"))).encode()
    for forged in ("", "sha256=", f"sha256={'0' * 64}", hmac.new(b"other", body, "sha256").hexdigest()):
        assert door.post(body, forged) == 401
    assert door.post(body + b" ", f"sha256={hmac.new(SECRET.encode(), body, 'sha256').hexdigest()}") == 401
    assert door.post(b" " * (LARGEST + 1)) == 401 and door.arrived() is None
    assert door.post(json.dumps(told(status("wamid.1", "sent"))).encode()) == 200 and door.arrived() is None
    assert door.post(body) == 200 and door.arrived() == NOW_MS + 7
    door._take = receipts_taken(door.store, ManualClock(NOW_MS + 99))
    assert door.post(json.dumps(told(status("wamid.1", "read"))).encode()) == 200 and door.arrived() == NOW_MS + 7


def test_what_cannot_be_stored_is_asked_for_again(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps(told(status("wamid.1", "read"), status("wamid.7", "failed", errors=[{"code": 131026}]))).encode()
    door.failing = StoreFailing("store.FULL", code=13)
    assert door.post(body) == 503 and door.arrived() is None and "131026" in caplog.text
    door.failing = None
    assert door.post(body) == 200 and door.arrived() is not None


def test_a_receipt_that_overtakes_the_recorded_outcome_is_asked_for_again(door: Door) -> None:
    at_s = NOW_MS // 1_000
    body = json.dumps(told(*(status(f"wamid.{each}", "delivered", timestamp=str(at_s)) for each in (1, 2)))).encode()
    assert door.post(body) == 503 and door.arrived() == NOW_MS + 7, "what is known is marked"
    sent = note(2, recipient="responder:budi", way=ContactWay.WHATSAPP)
    add(door.store, sent)
    put(door.store, copied(sent, state=STATE.HANDED_OVER, next_at_ms=None, attempts=1, reference="wamid.2"))
    assert door.post(body) == 200 and door.store.notifications_of(2)[0].delivered_ms == NOW_MS + 7
    strange = json.dumps(told(status("wamid.3", "read", timestamp=str(at_s)))).encode()
    for age_ms, answer in ((59_999, 503), (60_000, 200), (-59_999, 503), (-60_000, 200)):
        door.clock.at_ms = at_s * 1_000 + age_ms
        assert door.post(strange) == answer, "another program's; no clock makes Meta post it for ever"


def test_meta_is_answered_at_the_set_up_and_a_stranger_is_not(door: Door) -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": TOKEN}
    answer = door.client.get(door.server.address, params=asked)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "x"}, {"hub.verify_token": ""}, {"hub.mode": "other"}):
        assert door.client.get(door.server.address, params=asked | wrong).status_code == 403


def test_it_is_found_by_the_index(door: Door) -> None:
    for statement, values in ((RECEIVED, (1, "x")), (NAMED, ("x",))):
        assert "notification_reference" in str(door.store.fetch(f"EXPLAIN QUERY PLAN {statement}", values))


def test_the_port_needs_both_secrets() -> None:
    assert WhatsappReceiptsSettings().port is None
    for missing in ("app_secret", "verify_token"):
        given = {"app_secret": SECRET, "verify_token": TOKEN} | {missing: "short"}
        with pytest.raises(ValidationError, match=missing):
            WhatsappReceiptsSettings(port=8114, **given)  # type: ignore[arg-type]
