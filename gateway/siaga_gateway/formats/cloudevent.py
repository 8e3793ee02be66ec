"""An incident's notice as a CloudEvent (CloudEvents 1.0.2, JSON event format 1.0.2, structured content mode).

`data` follows incident.v1.schema.json beside this file, which a receiver may use as it is: positions are integers
(degrees x 10^7), times are RFC 3339 in UTC with milliseconds, lengths of time are whole seconds, and what is not known
is null, never absent. Fields may be added within v1; none changes its meaning or leaves.

The national identity number (NIK) and the names of operators never leave the gateway.

The event is written here and not by the CloudEvents SDK: eight attributes need no two more packages at run time in a
gateway. The tests read every event back with that SDK.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final
from urllib.parse import quote

import orjson

from siaga_gateway.domain.incident import Incident, Notice, Position
from siaga_gateway.domain.registry import Owner
from siaga_gateway.formats.writing import gateway_name, one_line, utc_time

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"


def event(notice: Notice, key: str, *, source: str | None = None) -> bytes:
    """The event as UTF-8 JSON, the same bytes for the same notice, key and source.

    `key` is the idempotency key and becomes the event's id; source and id together are unique. `source` is a URI
    reference that says which gateway it is; without it `/gateways/<gateway name>`.
    Raises ValueError for an empty key or source (CloudEvents, "id", "source").
    """
    incident = notice.incident
    if source is None:
        source = f"/gateways/{quote(gateway_name(incident), safe='')}"
    if not key or not source:
        raise ValueError("a CloudEvent needs a non-empty id and source")
    envelope = {
        "specversion": "1.0",
        "id": key,
        "source": source,
        "type": event_type(notice),
        "subject": incident.identifier,
        "time": utc_time(notice.sent_at_ms),
        "datacontenttype": "application/json",
        "data": contents(notice),
    }
    return orjson.dumps(envelope)


def event_type(notice: Notice) -> str:
    """`id.siaga.incident.opened.v1`: the change and the version of the data."""
    return f"id.siaga.incident.{notice.change}.v1"


def schema() -> Mapping[str, Any]:
    """The JSON Schema (2020-12) that every event's `data` follows."""
    written = resources.files(__name__.rpartition(".")[0]) / "incident.v1.schema.json"
    loaded: Mapping[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    return loaded


def contents(notice: Notice) -> dict[str, Any]:
    """The event's `data`; its shape is in the schema."""
    incident = notice.incident
    return {
        "change": str(notice.change),
        "sequence": notice.sequence,
        "sent_at": utc_time(notice.sent_at_ms),
        "incident": _incident(incident),
        "position": _position(incident.position),
        "device": {
            "id": incident.device_id.hex(),
            "label": one_line(incident.device_label),
            "registration": str(incident.registration),
            "battery_percent": incident.battery,
        },
        "owner": _owner(incident.holder),
    }


def _incident(incident: Incident) -> dict[str, Any]:
    return {
        "identifier": incident.identifier,
        "mode": str(incident.mode),
        "state": str(incident.state),
        "opened_at": utc_time(incident.opened_at_ms),
        "pressed_at": _time(incident.pressed_at_ms),
        "delayed_s": incident.delayed_s,
        "claimed_s": incident.claimed_s,
        "presses": incident.presses,
        "silent": incident.silent,
        "duress": incident.duress,
        "cancelled_by_holder": incident.cancelled_by_holder,
        "key_copied": incident.key_copied,
        "held": incident.held,
        "seen_at": _time(incident.seen_at_ms),
        "unit": _line(incident.unit),
        "eta_minutes": incident.eta_minutes,
        "closed_at": _time(incident.closed_at_ms),
        "disposition": None if incident.disposition is None else str(incident.disposition),
        "note": _line(incident.note),
    }


def _position(position: Position | None) -> dict[str, Any] | None:
    if position is None:
        return None
    return {
        "latitude_e7": position.latitude,
        "longitude_e7": position.longitude,
        "accuracy_m": position.accuracy_m,
        "fix_age_s": position.fix_age_s,
        "source": one_line(position.source),
        "at": utc_time(position.at_ms),
    }


def _owner(owner: Owner | None) -> dict[str, Any] | None:
    if owner is None:
        return None
    return {
        "name": one_line(owner.name),
        "phone": one_line(owner.phone),
        "address": one_line(owner.address),
        "language": one_line(owner.language),
    }


def _time(unix_ms: int | None) -> str | None:
    return None if unix_ms is None else utc_time(unix_ms)


def _line(written: str | None) -> str | None:
    return one_line(written or "") or None
