"""A Telegram bot's side of the Bot API on loopback, as strict as the real one about what it is asked. Chats, people and
the token are invented."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from gateway.outputs.http_receiver import Handler, Receiver, answer

TOKEN = "17:hidden"
_FIELDS = {
    "getUpdates": {"timeout", "limit", "allowed_updates", "offset"},
    "sendMessage": {
        *("chat_id", "text", "protect_content", "disable_notification", "link_preview_options", "reply_markup"),
    },
    "answerCallbackQuery": {"callback_query_id", "text", "show_alert"},
    "deleteMessage": {"chat_id", "message_id"},
}


class BotApi:
    """Put `behave` into a Receiver, or call it from its behaviour. An update is forgotten once a later one was asked
    for, and given again until then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._updates: list[dict[str, Any]] = []
        self._taps: set[str] = set()
        self._number = 700
        self.called: list[tuple[str, dict[str, Any]]] = []  # but for getUpdates
        self.polls = 0
        self.failing: list[tuple[int, dict[str, Any]]] = []  # what the next polls are answered
        self.halves_s = 0.0  # pause in the middle of each answer
        self.hears: Callable[[str], object] = lambda method: None  # called before all but polls is answered
        self.quiet_s = 0.05  # so long a poll is kept open; the real one keeps it for `timeout`

    def behave(self, handler: Handler) -> None:
        request = handler.server.receiver.requests[-1]
        status, said = self._answer(handler, request.path, request.body)
        body = json.dumps(said).encode()
        if not self.halves_s:
            answer(status, body=body)(handler)
            return
        handler.send_response(status)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.until_closed(self.halves_s)
        handler.wfile.write(body[len(body) // 2 :])

    def write(self, sender: int, text: str, chat: int | None = None, at_s: int = 1_790_000_000) -> None:
        self._add(
            {
                "message": {
                    "message_id": 1,
                    "from": _person(sender),
                    "chat": _chat(chat, sender),
                    "date": at_s,
                    "text": text,
                }
            }
        )

    def tap(self, sender: int, data: str, chat: int | None = None) -> str:
        with self._lock:
            name = f"tap-{len(self._taps)}"
            self._taps.add(name)
        under = {"message_id": 1, "chat": _chat(chat, sender), "date": 1_790_000_000}
        self._add({"callback_query": {"id": name, "from": _person(sender), "message": under, "data": data}})
        return name

    def put(self, update: dict[str, Any]) -> None:
        """Add any update."""
        self._add(update)

    def waiting(self) -> int:
        with self._lock:
            return len(self._updates)

    def said(self, method: str) -> list[dict[str, Any]]:
        return [sent for name, sent in self.called if name == method]

    def _add(self, update: dict[str, Any]) -> None:
        with self._lock:
            self._number += 1
            self._updates.append({"update_id": self._number, **update})

    def _answer(self, handler: Handler, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        prefix, _, method = path.rpartition("/")
        if prefix != f"/bot{TOKEN}":
            return 401, _no(401, "Unauthorized")
        sent = json.loads(body)
        if method not in _FIELDS or sent.keys() - _FIELDS[method]:
            return 400, _no(400, f"Bad Request: {method} {sorted(sent)}")
        if method == "getUpdates":
            return self._updates_after(handler, sent)
        if method == "answerCallbackQuery" and (sent["callback_query_id"] not in self._taps or len(sent["text"]) > 200):
            return 400, _no(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        for row in sent.get("reply_markup", {}).get("inline_keyboard", []):
            for button in row:
                if not 1 <= len(button["callback_data"].encode()) <= 64 or not button["text"]:
                    return 400, _no(400, "Bad Request: BUTTON_DATA_INVALID")
        self.hears(method)
        with self._lock:
            self.called.append((method, sent))
            return 200, {"ok": True, "result": {"message_id": len(self.called)} if method == "sendMessage" else True}

    def _updates_after(self, handler: Handler, sent: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.polls += 1
            if self.failing:
                return self.failing.pop(0)
            self._updates = [each for each in self._updates if each["update_id"] >= sent.get("offset", 0)]
        if not self._updates:
            handler.until_closed(self.quiet_s)
        with self._lock:
            return 200, {"ok": True, "result": self._updates[: sent["limit"]]}


def bot_receiver(bot: BotApi) -> Receiver:
    return Receiver(bot.behave)


def _person(number: int) -> dict[str, Any]:
    return {"id": number, "is_bot": False, "first_name": "Contoh"}


def _chat(chat: int | None, sender: int) -> dict[str, Any]:
    return {"id": sender, "type": "private"} if chat is None else {"id": chat, "type": "supergroup"}


def _no(code: int, description: str) -> dict[str, Any]:
    return {"ok": False, "error_code": code, "description": description}
