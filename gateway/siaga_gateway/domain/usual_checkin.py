"""The check-in that says nothing new: the next counter, the clock right, nothing low, open or refused.

Almost every frame of a province is one: a million installed buttons send 17,000 a second. `device_status.step` says
what any frame does to a status; this says the same of a usual check-in in a third of the time, and leaves all others
to it. tests/gateway/domain/test_usual_checkin.py holds the two together.
"""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.battery_history import DAY_MS, with_hour
from siaga_gateway.domain.button_clock import learn
from siaga_gateway.domain.checkin_window import is_next, noted
from siaga_gateway.domain.device_report import Flags
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.event import Timing
from siaga_gateway.domain.frame import Kind, Suite, Uplink
from siaga_gateway.domain.position import better, impossible, reported
from siaga_gateway.domain.value import copied

_RARE: Final = int(Flags.DURESS | Flags.RESTARTED)
_LOW: Final = int(Flags.LOW_BATTERY)
_OPEN: Final = int(Flags.TAMPER_OPEN)
_EXTERNAL: Final = int(Flags.EXTERNAL_POWER)
_UNKNOWN: Final = 100  # a battery above it


def usual(
    before: DeviceStatus, uplink: Uplink, received_ms: int, timing: Timing, digest: bytes, *, narrow: bool
) -> DeviceStatus | None:
    """Return the status after a verified check-in; None: it is no usual one, see `step` and `event_of`.

    digest: the event's. narrow: as for `step`.
    """
    report, status, counter = uplink.report, uplink.status, uplink.counter
    if uplink.kind is not Kind.CHECKIN or report is None:
        return None
    flags, window = report.flags, before.checkins
    if (
        flags & _RARE
        or (flags & _LOW and not before.low_battery)
        or (status is not None and status.rejected)
        or report.battery > _UNKNOWN
        or not before.events
        or counter != before.highest_counter + 1
        or counter <= before.told_counter
        or counter <= before.battery_counter
        or received_ms < before.last_seen_ms
        or window is None
        or not is_next(window, counter)
    ):
        return None
    age_s = received_ms // 1000 - report.time
    if not report.time or not -timing.clock_ahead_s <= age_s <= timing.delayed_after_s:
        return None
    day = received_ms // DAY_MS
    if day != before.day or impossible(report) is not None:
        return None
    if with_hour(before.hours or b"", received_ms, report, status) != before.hours:
        return None  # the first of its hour is told to the survey of the signal
    place = reported(report, report.time * 1000)
    if uplink.suite is Suite.ES256:
        since_ms = until_ms = None
    elif narrow:
        since_ms, until_ms = before.mac_since_ms, before.mac_until_ms
    else:
        since_ms = received_ms if before.mac_since_ms is None else min(before.mac_since_ms, received_ms)
        until_ms = max(before.mac_until_ms or 0, received_ms)
    return copied(
        before,
        highest_counter=counter,
        events=before.events + 1,
        last_seen_ms=received_ms,
        battery=report.battery,
        battery_counter=counter,
        low_battery=bool(flags & _LOW),
        tamper_open=bool(flags & _OPEN),
        external_power=bool(flags & _EXTERNAL),
        position=before.position if place is None else better(before.position, place),
        health=before.health if status is None else status,
        told_counter=counter,
        told_ms=received_ms,
        clock=learn(before.clock, age_s, received_ms),
        mac_since_ms=since_ms,
        mac_until_ms=until_ms,
        checkins=noted(window, counter, digest, apart=False),
    )
