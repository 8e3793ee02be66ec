"""The fleet as CSV lines for a spreadsheet, without owners: semicolons, UTF-8 with a mark, dates as ISO 8601 in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.registry import Device, state_at
from siaga_gateway.domain.supervision import Cause
from siaga_gateway.formats.owner_record_csv import rows_of

COLUMNS: Final = (
    "device",
    "label",
    "registration",
    "heard",
    "battery",
    "signal",
    "bearer",
    "version",
    "latitude",
    "longitude",
    "sim_until",
    "cases",
)
_E7: Final = 10**7


def header(language: str) -> bytes:
    """Return the first line, with the mark."""
    return b"\xef\xbb\xbf" + rows_of([[text(f"console.fleet_column.{name}", language) for name in COLUMNS]])


def lines(devices: Iterable[tuple[Device, DeviceStatus | None, Sequence[Cause]]], language: str, now_ms: int) -> bytes:
    """Return a line a device, with the causes of its open cases."""
    return rows_of(_cells(*each, language, now_ms) for each in devices)


def _cells(
    device: Device, status: DeviceStatus | None, causes: Sequence[Cause], language: str, now_ms: int
) -> list[str | int | float]:
    return [
        device.device_id.hex(),
        device.label,
        text(f"console.registration.{state_at(device, now_ms)}", language),
        *_reported(status),
        _degrees(device.installed_latitude),
        _degrees(device.installed_longitude),
        _moment(device.sim_until_ms),
        ", ".join(text(f"console.cause.{cause}", language) for cause in causes),
    ]


def _reported(status: DeviceStatus | None) -> Iterator[str | int]:
    health = None if status is None else status.health
    yield _moment(None if status is None else status.last_seen_ms)
    yield "" if status is None or status.battery is None else status.battery
    yield "" if health is None or health.signal_dbm is None else health.signal_dbm
    yield "" if health is None else health.bearer_in_use.name
    yield "" if health is None else ".".join(map(str, health.version))


def _degrees(value_e7: int | None) -> float | str:
    return "" if value_e7 is None else round(value_e7 / _E7, 5)


def _moment(at_ms: int | None) -> str:
    return "" if at_ms is None else datetime.fromtimestamp(at_ms // 1000, UTC).isoformat()
