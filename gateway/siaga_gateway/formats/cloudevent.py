"""An incident's notice as a CloudEvent (CloudEvents 1.0.2, JSON event format 1.0.2; structured content mode, or by
`binary` that of the HTTP binding 1.0.2).

`data` follows incident.v1.schema.json beside this file, which receivers may use directly: positions are integers
(degrees x 10^7), beside them decimal degrees and a GeoJSON Point (RFC 7946) for those who draw them; times are RFC 3339
in UTC with milliseconds, durations are whole seconds, and unknown values are null, never absent. Within v1 fields may
be added; none is removed or changes its meaning.

The national identity number (NIK) and operators' names never leave the gateway.

Written here and not by the CloudEvents SDK: eight attributes do not justify two more runtime packages. The tests read
every event back with that SDK.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final
from urllib.parse import quote

import orjson

from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.incident import Incident, Notice, Position
from siaga_gateway.domain.registry import Owner
from siaga_gateway.formats.text_rules import gateway_name, one_line, utc_time

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
JSON_TYPE: Final = "application/json"
_DEGREE: Final = 10_000_000
_VISIBLE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')


def event(notice: Notice, key: str, *, source: str | None = None, console: str | None = None) -> bytes:
    """Return the event as UTF-8 JSON; the same notice, key, source and console give the same bytes.

    key: the idempotency key, becomes the event's id; source and id together are unique. source: a URI reference that
    identifies the gateway; None: `/gateways/<gateway name>`. console: its address, for a link to the incident. Raises:
    ValueError for an empty key or source (CloudEvents, "id", "source").
    """
    incident = notice.incident
    return enveloped(
        key,
        gateway=gateway_name(incident),
        source=source,
        event_type=event_type(notice),
        subject=incident.identifier,
        at_ms=notice.sent_at_ms,
        data=contents(notice, console),
    )


def enveloped(
    key: str,
    *,
    gateway: str,
    source: str | None,
    event_type: str,
    subject: str,
    at_ms: int,
    data: Mapping[str, Any],
) -> bytes:
    """Return one of our events as UTF-8 JSON, see `event`. Raises: ValueError."""
    if source is None:
        source = f"/gateways/{quote(gateway, safe='')}"
    if not key or not source:
        raise SettingError("output.cloudevent")
    envelope = {
        "specversion": "1.0",
        "id": key,
        "source": source,
        "type": event_type,
        "subject": subject,
        "time": utc_time(at_ms),
        "datacontenttype": "application/json",
        "data": data,
    }
    return orjson.dumps(envelope)


def binary(structured: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the same event in binary content mode: the body, of JSON_TYPE, and the headers."""
    written = orjson.loads(structured)
    data = written.pop("data")
    del written["datacontenttype"]  # is the content type
    # HTTP binding 1.0.2, 3.1.3.2: what is not visible ASCII, and quotes and percent signs, percent-encoded.
    return orjson.dumps(data), {f"ce-{name}": quote(value, safe=_VISIBLE) for name, value in written.items()}


def event_type(notice: Notice) -> str:
    """Return `id.siaga.incident.opened.v1`: the change, and the version of the data."""
    return f"id.siaga.incident.{notice.change}.v1"


def schema() -> Mapping[str, Any]:
    """Return the JSON Schema (2020-12) of every event's `data`."""
    written = resources.files(__name__.rpartition(".")[0]) / "incident.v1.schema.json"
    loaded: Mapping[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    return loaded


def contents(notice: Notice, console: str | None = None) -> dict[str, Any]:
    """Return the event's `data`; for its shape see the schema."""
    incident = notice.incident
    return {
        "change": str(notice.change),
        "sequence": notice.sequence,
        "sent_at": utc_time(notice.sent_at_ms),
        "incident": _incident(incident, console),
        "position": _position(incident.position),
        "device": {
            "id": incident.device_id.hex(),
            "label": one_line(incident.device_label),
            "registration": str(incident.registration),
            "battery_percent": incident.battery,
        },
        "owner": _owner(incident.holder),
        **({"owner_unreadable": True} if incident.unreadable else {}),
    }


def _incident(incident: Incident, console: str | None) -> dict[str, Any]:
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
        "answered": None if incident.answered is None else str(incident.answered),
        "closed_at": _time(incident.closed_at_ms),
        "disposition": None if incident.disposition is None else str(incident.disposition),
        "note": _line(incident.note),
        "major_incident": incident.major_incident,
        # A trial from `siaga gateway output test` is in no store: there is nothing to open.
        "link": None if console is None or not incident.id else f"{console}/#{incident.id}",
    }


def _position(position: Position | None) -> dict[str, Any] | None:
    if position is None:
        return None
    latitude, longitude = position.latitude / _DEGREE, position.longitude / _DEGREE
    return {
        "latitude_e7": position.latitude,
        "longitude_e7": position.longitude,
        "latitude": latitude,
        "longitude": longitude,
        "geojson": {"type": "Point", "coordinates": [longitude, latitude]},
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
