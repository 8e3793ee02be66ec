"""Trouble of the gateway itself as a CloudEvent. `data` follows gateway.v1.schema.json beside this file.

What exactly failed stays in the gateway's log: a database's error text may contain rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from siaga_gateway.catalogue import text
from siaga_gateway.domain.gateway_trouble import Trouble
from siaga_gateway.formats import cloudevent
from siaga_gateway.formats.text_rules import utc_time


def event(trouble: Trouble, key: str, *, language: str, source: str | None = None) -> bytes:
    """Return the event as UTF-8 JSON; the same arguments give the same bytes. For `key` and `source` see
    cloudevent.event."""
    return cloudevent.enveloped(
        key,
        gateway=trouble.gateway,
        source=source,
        event_type=f"id.siaga.gateway.{_state(trouble)}.v1",
        subject=trouble.identifier,
        at_ms=trouble.sent_at_ms,
        data=contents(trouble, language),
    )


def schema() -> Mapping[str, Any]:
    """Return the JSON Schema (2020-12) of every event's `data`."""
    written = resources.files(__name__.rpartition(".")[0]) / "gateway.v1.schema.json"
    loaded: Mapping[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    return loaded


def contents(trouble: Trouble, language: str) -> dict[str, Any]:
    """Return the event's `data`; for its shape see the schema."""
    said = "back" if trouble.over else str(trouble.kind)
    return {
        "state": _state(trouble),
        "kind": str(trouble.kind),
        "identifier": trouble.identifier,
        "sequence": trouble.sequence,
        "since": utc_time(trouble.since_ms),
        "until": utc_time(trouble.sent_at_ms) if trouble.over else None,
        "sent_at": utc_time(trouble.sent_at_ms),
        "language": language,
        "headline": text(f"formats.trouble.{said}", language, gateway=trouble.gateway),
        "what_to_do": text(f"formats.what_to_do.{said}", language),
    }


def _state(trouble: Trouble) -> str:
    return "back" if trouble.over else "trouble"
