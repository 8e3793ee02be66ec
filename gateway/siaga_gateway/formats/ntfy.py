"""Messages for an ntfy server (docs.ntfy.sh/publish). Pure.

A message's sequence number comes from its key: from ntfy 2.16 on a phone shows what has the same number in one place,
so that a repetition, or a note that takes an alarm back, replaces it. Older servers and iPhones show both.
"""

from __future__ import annotations

import re
from typing import Final

from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.value import copied
from siaga_gateway.formats.service_message import (
    JSON,
    AddressUnusable,
    Meaning,
    ServiceAnswer,
    ServiceRequest,
    as_json,
    by_status,
    json_object,
    short_name,
)
from siaga_gateway.formats.text_rules import one_line

_TOPIC: Final = re.compile(r"[-_A-Za-z0-9]{1,64}")
_MAX: Final = 5  # rings through, vibrates long
_LOW: Final = 3
_MOST_ACTIONS: Final = 3
_LONGEST: Final = 3_000  # bytes; beyond 4,096 the server makes a file of the text
# Without a time of its own in the answer: one request comes back every five seconds.
_REFILL_S: Final = 5.0
# The server's own code for a daily number of messages that is used up; it begins anew at midnight, UTC.
_QUOTA: Final = frozenset({42908})


class NtfyFormat:
    """Implements MessageFormat. An address is a topic, or an address `https://server/topic` at this server."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """url: of the server. token: an access token of it."""
        self._url = url.rstrip("/")
        self._head = JSON if token is None else {**JSON, "authorization": f"Bearer {token}"}

    def requests(self, address: str, message: PersonalMessage, key: str, now_ms: int) -> list[ServiceRequest]:
        body: dict[str, object] = {
            "topic": self._topic(address),
            "title": one_line(message.title, 200),
            "message": _shortened(message.text),
            "priority": _MAX if message.urgent else _LOW,
            "tags": ["rotating_light" if message.urgent else "information_source"],
            "sequence_id": message.withdraws or short_name(key),
        }
        if message.url is not None:
            body["click"] = message.url
            # The phone itself asks these addresses, at a tap: POST, as nothing else may answer a call.
            body["actions"] = [
                {"action": "http", "label": answer.label, "url": answer.url, "method": "POST", "clear": True}
                for answer in message.answers[:_MOST_ACTIONS]
            ]
        return [ServiceRequest(f"{self._url}/", as_json(body), self._head)]

    def answer(self, status: int, body: bytes, key: str) -> ServiceAnswer:
        said = json_object(body)
        if 200 <= status < 300:
            if isinstance(said.get("id"), str) and said.get("event") == "message":
                return ServiceAnswer(Meaning.TAKEN, reference=str(said.get("sequence_id") or short_name(key)))
            return ServiceAnswer(Meaning.STRANGER)
        found = by_status(status, one_line(str(said.get("error", "")), 120))
        if status == 429 and said.get("code") in _QUOTA:
            return copied(found, meaning=Meaning.EXHAUSTED)
        if found.meaning is Meaning.WAIT and status == 429:
            return copied(found, wait_s=_REFILL_S)
        return found

    def _topic(self, address: str) -> str:
        server, slash, topic = address.strip().rpartition("/")
        if slash and server.lower() != self._url.lower():
            raise SettingError("way.other_server", server=self._url)
        if not _TOPIC.fullmatch(topic):
            raise AddressUnusable("way.topic")
        return topic


def _shortened(text: str) -> str:
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= _LONGEST else encoded[:_LONGEST].decode("utf-8", "ignore") + "…"
