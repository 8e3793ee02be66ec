"""Messages of a Telegram bot (core.telegram.org/bots/api). Pure.

A bot cannot write to anybody who has not written to it first, or has blocked it: 403. An answer counts as Telegram's
only if its JSON says so: in some networks another page answers in its place.
"""

from __future__ import annotations

import re
from typing import Final

from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.formats.service_message import (
    JSON,
    AddressUnusable,
    Meaning,
    ServiceAnswer,
    ServiceRequest,
    as_json,
    by_status,
    json_object,
    with_link,
)
from siaga_gateway.formats.text_rules import one_line

_CHAT: Final = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31}")
_MESSAGE: Final = re.compile(r"[0-9]{1,20}")
_LONGEST: Final = 4_000  # characters; Telegram takes 4,096 UTF-16 units
# Of the 400s those that mean the chat and not our request.
_NO_CHAT: Final = re.compile(r"chat not found|user not found|peer_id_invalid|chat_id is empty|user_deactivated", re.I)


class TelegramFormat:
    """Implements MessageFormat. An address is a chat's number, or the @name of a public group or channel."""

    def __init__(self, url: str, token: str) -> None:
        """url: of the Bot API. token: the bot's."""
        self._bot = f"{url.rstrip('/')}/bot{token}"

    def requests(self, address: str, message: PersonalMessage, key: str, now_ms: int) -> list[ServiceRequest]:
        chat = address.strip()
        if not _CHAT.fullmatch(chat):
            raise AddressUnusable("way.chat")
        lines = (one_line(message.title, 200), with_link(message), message.reply)
        text = "\n".join(line for line in lines if line is not None)
        sent: dict[str, object] = {
            "chat_id": chat,
            "text": text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…",
            "protect_content": True,
            "disable_notification": not message.urgent,
            # Its servers would fetch the page, and show what is on it.
            "link_preview_options": {"is_disabled": True},
        }
        if message.replies:
            buttons = [{"text": each.label, "callback_data": each.text} for each in message.replies]
            sent["reply_markup"] = {"inline_keyboard": [buttons[:2], buttons[2:]] if buttons[2:] else [buttons]}
        requests = [self._request("sendMessage", sent)]
        if message.withdraws is not None and _MESSAGE.fullmatch(message.withdraws):
            requests.append(self._request("deleteMessage", {"chat_id": chat, "message_id": int(message.withdraws)}))
        return requests

    def answer(self, status: int, body: bytes, key: str) -> ServiceAnswer:
        said = json_object(body)
        result, parameters = said.get("result"), said.get("parameters")
        if said.get("ok") is True and isinstance(result, dict) and "message_id" in result:
            return ServiceAnswer(Meaning.TAKEN, reference=str(result["message_id"]))
        if said.get("ok") is not False:
            # A 4xx or 5xx in foreign words is a proxy's: its status says something, its page nothing.
            return ServiceAnswer(Meaning.STRANGER) if status < 400 else by_status(status, "")
        told = one_line(str(said.get("description", "")), 120)
        parameters = parameters if isinstance(parameters, dict) else {}
        if isinstance(moved := parameters.get("migrate_to_chat_id"), int):
            return ServiceAnswer(Meaning.MOVED, told, moved_to=str(moved))
        if status == 429:
            wait = parameters.get("retry_after")
            seconds = float(wait) if isinstance(wait, int | float) and not isinstance(wait, bool) else None
            return ServiceAnswer(Meaning.WAIT, told, wait_s=seconds)
        if status == 403 or (status == 400 and _NO_CHAT.search(told)):
            return ServiceAnswer(Meaning.DEAD, told)
        return by_status(status, told)

    def _request(self, method: str, sent: dict[str, object]) -> ServiceRequest:
        return ServiceRequest(f"{self._bot}/{method}", as_json(sent), JSON)
