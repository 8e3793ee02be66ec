"""What a Telegram bot sends, and what the Bot API's answers mean."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.ways.sample_messages import KEY, LINK, SENT_MS, alarm, note
from siaga_gateway.domain.personal_message import PersonalMessage, Reply
from siaga_gateway.formats.service_message import AddressUnusable, Meaning
from siaga_gateway.formats.telegram import TelegramFormat

SPOKEN = TelegramFormat("https://api.telegram.org/", "17:hidden")


def sent(message: PersonalMessage, chat: str = "123456789") -> list[tuple[str, dict[str, Any]]]:
    requests = SPOKEN.requests(chat, message, KEY, SENT_MS)
    return [(request.url, json.loads(request.body)) for request in requests]


def test_an_alarm_rings_is_not_forwarded_and_shows_no_preview() -> None:
    ((url, body),) = sent(alarm())
    assert url == "https://api.telegram.org/bot17:hidden/sendMessage"
    assert body["chat_id"] == "123456789"
    assert body["text"].splitlines() == [alarm().title, *alarm().text.splitlines(), LINK]
    assert body["protect_content"] is True and body["disable_notification"] is False
    assert body["link_preview_options"] == {"is_disabled": True}


def test_where_answers_are_read_there_are_buttons_and_the_words() -> None:
    assert "reply_markup" not in sent(alarm())[0][1]
    three = (Reply("Saya datang", "1 47"), Reply("Tidak bisa", "2 47"), Reply("Di lokasi", "3 47"))
    ((_, body),) = sent(alarm(reply="Balas 1 47 = datang", replies=three))
    assert body["text"].splitlines()[-2:] == [LINK, "Balas 1 47 = datang"]
    rows = body["reply_markup"]["inline_keyboard"]
    assert [[(each["text"], each["callback_data"]) for each in row] for row in rows] == [
        [("Saya datang", "1 47"), ("Tidak bisa", "2 47")],
        [("Di lokasi", "3 47")],
    ]
    ((_, body),) = sent(alarm(replies=three[:1]))
    assert len(body["reply_markup"]["inline_keyboard"]) == 1


def test_a_note_is_silent_and_takes_the_alarm_away() -> None:
    (_, body), (url, delete) = sent(note(withdraws="4711"))
    assert body["disable_notification"] is True
    assert url.endswith("/deleteMessage") and delete == {"chat_id": "123456789", "message_id": 4711}


def test_a_reference_that_is_none_of_telegrams_deletes_nothing() -> None:
    assert len(sent(note(withdraws="a1b2"))) == 1


def test_a_long_text_is_cut() -> None:
    ((_, body),) = sent(alarm(text="x" * 9_000))
    assert len(body["text"]) == 4_001
    start = f"{alarm().title}\n"
    ((_, body),) = sent(alarm(url=None, text="x" * (4_000 - len(start))))
    assert body["text"].endswith("x")


@pytest.mark.parametrize("chat", ["", "+6281200000001", "budi", "@ab", "1 2"])
def test_what_is_no_chat_is_refused(chat: str) -> None:
    with pytest.raises(AddressUnusable):
        SPOKEN.requests(chat, alarm(), KEY, SENT_MS)


def failed(code: int, description: str, **parameters: object) -> bytes:
    said = {"ok": False, "error_code": code, "description": description}
    return json.dumps(said | ({"parameters": parameters} if parameters else {})).encode()


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (200, b'{"ok":true,"result":{"message_id":4711,"chat":{"id":1}}}', Meaning.TAKEN),
        (200, b'{"ok":true,"result":true}', Meaning.STRANGER),
        (200, b"<html>Internet Positif", Meaning.STRANGER),
        (403, failed(403, "Forbidden: bot was blocked by the user"), Meaning.DEAD),
        (403, failed(403, "Forbidden: user is deactivated"), Meaning.DEAD),
        (403, failed(403, "Forbidden: bot can't initiate conversation with a user"), Meaning.DEAD),
        (400, failed(400, "Bad Request: chat not found"), Meaning.DEAD),
        (400, failed(400, "Bad Request: message text is empty"), Meaning.REFUSED),
        (403, b"<html>Forbidden by the proxy", Meaning.REFUSED),
        (400, b"<html>Bad Request", Meaning.REFUSED),
        (401, failed(401, "Unauthorized"), Meaning.REFUSED),
        (404, failed(404, "Not Found"), Meaning.REFUSED),
        (429, failed(429, "Too Many Requests: retry after 35", retry_after=35), Meaning.WAIT),
        (500, failed(500, "Internal Server Error"), Meaning.UNKNOWN),
        (502, b"<html>Bad Gateway", Meaning.UNKNOWN),
    ],
)
def test_what_an_answer_means(status: int, body: bytes, meaning: Meaning) -> None:
    assert SPOKEN.answer(status, body, KEY).meaning is meaning


def test_what_it_says_is_told_in_short() -> None:
    assert len(SPOKEN.answer(400, failed(400, "x" * 200), KEY).said) == 120


def test_the_wait_the_number_and_the_new_chat_are_in_the_body() -> None:
    assert SPOKEN.answer(429, failed(429, "Too Many Requests", retry_after=35), KEY).wait_s == 35
    assert SPOKEN.answer(429, failed(429, "Too Many Requests", retry_after=True), KEY).wait_s is None
    assert SPOKEN.answer(200, b'{"ok":true,"result":{"message_id":4711}}', KEY).reference == "4711"
    moved = SPOKEN.answer(400, failed(400, "upgraded", migrate_to_chat_id=-1001), KEY)
    assert (moved.meaning, moved.moved_to) == (Meaning.MOVED, "-1001")
