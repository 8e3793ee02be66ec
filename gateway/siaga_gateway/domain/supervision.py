"""When a device needs an installer: what is wrong with it now, and how maintenance cases open and close. Never an
emergency.

Silence counts only while somebody listened: no device is blamed for the time its gateway or broker was down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.device_status import REJECTED_MS, RESTART_MS, DeviceStatus
from siaga_gateway.domain.registry import Device, RegistrationState, state_at

# Check-in interval in seconds, by the profile that the firmware runs.
PROFILES: Final[Mapping[str, int]] = {"installed": 60, "ready": 6 * 3600, "deep": 24 * 3600}
DAY_MS: Final = 24 * 3600 * 1000
# The most counters that a restart leaves unused (firmware: blocks of 16, and what was reserved beyond).
GAP_OF_A_RESTART: Final = 24
# For a day after enrolment the installer opens, restarts and carries a device about.
INSTALLING_MS: Final = DAY_MS
# A button signs a check-in a day (PROTOCOL.md, 1.4); one that was lost is made up for by the next.
UNSIGNED_MS: Final = 2 * DAY_MS
_SUPERVISED: Final = frozenset({RegistrationState.ACTIVE, RegistrationState.PENDING})

Version = tuple[int, int, int]
Deaf = Sequence[tuple[int, int]]  # (from, to), Unix ms, disjoint and in order: when nobody listened


class Cause(StrEnum):
    """Why an installer should look at a device."""

    SILENT = "silent"  # misses its check-ins
    LOW_BATTERY = "low_battery"
    TAMPER = "tamper"  # the housing was opened
    RESTARTS = "restarts"
    REJECTED = "rejected"  # downlinks it rejects, corrupt entries, noise
    COUNTER_GAP = "counter_gap"  # lost frames, more than its restarts explain
    OLD_VERSION = "old_version"
    COUNTERS = "counters"  # they jump, or one comes twice: somebody may have its key
    UNSIGNED = "unsigned"  # checks in by MAC alone: somebody who has the gateway's key could do that
    SIM_ENDING = "sim_ending"  # its SIM card lapses in some weeks
    SIM_ENDING_SOON = "sim_ending_soon"  # in some days
    SIM_LAPSED = "sim_lapsed"  # the button may be cut off: top it up at once
    QUOTA_LOW = "quota_low"  # little is left of its SIM card's data


@dataclass(frozen=True, slots=True)
class SupervisionLimits:
    """What is expected of a device."""

    checkin_s: int = PROFILES["ready"]  # for a device with no interval registered
    missed: int = 3  # consecutive check-ins
    restarts: int = 5  # recent ones, see domain/device_status.py
    rejected: int = 20
    missing: int = 100  # frames
    version: Version | None = None  # the lowest
    sim_days: int = 30  # before its SIM card lapses
    sim_soon_days: int = 7
    quota_mb: int = 20  # as little as that left of its data


@dataclass(frozen=True, slots=True)
class Case:
    """A maintenance case: one for a device and a cause at a time; or a fold, for many devices with one cause.

    `stands`: the cause still holds. A case that a person closed while it stands stays quiet until the cause is gone, or
    worse.
    """

    id: int
    device_id: bytes | None  # None: a fold
    cause: Cause
    level: int  # how bad it was when last recorded; of a fold: number of devices
    opened_ms: int
    closed_ms: int | None = None
    closed_by: str | None = None  # None: it closed by itself
    note: str | None = None
    stands: bool = True
    fold: int | None = None  # the case that stands for this and others
    gone_ms: int | None = None  # when the cause was gone, also of a case that a person closed before


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a device's cases change."""

    opened: Mapping[Cause, int]  # with their levels
    gone: tuple[Case, ...]  # their causes no longer hold


def checkin_of(settings: Mapping[str, object]) -> tuple[int | None] | None:
    """Return the check-in interval of a device with these settings: a tuple with seconds, or with None for the default
    here.

    Returns None, not a tuple, if the settings do not say.
    """
    checkin_s, profile = settings.get("checkin_s"), settings.get("profile")
    if isinstance(checkin_s, int) and not isinstance(checkin_s, bool) and checkin_s > 0:
        return (checkin_s,)
    if isinstance(profile, str) and profile in PROFILES:
        return (PROFILES[profile],)
    return None if checkin_s is None and profile is None else (None,)


def listened_ms(since_ms: int, now_ms: int, deaf: Deaf) -> int:
    """Return for how long somebody listened between the two, ms."""
    heard = max(0, now_ms - since_ms)
    for begin, end in deaf:
        heard -= max(0, min(end, now_ms) - max(begin, since_ms))
    return heard


def due_since(now_ms: int, silence_ms: int, deaf: Deaf) -> int:
    """Return the latest moment for which `listened_ms` up to now is at least silence_ms (> 0)."""
    at = now_ms - silence_ms
    for begin, end in reversed(deaf):
        if begin >= now_ms:
            continue
        if min(end, now_ms) <= at:
            break
        at -= min(end, now_ms) - begin
    return at


