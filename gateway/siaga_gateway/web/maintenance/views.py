"""Maintenance cases and devices in words. Pure: the templates only place them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from siaga_gateway.catalogue import text
from siaga_gateway.domain.battery_history import HourValue
from siaga_gateway.domain.device_report import Bearer, Status
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.registry import state_at
from siaga_gateway.domain.supervision import Case, Cause, SupervisionLimits, problems
from siaga_gateway.service.store import SupervisedDevice
from siaga_gateway.web.console.incident_views import duration
from siaga_gateway.web.maintenance.history import spark
from siaga_gateway.web.maintenance.sim_form import day

_WEAK_DBM = -110  # below it messages are lost


@dataclass(frozen=True, slots=True)
class CaseView:
    """One open case."""

    id: int
    cause: str  # as in domain/supervision.py: also its CSS class
    title: str
    label: str
    device_id: str
    now: str  # how bad it is now
    opened: str
    since: str
    devices: int | None  # for a fold
    level: int  # as in domain/supervision.py


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device's state at a glance."""

    label: str
    device_id: str
    owner_id: int
    registration: str
    serving: bool
    heard: str  # how long ago
    heard_at: str
    silent: bool
    battery: str
    battery_low: bool
    power: bool
    signal: str
    signal_weak: bool
    bearer: str
    version: str
    version_old: bool
    waiting: str
    open: bool
    cases: tuple[tuple[str, str], ...]  # cause, and its text
    sim: str  # the last day of its SIM card
    trend: str  # its battery of late, as points of a polyline


def case_view(
    case: Case, watched: SupervisedDevice | None, members: int, language: str, now_ms: int, local: LocalTime
) -> CaseView:
    status = None if watched is None else watched.status
    return CaseView(
        id=case.id,
        cause=str(case.cause),
        title=text(f"console.cause.{case.cause}", language),
        label="" if watched is None else watched.device.label,
        device_id="" if case.device_id is None else case.device_id.hex(),
        now="" if watched is None else _now(case, status, watched, language, now_ms, local),
        opened=local.moment(case.opened_ms),
        since=duration(max(0, now_ms - case.opened_ms) // 1000, language),
        devices=None if case.device_id is not None else members,
        level=case.level,
    )


def device_view(
    watched: SupervisedDevice,
    wanted: SupervisionLimits,
    language: str,
    now_ms: int,
    local: LocalTime,
    hours: Sequence[HourValue] = (),
) -> DeviceView:
    device, status = watched.device, watched.status
    health = None if status is None else status.health
    found = problems(device, status, now_ms, wanted, ())
    state = state_at(device, now_ms)
    causes = {case.cause for case in watched.standing}
    return DeviceView(
        label=device.label,
        device_id=device.device_id.hex(),
        owner_id=device.owner_id,
        registration=text(f"console.registration.{state}", language),
        serving=state in ("active", "pending"),
        heard=_heard(status, language, now_ms),
        heard_at="" if status is None else local.moment(status.last_seen_ms),
        silent=Cause.SILENT in causes,
        battery="" if status is None or status.battery is None else f"{status.battery} %",
        battery_low=status is not None and status.low_battery,
        power=status is not None and status.external_power,
        signal="" if health is None or health.signal_dbm is None else f"{health.signal_dbm}\u00a0dBm".replace("-", "−"),
        signal_weak=health is not None and health.signal_dbm is not None and health.signal_dbm <= _WEAK_DBM,
        bearer=_bearer(health, language),
        version="" if health is None else _version(health),
        version_old=Cause.OLD_VERSION in found,
        waiting="" if health is None or not health.waiting else str(health.waiting),
        open=status is not None and status.tamper_open,
        cases=tuple((str(case.cause), text(f"console.cause.{case.cause}", language)) for case in watched.standing),
        sim=day(device.sim_until_ms, local),
        trend=spark(hours, now_ms),
    )


def devices_view(
    found: Sequence[SupervisedDevice],
    batteries: Mapping[bytes, Sequence[HourValue]],
    wanted: SupervisionLimits,
    language: str,
    now_ms: int,
    local: LocalTime,
) -> list[DeviceView]:
    return [
        device_view(each, wanted, language, now_ms, local, batteries.get(each.device.device_id, ())) for each in found
    ]


def _now(
    case: Case, status: DeviceStatus | None, watched: SupervisedDevice, language: str, now_ms: int, local: LocalTime
) -> str:
    if case.cause is Cause.SILENT:
        since_ms = watched.device.enrolled_at_ms if status is None else status.last_seen_ms
        quiet = duration(max(0, now_ms - since_ms) // 1000, language)
        return text("console.maintenance.silent", language, time=quiet)
    if case.cause in (Cause.SIM_ENDING, Cause.SIM_ENDING_SOON, Cause.SIM_LAPSED):
        until_ms = watched.device.sim_until_ms
        return "" if until_ms is None else text("console.maintenance.sim_until", language, day=day(until_ms, local))
    if case.cause is Cause.QUOTA_LOW:
        return text("console.maintenance.quota_left", language, mb=watched.device.sim_quota_mb or 0)
    if status is None:
        return ""
    match case.cause:
        case Cause.LOW_BATTERY if status.battery is not None:
            return f"{status.battery} %"
        case Cause.OLD_VERSION if status.health is not None:
            return _version(status.health)
        case Cause.TAMPER:
            return text(f"console.maintenance.{'open' if status.tamper_open else 'shut'}", language)
        case Cause.COUNTER_GAP:
            return text("console.maintenance.missing", language, n=status.missing)
        case Cause.RESTARTS | Cause.REJECTED:
            return text("console.maintenance.times", language, n=case.level)
        case Cause.UNSIGNED if status.mac_since_ms is not None and status.mac_until_ms is not None:
            silent_s = (status.mac_until_ms - status.mac_since_ms) // 1000
            return text("console.maintenance.unsigned", language, time=duration(silent_s, language))
        case _:
            return ""


def _heard(status: DeviceStatus | None, language: str, now_ms: int) -> str:
    if status is None:
        return text("console.maintenance.never", language)
    return duration(max(0, now_ms - status.last_seen_ms) // 1000, language)


def _bearer(health: Status | None, language: str) -> str:
    if health is None or health.bearer_in_use is Bearer.UNKNOWN:
        return ""
    return text(f"console.maintenance.bearer_{health.bearer_in_use.name.lower()}", language)


def _version(health: Status) -> str:
    return ".".join(map(str, health.version))
