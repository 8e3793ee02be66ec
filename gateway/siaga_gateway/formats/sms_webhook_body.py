"""Parses what an aggregator posts: text messages as JSON or form data, one or many, with its field names. Pure.

Documentation: Twilio, "Twilio's request to your incoming message webhook"; Infobip, "Receive inbound SMS messages"
(MO_JSON_2); Vonage, "Inbound SMS" and "Concatenation" of the SMS API, "Inbound message" of the Messages API. Zenziva
publishes no format: the usual Indonesian and English names are tried.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.formats.sms import Message, Part, letters_of, number_of

MOST_MESSAGES: Final = 500  # in one request
# Not punycode and the like, whose cost is quadratic: a stranger's request is decoded before its signature is checked.
_CHARSET: Final = re.compile(r"charset=\"?((?:utf|iso|latin|windows|cp|ascii|us-ascii)[A-Za-z0-9._:-]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Form:
    """Where the fields are. Paths have dots (`message.from`); of several the first that exists counts."""

    number: tuple[str, ...]
    text: tuple[str, ...]
    messages: str | None = None  # path of the list; None: the whole body is one message, or a list of them
    id: tuple[str, ...] = ()
    part: tuple[str, str, str] | None = None  # reference, number, total


PRESETS: Final[Mapping[str, Form]] = {
    "generic": Form(("from",), ("text",), id=("id", "messageId", "message_id")),
    "twilio": Form(("From",), ("Body",), id=("MessageSid", "SmsSid")),
    "infobip": Form(("from", "sender"), ("text", "content.text", "message.text"), "results", ("messageId",)),
    "vonage": Form(
        ("msisdn", "from.number", "from"),
        ("text", "message.content.text"),
        id=("messageId", "message_uuid"),
        part=("concat-ref", "concat-part", "concat-total"),
    ),
    "zenziva": Form(
        ("from", "sender", "msisdn", "nohp", "no_hp", "pengirim", "dari"),
        ("message", "text", "pesan", "isi", "msg", "isipesan"),
        id=("id", "messageId", "message_id", "msgid"),
    ),
}


@dataclass(frozen=True, slots=True)
class Posted:
    """One message in a request."""

    message: Message
    id: str | None  # the aggregator's, the same when it posts the message again


class NotPosted(Malformed):
    """A body without a message; the text says why, and repeats nothing of it."""


def read_posted(form: Form, body: bytes, content_type: str) -> list[Posted | None]:
    """Return the messages in a request's body or query; None for each without text. Raises: NotPosted."""
    told = _told(body, content_type)
    found = told if form.messages is None else _at(told, form.messages)
    items = found if isinstance(found, list) else [found]
    if not isinstance(found, list | dict) or not items:
        if form.messages is None:
            raise NotPosted("sms.no_messages")
        raise NotPosted("sms.no_messages_under", path=form.messages)
    if len(items) > MOST_MESSAGES:
        raise NotPosted("sms.many_messages", count=len(items), most=MOST_MESSAGES)
    return [_posted(form, item) for item in items]


def form_fields(body: bytes, content_type: str = "") -> list[tuple[str, str]]:
    """Return names and values of a form or a query."""
    charset = _CHARSET.search(content_type)
    try:
        return parse_qsl(
            body.decode("latin-1"),
            keep_blank_values=True,
            encoding=charset[1] if charset else "utf-8",
            errors="replace",
            max_num_fields=1_000,
        )
    except (LookupError, ValueError):  # an unknown character set
        return parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=1_000)


def flat_fields(body: bytes) -> list[tuple[str, str]]:
    """Return names and values of a JSON object, like a form's; none if it is something else."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return []
    return [(name, str(value)) for name, value in told.items()] if isinstance(told, dict) else []


def _told(body: bytes, content_type: str) -> Any:
    stripped = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    looks_like_json = stripped[:1] in (b"{", b"[") or body[:2] in (b"\xff\xfe", b"\xfe\xff")
    if "json" in content_type.lower() or looks_like_json:
        for written in (body, letters_of(stripped)):
            with contextlib.suppress(ValueError, RecursionError):
                return json.loads(written)
        raise NotPosted("sms.no_json")
    try:
        fields = form_fields(body, content_type)
    except ValueError:
        fields = []
    if not fields:
        raise NotPosted("sms.no_json_nor_form")
    return dict(reversed(fields))  # of a repeated name, the first


def _posted(form: Form, item: object) -> Posted | None:
    text = _first(item, form.text)
    if isinstance(text, list):  # a binary message as numbers, or lines
        text = "\n".join(each for each in text if isinstance(each, str))
    if not isinstance(text, str) or not text:
        return None
    number = number_of(_first(item, form.number))
    told = _first(item, form.id)
    named = str(told) if isinstance(told, str | int) and len(str(told)) >= 6 else None
    return Posted(Message(number, text, _part(form, item)), named)


def _part(form: Form, item: object) -> Part | None:
    if form.part is None:
        return None
    reference, number, total = (_at(item, path) for path in form.part)
    try:
        return Part(str(reference), int(number), int(total)) if reference is not None and int(total) > 1 else None
    except (TypeError, ValueError, OverflowError):  # also JSON's Infinity
        return None


def _first(item: object, paths: Sequence[str]) -> Any:
    found = (_at(item, path) for path in paths)
    return next((each for each in found if each is not None and not isinstance(each, dict)), None)


def _at(item: Any, path: str) -> Any:
    """Return the value at a path; a name that contains dots takes precedence."""
    if isinstance(item, dict) and path in item:
        return item[path]
    for name in path.split("."):
        if isinstance(item, dict):
            item = item.get(name)
        elif isinstance(item, list) and name.isdecimal() and int(name) < len(item):
            item = item[int(name)]
        else:
            return None
    return item
