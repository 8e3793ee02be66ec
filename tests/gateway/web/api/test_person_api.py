"""Who called, and a desk's messages, as a program reads and sends them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.web.api.test_api import Program
from gateway.web.conftest import Console
from gateway.web.console.test_messages_shown import CALLED, OPTIONS
from gateway.web.console.test_person_shown import TOLD
from siaga_gateway.domain.operator_message import DeskMessage
from siaga_gateway.domain.owner_profile import NOTHING_TOLD
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.service.store.owner_profiles import StoredProfile


@pytest.fixture
def program(console: Console) -> Iterator[Program]:
    """With incident 1, whose owner has told something, and earlier closed ones of his."""
    made = Program(console, messages=OPTIONS)
    console.book.press(1)
    console.book.press(2, person=1)
    console.book.profiles[2] = StoredProfile(TOLD, 1)
    console.book.photographs[2] = b"\xff\xd8\xff"
    console.book.do(do="tell", incident=1, rows=CALLED)
    yield made
    for each in (made.all, made.reader):
        each.close()


def test_what_was_told_is_for_programs_that_may_see_an_identity_and_noted(program: Program) -> None:
    before = len(program.console.disclosures.told)
    told = program.all.get("incidents/1/person").json()
    assert (told["hazards"], told["people"], told["unreadable"]) == (["threat", "dog", "drone"], 4, False)
    assert told["contacts"] == [{"name": "Contoh Sari", "relation": "anak", "phone": "+6281200000031"}]
    assert [each["state"] for each in told["earlier_calls"]] == ["open"], "of incident 2"
    picture = program.all.get("incidents/1/photograph")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert len(program.console.disclosures.told) == before + 2
    for path in ("incidents/1/person", "incidents/1/photograph"):
        refused = program.reader.get(path)
        assert refused.status_code == 403 and Permission.IDENTITY_READ.value in refused.json()["detail"]
    assert program.all.get("incidents/99/person").status_code == 404
    program.book.profiles[2] = StoredProfile(NOTHING_TOLD, 1, unreadable=True)
    assert program.all.get("incidents/1/person").json()["unreadable"] is True


def test_messages_are_listed_and_sent_with_a_key_of_the_programs_own(program: Program) -> None:
    program.book.messages[1] = [DeskMessage(1, 1_000_000, "k", "Tunggu", "Wait", 1_000, "Rina")]
    rows = [*CALLED, {"recipient": "station:contoh-kota", "way": "ntfy", "state": "failed", "kind": "message"}]
    rows[-1] |= {"number": 1_000_000, "attempts": 2}
    program.book.do(do="tell", incident=1, rows=rows)
    found = program.all.get("incidents/1/messages").json()
    (message,) = found["messages"]
    assert (message["text_en"], [each["state"] for each in message["receipts"]]) == ("Wait", ["failed"])
    assert {each["key"] for each in found["readers"]} == {"station:contoh-kota", "responder:budi", "holder:2"}
    assert "no_siren" in {each["name"] for each in found["templates"]}
    body = {"to": ["responder:budi"], "template": "no_siren", "key": "cad-4711-1"}
    answer = program.step("messages", body)
    assert answer.status_code == 200 and answer.json()["id"] == 1 and answer.headers["ETag"]
    (sent,) = program.book.sent_messages
    assert (sent.operator, sent.to, sent.key, sent.sure) == (
        "API: CAD Contoh",
        ("responder:budi",),
        "cad-4711-1",
        False,
    )
    for wrong in ({**body, "to": []}, {**body, "key": "short"}, {**body, "text": "x" * 161}, {**body, "colour": 1}):
        assert program.step("messages", wrong).status_code == 422
    assert program.reader.post("incidents/1/messages", json=body).status_code == 403
    assert len(program.book.sent_messages) == 1
