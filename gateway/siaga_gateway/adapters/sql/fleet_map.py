"""Where the fleet's buttons are, for a map of all that a filter lets through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql.maintenance import listed
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import sound
from siaga_gateway.adapters.sql.rows import registration_of
from siaga_gateway.service.store.maintenance import ANY, FleetFilter, PlacedDevice

_OPEN: Final = "EXISTS (SELECT 1 FROM maintenance WHERE closed_ms IS NULL AND device_id = device.device_id)"
_SILENT: Final = f"{_OPEN[:-1]} AND cause = 'silent')"
_SELECT: Final = (
    "SELECT device.device_id, device.label, device.owner_id, device.state, device.valid_until_ms, "  # noqa: S608
    "device.installed_latitude, device.installed_longitude, {last}, device_status.last_seen_ms, "
    f"{_OPEN}, {_SILENT} "
    "FROM device LEFT JOIN device_status ON device_status.device_id = device.device_id {joined}"
)
_MOUNTED: Final = _SELECT.format(last="NULL, NULL, NULL", joined="")
_CARRIED: Final = _SELECT.format(
    last="last_position.latitude, last_position.longitude, last_position.position_at_ms",
    joined="LEFT JOIN last_position ON last_position.device_id = device.device_id",
)


class FleetMapReading(Reads):
    """Implements service.store.maintenance.FleetMapReading."""

    def placed(
        self, limit: int, *, text: str = "", troubled: bool = False, only: FleetFilter = ANY, carried: bool = False
    ) -> Sequence[PlacedDevice]:
        where, parameters = listed(text, troubled, only)
        known = "device.installed_latitude IS NOT NULL AND device.installed_longitude IS NOT NULL"
        where.append(f"({known} OR last_position.latitude IS NOT NULL)" if carried else known)
        rows = self.fetch(
            f"{_CARRIED if carried else _MOUNTED} WHERE {' AND '.join(where)} ORDER BY device.device_id LIMIT ?",
            (*parameters, limit),
        )
        return sound(_placed, rows, "device")


def _placed(row: Sequence[Any]) -> PlacedDevice:
    device_id, label, owner_id, state, valid_until_ms, *places, last_seen_ms, open_case, silent = row
    latitude, longitude, last_latitude, last_longitude, last_ms = places
    mounted = latitude is not None and longitude is not None
    return PlacedDevice(
        device_id,
        label,
        owner_id,
        registration_of(state, device_id),
        valid_until_ms,
        (latitude, longitude) if mounted else (last_latitude, last_longitude),
        None if mounted else last_ms,
        last_seen_ms,
        bool(open_case),
        bool(silent),
    )
