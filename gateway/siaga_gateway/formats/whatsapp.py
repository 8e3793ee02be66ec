"""Messages by WhatsApp's Cloud API (developers.facebook.com, "Cloud API": messages, templates, error codes). Pure.

Whoever has not written within a day can be sent only a template that was approved beforehand. Ours have two variables,
title and text; the one with a link has a button whose address ends in a variable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

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
)
from siaga_gateway.formats.text_rules import one_line

_NUMBER: Final = re.compile(r"\+?([1-9][0-9]{6,14})")
_LONGEST: Final = 700  # of a variable; a template's whole text has 1,024 characters
# Error codes. The number has no WhatsApp, or its owner takes nothing from us.
_DEAD: Final = frozenset({131026, 131050})
_WAITS_S: Final = {
    131056: 6.0,  # too many to this person
    130429: 5.0,  # too many a second
    4: 60.0,
    80007: 60.0,
    131048: 300.0,  # too many were marked as spam
}
_LATER: Final = frozenset({1, 2, 131016, 131049, 131057, 133004})
_MAYBE: Final = frozenset({131000})


class WhatsappFormat:
    """Implements MessageFormat. An address is a number with its country code."""

    def __init__(
        self,
        url: str,
        phone_number_id: str,
        token: str,
        template: str,
        *,
        link_template: str | None = None,
        link_base: str | None = None,
        languages: Mapping[str, str] | None = None,
    ) -> None:
        """url: with the version, `https://graph.facebook.com/v23.0`. phone_number_id: the sender's. link_template: for
        messages with a link, with a button to `link_base` and the rest of the link. languages: the template's code by
        ours, where they differ."""
        self._url = f"{url.rstrip('/')}/{phone_number_id}/messages"
        self._head = {**JSON, "authorization": f"Bearer {token}"}
        self._template = template
        self._link_template = link_template
        self._link_base = link_base
        self._languages = languages or {}

    def requests(self, address: str, message: PersonalMessage, key: str, now_ms: int) -> list[ServiceRequest]:
        number = _NUMBER.fullmatch(address.strip())
        if number is None:
            raise AddressUnusable("way.number")
        text = _variable(message.text)
        template, buttons = self._template, []
        if message.url is not None:
            base = self._link_base
            if self._link_template is not None and base is not None and message.url.startswith(base):
                template = self._link_template
                rest = {"type": "text", "text": message.url.removeprefix(base)}
                buttons = [{"type": "button", "sub_type": "url", "index": "0", "parameters": [rest]}]
            else:
                text = f"{text} {message.url}"
        variables = [{"type": "text", "text": each} for each in (_variable(message.title), text)]
        sent = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": number[1],
            "type": "template",
            "template": {
                "name": template,
                "language": {"code": self._languages.get(message.language, message.language)},
                "components": [{"type": "body", "parameters": variables}, *buttons],
            },
        }
        return [ServiceRequest(self._url, as_json(sent), self._head)]

    def answer(self, status: int, body: bytes, key: str) -> ServiceAnswer:
        said = json_object(body)
        if 200 <= status < 300:
            return _taken(said.get("messages"))
        error = said.get("error")
        if not isinstance(error, dict):
            return by_status(status, "")
        code = error.get("code")
        told = one_line(f"{code}: {error.get('message', '')}", 120)
        if code in _DEAD:
            return ServiceAnswer(Meaning.DEAD, told)
        if code in _WAITS_S:
            return ServiceAnswer(Meaning.WAIT, told, wait_s=_WAITS_S[code])
        if code in _LATER:
            return ServiceAnswer(Meaning.LATER, told)
        if code in _MAYBE:
            return ServiceAnswer(Meaning.UNKNOWN, told)
        return by_status(status, told)


def _taken(messages: Any) -> ServiceAnswer:
    first = messages[0] if isinstance(messages, list) and messages else None
    if not isinstance(first, dict) or not isinstance(first.get("id"), str):
        return ServiceAnswer(Meaning.STRANGER)
    if (state := first.get("message_status", "accepted")) != "accepted":
        # Held back to look at the template: nobody may ever get it.
        return ServiceAnswer(Meaning.UNKNOWN, str(state), reference=first["id"])
    return ServiceAnswer(Meaning.TAKEN, reference=first["id"])


def _variable(text: str) -> str:
    """A variable has no line breaks, and is not empty."""
    return one_line(", ".join(text.splitlines()), _LONGEST) or "-"