def merged(periods: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the periods in order, with overlapping ones joined."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(periods):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > begin:
            found.append((begin, end))
    return found


def silence_allowed_ms(checkin_s: int | None, wanted: SupervisionLimits) -> int:
    """Return how long a device with this check-in interval may be silent, ms."""
    return (wanted.checkin_s if checkin_s is None else checkin_s) * wanted.missed * 1000


def problems(
    device: Device,
    status: DeviceStatus | None,
    now_ms: int,
    wanted: SupervisionLimits,
    deaf: Deaf,
    standing: frozenset[Cause] = frozenset(),
) -> dict[Cause, int]:
    """Return what is wrong with the device now, and how bad: seconds of silence, percent of battery, a count.

    standing: the causes that held so far; restarts and rejected inputs hold until all of them are forgotten.
    """
    if state_at(device, now_ms) not in _SUPERVISED:
        return {}
    return dict(_problems(device, status, now_ms, wanted, deaf, standing))


def _problems(
    device: Device,
    status: DeviceStatus | None,
    now_ms: int,
    wanted: SupervisionLimits,
    deaf: Deaf,
    standing: frozenset[Cause],
) -> Iterator[tuple[Cause, int]]:
    # No authentic frame precedes the enrolment; the clock may have been set since.
    since_ms = device.enrolled_at_ms if status is None else max(device.enrolled_at_ms, status.last_seen_ms)
    silence_ms = listened_ms(since_ms, now_ms, deaf)
    if silence_ms >= silence_allowed_ms(device.checkin_s, wanted):
        yield Cause.SILENT, silence_ms // 1000
    if (ending := sim_ending(device.sim_until_ms, now_ms, wanted)) is not None:
        yield ending, 0
    if device.sim_quota_mb is not None and device.sim_quota_mb < wanted.quota_mb:
        yield Cause.QUOTA_LOW, wanted.quota_mb - device.sim_quota_mb
    if status is None:
        return
    if status.low_battery:
        yield Cause.LOW_BATTERY, 0 if status.battery is None else status.battery
    if wanted.version is not None and status.health is not None and status.health.version < wanted.version:
        yield Cause.OLD_VERSION, version_number(wanted.version)
    if status.counter_fault_ms is not None:
        yield Cause.COUNTERS, status.counter_fault_ms // 1000
    if status.mac_since_ms is not None and status.mac_until_ms is not None:
        unsigned_ms = status.mac_until_ms - status.mac_since_ms
        if unsigned_ms >= UNSIGNED_MS:
            yield Cause.UNSIGNED, unsigned_ms // 1000
    installed_ms = device.enrolled_at_ms + INSTALLING_MS
    if now_ms < installed_ms:
        return
    tampered_ms = status.tampered_ms or 0
    if status.tamper_open or tampered_ms >= installed_ms:
        yield Cause.TAMPER, tampered_ms // 1000
    for cause, until_ms, each_ms, most in (
        (Cause.RESTARTS, status.restarts_until_ms, RESTART_MS, wanted.restarts),
        (Cause.REJECTED, status.rejected_until_ms, REJECTED_MS, wanted.rejected),
    ):
        lately = -(-(until_ms - now_ms) // each_ms)
        if lately >= most or (cause in standing and lately > 0):
            yield cause, lately
    if (lost := unexplained(status)) >= wanted.missing:
        yield Cause.COUNTER_GAP, lost


def sim_ending(until_ms: int | None, now_ms: int, wanted: SupervisionLimits) -> Cause | None:
    """Return what a SIM card that lapses then is a case for now; one case follows the other as the day comes near."""
    if until_ms is None or until_ms > now_ms + wanted.sim_days * DAY_MS:
        return None
    if until_ms <= now_ms:
        return Cause.SIM_LAPSED
    return Cause.SIM_ENDING_SOON if until_ms <= now_ms + wanted.sim_soon_days * DAY_MS else Cause.SIM_ENDING


def unexplained(status: DeviceStatus) -> int:
    """Return the missing frames that the device's restarts do not explain."""
    return max(0, status.missing - GAP_OF_A_RESTART * status.restarts)


def version_number(version: Version) -> int:
    """Return a version as one number with the same order."""
    major, minor, patch = version
    return major << 16 | minor << 8 | patch


def judge(found: Mapping[Cause, int], standing: Sequence[Case], wanted: SupervisionLimits) -> Verdict:
    """Return what changes, from what is wrong now and the device's standing cases, including those that a person
    closed."""
    opened = dict(found)
    gone: list[Case] = []
    for case in standing:
        level = found.get(case.cause)
        if level is None:
            gone.append(case)
        elif case.closed_ms is not None and _worse(case, level, wanted):
            gone.append(case)  # another one is opened in its place
        else:
            opened.pop(case.cause, None)
    return Verdict(opened, tuple(gone))


def _worse(case: Case, level: int, wanted: SupervisionLimits) -> bool:
    """Whether a cause has grown beyond what a person saw and accepted."""
    match case.cause:
        case Cause.RESTARTS:
            return level >= case.level + wanted.restarts
        case Cause.REJECTED:
            return level >= case.level + wanted.rejected
        case Cause.COUNTER_GAP:
            return level >= case.level + wanted.missing
        case Cause.OLD_VERSION | Cause.TAMPER | Cause.COUNTERS:
            return level > case.level  # a later version is wanted; it was opened, or its counters jumped, once more
        case Cause.QUOTA_LOW:
            return level > case.level and level >= wanted.quota_mb  # nothing is left
        case _:
            return False
