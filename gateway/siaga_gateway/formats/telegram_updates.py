"""What people write to a Telegram bot, and what they are answered (core.telegram.org/bots/api: Getting updates). Pure.

The bot asks for updates with a number, and Telegram forgets all before it: so a number is given only once what came
before is dealt with.
"""

from __future__ import annotations

from typing import Any, Final

from siaga_gateway.domain.errors import Failing
from siaga_gateway.domain.value import record
from siaga_gateway.formats.service_message import JSON, ServiceRequest, as_json, json_object
from siaga_gateway.formats.text_rules import one_line

WAIT_S: Final = 25  # so long Telegram keeps the question open until there is something
AT_ONCE: Final = 5  # each may quote another message: the answer stays below LARGEST
LARGEST: Final = 1 << 20  # bytes of an answer
_LONGEST_TAP: Final = 200  # characters of what a tap is answered
_CONFLICT: Final = 409


class NotPolled(Failing):
    """No updates came; the text says why."""


@record
class ChatText:
    """A message, or a button that was tapped."""

    chat: str
    sender: str  # of a chat of two the same
    text: str  # of a button what it stands for
    tap: str | None = None  # Telegram's name of the tap; None: a message
    sent_ms: int | None = None  # Unix ms; None: not told
    after: int = 0  # the number to ask with once this is dealt with

    @property
    def in_group(self) -> bool:
        return self.chat != self.sender


@record
class Polled:
    """What has come. after: the number to ask with next; None: nothing new. more: there may be more already."""

    texts: tuple[ChatText, ...]
    after: int | None
    more: bool = False


class TelegramUpdates:
    def __init__(self, url: str, token: str) -> None:
        """See TelegramFormat."""
        self._bot = f"{url.rstrip('/')}/bot{token}"

    def poll(self, after: int) -> ServiceRequest:
        """Return the question for what came after these."""
        asked = {"timeout": WAIT_S, "limit": AT_ONCE, "allowed_updates": ["message", "callback_query"]}
        return self._request("getUpdates", asked | ({"offset": after} if after else {}))

    def read(self, status: int, body: bytes) -> Polled:
        """Return what an answer has. What is no text, or is malformed, is passed over. Raises: NotPolled."""
        said = json_object(body)
        result = said.get("result")
        if said.get("ok") is not True or not isinstance(result, list):
            key = "conflict" if status == _CONFLICT else "updates"
            raise NotPolled(f"telegram.{key}", status=status, said=one_line(str(said.get("description", "")), 120))
        updates = [each for each in result if isinstance(each, dict) and _is_number(each.get("update_id"))]
        texts = [text for each in updates if (text := _text(each)) is not None]
        after = max((each["update_id"] + 1 for each in updates), default=None)
        return Polled(tuple(texts), after, len(result) >= AT_ONCE)

    def answer(self, text: ChatText, said: str, *, alert: bool, late: bool = False) -> ServiceRequest | None:
        """Return how to say something to whoever wrote or tapped. A tap is answered also with nothing, or its button
        would wait. alert: he has to read it. late: the button waits no more; an answer to its tap would reach nobody.
        """
        if text.tap is not None and not late:
            told = {"callback_query_id": text.tap, "text": said[:_LONGEST_TAP], "show_alert": alert and bool(said)}
            return self._request("answerCallbackQuery", told)
        return self._request("sendMessage", {"chat_id": text.chat, "text": said}) if said else None

    def _request(self, method: str, sent: dict[str, Any]) -> ServiceRequest:
        return ServiceRequest(f"{self._bot}/{method}", as_json(sent), JSON)


def _text(update: dict[str, Any]) -> ChatText | None:
    tapped, message = update.get("callback_query"), update.get("message")
    if isinstance(tapped, dict):
        under = tapped.get("message")
        tap, said = tapped.get("id"), tapped.get("data")
        chat, sender = _id(under, "chat"), _id(tapped, "from")
        if isinstance(tap, str) and isinstance(said, str) and chat and sender:
            return ChatText(chat, sender, said, tap, None, update["update_id"] + 1)
    elif isinstance(message, dict):
        said, at_s = message.get("text"), message.get("date")
        chat, sender = _id(message, "chat"), _id(message, "from")
        if isinstance(said, str) and said and chat and sender:
            return ChatText(chat, sender, said, None, _milliseconds(at_s), update["update_id"] + 1)
    return None


def _id(inside: object, name: str) -> str:
    found = inside.get(name) if isinstance(inside, dict) else None
    number = found.get("id") if isinstance(found, dict) else None
    return str(number) if _is_number(number) else ""


def _milliseconds(seconds: object) -> int | None:
    return seconds * 1_000 if isinstance(seconds, int) and _is_number(seconds) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 62
