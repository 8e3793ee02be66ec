"""A stand-in for an ntfy server, and for the phones behind it: it takes messages, and tells the demo of each.

It answers a message as docs.ntfy.sh/publish has it, as far as the gateway reads the answer. It runs in its own threads.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from siaga_tools.demo.loopback_server import LoopbackServer, QuietHandler

_LARGEST: Final = 1 << 16  # bytes


@dataclass(frozen=True, slots=True)
class PhoneMessage:
    """A message as a phone shows it."""

    topic: str
    title: str
    text: str
    click: str  # the link behind it; empty: none
    answers: tuple[str, ...]  # addresses that its buttons POST to, in their order
    at_ms: int


class NtfyServer:
    """Listens on 127.0.0.1. on_message: called in its threads, after the message was taken."""

    def __init__(self, on_message: Callable[[PhoneMessage], None]) -> None:
        lock = threading.Lock()
        known: set[tuple[str, str]] = set()

        def is_new(message: Mapping[str, Any]) -> bool:
            """A phone shows what has the same number, and says the same, once."""
            key = str(message.get("sequence_id")), str(message.get("title"))
            with lock:
                before = len(known)
                known.add(key)
                return len(known) > before

        class Handler(QuietHandler):
            def do_POST(self) -> None:
                at_ms = time.time_ns() // 1_000_000
                body = self.body_within(_LARGEST)
                if body is None:
                    self._say(HTTPStatus.BAD_REQUEST, {"code": 40000, "error": "invalid request"})
                    self.close_connection = True
                    return
                try:
                    written = json.loads(body)
                    message = _message(written, at_ms)
                except (ValueError, TypeError, KeyError, AttributeError):
                    self._say(HTTPStatus.BAD_REQUEST, {"code": 40024, "error": "request body must be message JSON"})
                    return
                told = {"id": f"{at_ms:x}", "event": "message", "topic": message.topic}
                self._say(HTTPStatus.OK, {**told, "sequence_id": written.get("sequence_id", "")})
                if is_new(written):
                    on_message(message)

            def _say(self, status: HTTPStatus, told: Mapping[str, object]) -> None:
                self.answer(status, json.dumps(told).encode())

        self._server = LoopbackServer("ntfy", Handler)

    @property
    def url(self) -> str:
        return self._server.url

    def close(self) -> None:
        self._server.close()


def _message(written: Mapping[str, Any], at_ms: int) -> PhoneMessage:
    """Raises: KeyError, TypeError, AttributeError: it is no message."""
    answers = tuple(str(action["url"]) for action in written.get("actions", ()))
    return PhoneMessage(
        topic=str(written["topic"]),
        title=str(written.get("title", "")),
        text=str(written.get("message", "")),
        click=str(written.get("click", "")),
        answers=answers,
        at_ms=at_ms,
    )
