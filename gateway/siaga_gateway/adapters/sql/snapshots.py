"""An incident as it was, kept with each notice of it: its row as one text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql.engine import Row

POSITION: Final = ("latitude", "longitude", "accuracy_m", "fix_age_s", "position_source", "position_at_ms")
# In the order in which snapshots have them: more may only be appended.
INCIDENT: Final = (
    "id",
    "identifier",
    "mode",
    "state",
    "device_id",
    "device_label",
    "registration",
    "owner_id",
    "opening_counter",
    "opened_at_ms",
    "pressed_at_ms",
    "delayed_s",
    *POSITION,
    "presses",
    "silent",
    "duress",
    "cancelled_by_holder",
    "held",
    "battery",
    "seen_by",
    "seen_at_ms",
    "unit",
    "eta_minutes",
    "closed_by",
    "closed_at_ms",
    "disposition",
    "note",
    "sequence",
    "last_press",
    "last_cancel",
    "told_latitude",
    "told_longitude",
    "told_accuracy_m",
    "key_copied",
    "claimed_s",
)
_ID_AT: Final = INCIDENT.index("device_id")


def packed(row: Row) -> str:
    """A row in the order of INCIDENT as a JSON array, device_id in hex. The owner is in it by number only, so that
    erasing reaches it."""
    text: str = orjson.dumps(row, default=bytes.hex).decode()
    return text


def fields(text: str) -> dict[str, Any]:
    """What a snapshot holds, by name; device_id in hex. Older versions kept an object, without what was NULL."""
    kept: list[Any] | dict[str, Any] = orjson.loads(text)
    return kept if isinstance(kept, dict) else dict(zip(INCIDENT, kept, strict=False))


def row(text: str) -> Row:
    """The row that `packed` was given. What older versions did not keep is None."""
    kept: list[Any] | dict[str, Any] = orjson.loads(text)
    if isinstance(kept, dict):
        kept = [kept.get(name) for name in INCIDENT]
    kept[_ID_AT] = bytes.fromhex(kept[_ID_AT])
    return (*kept, *(None,) * (len(INCIDENT) - len(kept)))


def changed(text: str, changes: Mapping[str, Any]) -> str | None:
    """The snapshot with other values, where there is one to be changed; None: it stays as it is."""
    kept = fields(text)
    new = {name: value for name, value in changes.items() if kept.get(name) not in (None, value)}
    if not new:
        return None
    kept.update(new)
    made: str = orjson.dumps([kept.get(name) for name in INCIDENT]).decode()
    return made
