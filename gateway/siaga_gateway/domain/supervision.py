"""When a device needs an installer: what is wrong with it now, and what becomes of a case. Never an emergency.

Silence counts only while somebody listened: for how long the gateway or its broker was away, no device can be blamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from siaga_gateway.domain.registry import Device, RegistrationState, state_at
from siaga_gateway.domain.status import REJECTED_MS, RESTART_MS, DeviceStatus

# How long a device lets pass between two check-ins, s, by the profile that its firmware runs in.
PROFILES: Final[Mapping[str, int]] = {"installed": 60, "ready": 6 * 3600, "deep": 24 * 3600}
# A restart leaves at most so many counters unused (firmware: blocks of 16, and what was reserved beyond).
GAP_OF_A_RESTART: Final = 24
# For a day after its enrolment a device is taken apart, restarted and carried about by whoever installs it.
INSTALLING_MS: Final = 24 * 3600 * 1000
_SUPERVISED: Final = frozenset({RegistrationState.ACTIVE, RegistrationState.PENDING})

Version = tuple[int, int, int]
Deaf = Sequence[tuple[int, int]]  # from, to: Unix ms, apart from each other, in order


class Cause(StrEnum):
    """Why an installer should look at a device."""

    SILENT = "silent"  # misses its check-ins
    LOW_BATTERY = "low_battery"
    TAMPER = "tamper"  # the housing was opened
    RESTARTS = "restarts"
    REJECTED = "rejected"  # downlinks that it refuses, corrupt entries, noise
    COUNTER_GAP = "counter_gap"  # frames that never came, more than its restarts explain
    OLD_VERSION = "old_version"
    COUNTERS = "counters"  # they jump, or one comes twice: somebody may have its key


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is expected of a device."""

    checkin_s: int = PROFILES["ready"]  # of a device for which nothing else is registered
    missed: int = 3  # check-ins in a row
    restarts: int = 5  # in so short a time that they are not forgotten, see domain.status
    rejected: int = 20
    missing: int = 100  # frames
    version: Version | None = None  # the lowest


@dataclass(frozen=True, slots=True)
class Case:
    """A maintenance case: one of a device and a cause at a time; or a fold, of many devices with one cause.

    `stands`: the cause still holds. A case that a person closed while it stands stays quiet until it is gone, or worse.
    """

    id: int
    device_id: bytes | None  # None: a fold
    cause: Cause
    level: int  # how bad it was when that was last written; of a fold: how many devices
    opened_ms: int
    closed_ms: int | None = None
    closed_by: str | None = None  # None: it closed by itself
    note: str | None = None
    stands: bool = True
    fold: int | None = None  # the case that stands for this one and others


@dataclass(frozen=True, slots=True)
class Verdict:
    """What changes about a device's cases."""

    opened: Mapping[Cause, int]  # with their levels
    gone: tuple[Case, ...]  # their causes do not hold any more


def checkin_of(settings: Mapping[str, object]) -> tuple[int | None] | None:
    """How often a device checks in once it has taken these settings: seconds, or None for what is usual here. No tuple:
    they say nothing about it."""
    checkin_s, profile = settings.get("checkin_s"), settings.get("profile")
    if isinstance(checkin_s, int) and not isinstance(checkin_s, bool) and checkin_s > 0:
        return (checkin_s,)
    if isinstance(profile, str) and profile in PROFILES:
        return (PROFILES[profile],)
    return None if checkin_s is None and profile is None else (None,)


def listened_ms(since_ms: int, now_ms: int, deaf: Deaf) -> int:
    """For how long somebody listened between the two."""
    heard = max(0, now_ms - since_ms)
    for begin, end in deaf:
        heard -= max(0, min(end, now_ms) - max(begin, since_ms))
    return heard


def due_since(now_ms: int, silence_ms: int, deaf: Deaf) -> int:
    """The latest moment of which `listened_ms` says that it is at least silence_ms ago (silence_ms > 0)."""
    at = now_ms - silence_ms
    for begin, end in reversed(deaf):
        if begin >= now_ms:
            continue
        if min(end, now_ms) <= at:
            break
        at -= min(end, now_ms) - begin
    return at


def merged(periods: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same moments in order and apart from each other."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(periods):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > begin:
            found.append((begin, end))
    return found


def silence_allowed_ms(checkin_s: int | None, wanted: Wanted) -> int:
    """How long a device that checks in so often may be silent."""
    return (wanted.checkin_s if checkin_s is None else checkin_s) * wanted.missed * 1000


def problems(
    device: Device,
    status: DeviceStatus | None,
    now_ms: int,
    wanted: Wanted,
    deaf: Deaf,
    standing: frozenset[Cause] = frozenset(),
) -> dict[Cause, int]:
    """What is wrong with the device now, each with how bad it is: seconds of silence, percent of battery, a count.

    standing: causes that held so far; restarts and refused inputs hold on until they are forgotten altogether.
    """
    if state_at(device, now_ms) not in _SUPERVISED:
        return {}
    return dict(_problems(device, status, now_ms, wanted, deaf, standing))


def _problems(
    device: Device,
    status: DeviceStatus | None,
    now_ms: int,
    wanted: Wanted,
    deaf: Deaf,
    standing: frozenset[Cause],
) -> Iterator[tuple[Cause, int]]:
    # A genuine frame cannot have come before the enrolment, the clock may have been set since.
    since_ms = device.enrolled_at_ms if status is None else max(device.enrolled_at_ms, status.last_seen_ms)
    silence_ms = listened_ms(since_ms, now_ms, deaf)
    if silence_ms >= silence_allowed_ms(device.checkin_s, wanted):
        yield Cause.SILENT, silence_ms // 1000
    if status is None:
        return
    if status.low_battery:
        yield Cause.LOW_BATTERY, 0 if status.battery is None else status.battery
    if wanted.version is not None and status.health is not None and status.health.version < wanted.version:
        yield Cause.OLD_VERSION, version_number(wanted.version)
    if status.counter_fault_ms is not None:
        yield Cause.COUNTERS, status.counter_fault_ms // 1000
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


def unexplained(status: DeviceStatus) -> int:
    """Frames that are missing beyond what the device's restarts explain."""
    return max(0, status.missing - GAP_OF_A_RESTART * status.restarts)


def version_number(version: Version) -> int:
    """A version as one number, in the same order."""
    major, minor, patch = version
    return major << 16 | minor << 8 | patch


def judge(found: Mapping[Cause, int], standing: Sequence[Case], wanted: Wanted) -> Verdict:
    """What changes, from what is wrong now and the device's cases that stand, closed by a person or not."""
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


def _worse(case: Case, level: int, wanted: Wanted) -> bool:
    """Whether a cause has grown beyond what a person has seen and let pass."""
    match case.cause:
        case Cause.RESTARTS:
            return level >= case.level + wanted.restarts
        case Cause.REJECTED:
            return level >= case.level + wanted.rejected
        case Cause.COUNTER_GAP:
            return level >= case.level + wanted.missing
        case Cause.OLD_VERSION | Cause.TAMPER | Cause.COUNTERS:
            return level > case.level  # a later version is wanted; it was opened, or its counters jumped, once more
        case _:
            return False
