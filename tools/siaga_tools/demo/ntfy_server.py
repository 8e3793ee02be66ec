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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_LARGEST: Final = 1 << 16  # bytes
_DEADLINE_S: Final = 5


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

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = _DEADLINE_S

            def do_POST(self) -> None:
                at_ms = time.time_ns() // 1_000_000
                length = self.headers.get("content-length", "")
                if not length.isdecimal() or int(length) > _LARGEST:
                    self._answer(HTTPStatus.BAD_REQUEST, {"code": 40000, "error": "invalid request"})
                    self.close_connection = True
                    return
                try:
                    written = json.loads(self.rfile.read(int(length)))
                    message = _message(written, at_ms)
                except (ValueError, TypeError, KeyError, AttributeError):
                    self._answer(HTTPStatus.BAD_REQUEST, {"code": 40024, "error": "request body must be message JSON"})
                    return
                told = {"id": f"{at_ms:x}", "event": "message", "topic": message.topic}
                self._answer(HTTPStatus.OK, {**told, "sequence_id": written.get("sequence_id", "")})
                if is_new(written):
                    on_message(message)

            def _answer(self, status: HTTPStatus, told: Mapping[str, object]) -> None:
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Discarded: the demo has its own log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="ntfy", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=2)


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
