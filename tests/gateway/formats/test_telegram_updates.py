"""What the Bot API says that was written and tapped, and how it is asked and answered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.formats.telegram_updates import LARGEST, ChatText, NotPolled, Polled, TelegramUpdates

BUDI, GROUP = 1_001, -100_200_300
TOKEN = "17:hidden"
SPOKEN = TelegramUpdates("https://api.telegram.org/", TOKEN)


def read(*updates: dict[str, Any]) -> Polled:
    return SPOKEN.read(200, json.dumps({"ok": True, "result": updates}).encode())


def test_a_message_and_a_tap_say_who_where_and_when() -> None:
    message = {"from": {"id": BUDI}, "chat": {"id": BUDI}, "text": "1 47", "date": 1_790_000_000}
    tapped = {"id": "t-1", "from": {"id": BUDI}, "message": {"chat": {"id": GROUP}}, "data": "2 47"}
    polled = read({"update_id": 8, "message": message}, {"update_id": 7, "callback_query": tapped})
    assert polled == Polled(
        (
            ChatText("1001", "1001", "1 47", None, 1_790_000_000_000, 9),
            ChatText(str(GROUP), "1001", "2 47", "t-1", None, 8),
        ),
        9,
    )
    assert [each.in_group for each in polled.texts] == [False, True]
    assert read() == Polled((), None)
    assert [read(*[{"update_id": 8, "message": message}] * many).more for many in (4, 5)] == [False, True]
    (odd,) = read({"update_id": 8, "message": message | {"date": "x"}}).texts
    assert odd.sent_ms is None


def test_what_has_no_number_is_no_update_and_numbers_are_bounded() -> None:
    message = {"from": {"id": BUDI}, "chat": {"id": BUDI}, "text": "1", "date": True}
    body = json.dumps({"ok": True, "result": [5, {"message": message}, {"update_id": True, "message": message}]})
    assert SPOKEN.read(200, body.encode()) == Polled((), None)
    assert read({"update_id": 1 << 62, "message": message}) == Polled((), None)
    (most,) = read({"update_id": (1 << 62) - 1, "message": message}).texts
    assert most.sent_ms is None
    assert LARGEST == 1_048_576


def test_why_nothing_came_is_said_and_the_token_never() -> None:
    for status, key in ((409, "telegram.conflict"), (401, "telegram.updates"), (502, "telegram.updates")):
        body = json.dumps({"ok": False, "description": "Because\n" + "x" * 300}).encode()
        with pytest.raises(NotPolled) as error:
            SPOKEN.read(status, body)
        assert error.value.key == key and error.value.values["status"] == status
        assert len(error.value.values["said"]) == 120 and TOKEN not in str(error.value)


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"message": None},
        {"message": {"from": {"id": BUDI}, "chat": {"id": BUDI}}},
        {"message": {"from": {"id": "x"}, "chat": {"id": BUDI}, "text": "1"}},
        {"message": {"from": {"id": BUDI}, "chat": {"id": True}, "text": "1"}},
        {"message": {"chat": {"id": BUDI}, "text": "1"}},
        {"callback_query": {"id": 5, "from": {"id": BUDI}, "message": {"chat": {"id": BUDI}}, "data": "1"}},
        {"callback_query": {"id": "5", "from": {"id": BUDI}, "data": "1"}},
        {"edited_message": {"from": {"id": BUDI}, "chat": {"id": BUDI}, "text": "1"}},
    ],
)
def test_what_is_no_text_is_passed_over_and_forgotten(update: dict[str, Any]) -> None:
    body = json.dumps({"ok": True, "result": [{"update_id": 5, **update}]}).encode()
    assert SPOKEN.read(200, body) == Polled((), 6)


def test_the_first_question_has_no_number_and_the_next_has() -> None:
    assert "offset" not in json.loads(SPOKEN.poll(0).body)
    assert json.loads(SPOKEN.poll(8).body) == {
        "timeout": 25,
        "limit": 5,
        "allowed_updates": ["message", "callback_query"],
        "offset": 8,
    }
    assert SPOKEN.poll(8).url == f"https://api.telegram.org/bot{TOKEN}/getUpdates"


def test_a_long_answer_to_a_tap_is_cut_and_silence_to_a_message_is_silence() -> None:
    tapped = SPOKEN.answer(ChatText("1", "1", "1", "t"), "x" * 300, alert=True)
    assert tapped is not None and json.loads(tapped.body) == {
        "callback_query_id": "t",
        "text": "x" * 200,
        "show_alert": True,
    }
    assert SPOKEN.answer(ChatText("1", "1", "1"), "", alert=True) is None
    quiet = SPOKEN.answer(ChatText("1", "1", "1", "t"), "", alert=True)
    assert quiet is not None and json.loads(quiet.body)["show_alert"] is False
    calm = SPOKEN.answer(ChatText("1", "1", "1", "t"), "ya", alert=False)
    assert calm is not None and json.loads(calm.body)["show_alert"] is False
    late = SPOKEN.answer(ChatText("7", "1", "1", "t"), "lagi", alert=True, late=True)
    assert late is not None and json.loads(late.body) == {"chat_id": "7", "text": "lagi"}, "the button waits no more"
    said = SPOKEN.answer(ChatText("7", "7", "1"), "ya", alert=True)
    assert said is not None and (said.url.rpartition("/")[2], json.loads(said.body)) == (
        "sendMessage",
        {"chat_id": "7", "text": "ya"},
    )


@given(st.integers(100, 599), st.binary(max_size=60) | st.sampled_from([b'{"ok":true}', b'{"ok":true,"result":{}}']))
def test_whatever_else_answers_is_no_update(status: int, body: bytes) -> None:
    with pytest.raises(NotPolled):
        SPOKEN.read(status, body)
