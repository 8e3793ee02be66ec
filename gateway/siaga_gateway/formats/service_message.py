"""What a messaging service is asked, and what its answer means: for ntfy, Telegram, WhatsApp and web push. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any, Final, Protocol

import orjson

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.value import record

JSON: Final = {"content-type": "application/json"}
# By a proxy or a server that fell over on the way: the service may have the message all the same. 503 says it has not.
_MAYBE_TAKEN: Final = frozenset({408, 500, 502, 504})


class AddressUnusable(Malformed):
    """No message can be sent to this address, now or later."""


class Meaning(StrEnum):
    TAKEN = "taken"
    DEAD = "dead"  # this address takes nothing any more
    MOVED = "moved"  # it has another address now
    WAIT = "wait"
    EXHAUSTED = "exhausted"  # it takes nothing more from us today
    LATER = "later"
    REFUSED = "refused"  # until a setting is changed: the token, the template
    UNKNOWN = "unknown"  # it may have been taken
    STRANGER = "stranger"  # somebody else answered: a sign-in page, a proxy


@record
class ServiceAnswer:
    meaning: Meaning
    said: str = ""  # in the service's words, as far as it has any
    reference: str | None = None  # the service's number of the message
    wait_s: float | None = None
    moved_to: str | None = None


@record
class ServiceRequest:
    """A POST."""

    url: str  # whole; it may have a secret in it
    body: bytes
    headers: Mapping[str, str] = field(hash=False)


class MessageFormat(Protocol):
    """How one service is spoken to."""

    def requests(self, address: str, message: PersonalMessage, key: str, now_ms: int) -> list[ServiceRequest]:
        """Return the message's request, and others that are worth trying once it was taken. Raises: AddressUnusable;
        SettingError if the settings do not fit the address."""
        ...

    def answer(self, status: int, body: bytes, key: str) -> ServiceAnswer:
        """Return what an answer to a message means. key: the message's."""
        ...


def as_json(value: object) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # half a surrogate pair, which people can write
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def json_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object; an empty one for anything else."""
    try:
        value = orjson.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def by_status(status: int, said: str) -> ServiceAnswer:
    """Return what an answer without a 2xx means where only its status says it."""
    if status in (425, 429, 503):
        return ServiceAnswer(Meaning.WAIT, said)
    if status in _MAYBE_TAKEN:
        return ServiceAnswer(Meaning.UNKNOWN, said)
    return ServiceAnswer(Meaning.LATER if status >= 500 else Meaning.REFUSED, said)


def short_name(key: str) -> str:
    """Return a name for a key where a service allows few characters: 32 of `[a-f0-9]`."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def with_link(message: PersonalMessage) -> str:
    """Return text and link as lines, for services without a field for the link."""
    return "\n".join(part for part in (message.text, message.url) if part)
