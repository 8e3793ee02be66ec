"""What WhatsApp's Cloud API posts to a webhook: of messages that were sent, whether they arrived (Meta, "Webhooks":
payloads of the field `messages`, `statuses`). Pure.

A message that was read has arrived; the order in which statuses come is not promised.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

LARGEST: Final = 3 * 1024 * 1024  # bytes; Meta's own bound
_ARRIVED: Final = frozenset({"delivered", "read"})
_FAILED: Final = "failed"
_LONGEST: Final = 200  # characters of a message's number
_TIME: Final = re.compile("[0-9]{1,12}")  # Unix seconds, as text
_MOST: Final = 1_000  # receipts in one body


class Receipts:
    """Which messages have arrived, and which never will, by the service's numbers for them."""

    def __init__(self, arrived: Mapping[str, int | None], failed: tuple[tuple[str, str], ...]) -> None:
        """arrived: with when, Unix seconds; None: not said. failed: with why, as the service names it."""
        self.arrived = arrived
        self.failed = failed


def receipts(body: bytes) -> Receipts:
    """Return the receipts of a body; whatever else it tells is passed over. Never raises."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    arrived: dict[str, int | None] = {}
    failed: dict[str, str] = {}
    for number, status, at_s, why in _statuses(told):
        if len(arrived) + len(failed) >= _MOST:
            break
        if status in _ARRIVED:
            arrived[number] = at_s
        elif status == _FAILED:
            failed[number] = why
    return Receipts(arrived, tuple(failed.items()))


def _statuses(told: Any) -> Iterator[tuple[str, str, int | None, str]]:
    """Yield the number of each message, what became of it and when, and why it failed."""
    for entry in _list(told, "entry"):
        for change in _list(entry, "changes"):
            for status in _list(_object(change, "value"), "statuses"):
                number, state = _object(status).get("id"), _object(status).get("status")
                if isinstance(number, str) and 0 < len(number) <= _LONGEST and isinstance(state, str):
                    error = _object(next(iter(_list(status, "errors")), None))
                    yield (
                        number,
                        state,
                        _seconds(status),
                        f"{error.get('code', '')} {error.get('title', '')}".strip()[:_LONGEST],
                    )


def _seconds(status: Any) -> int | None:
    found = _object(status).get("timestamp")
    return int(found) if isinstance(found, str) and _TIME.fullmatch(found) else None


def _list(told: Any, name: str) -> list[Any]:
    found = _object(told).get(name)
    return found if isinstance(found, list) else []


def _object(told: Any, name: str | None = None) -> dict[str, Any]:
    found = told if name is None else _object(told).get(name)
    return found if isinstance(found, dict) else {}
