"""The status of a device from its own frames: last position, health, and which of its counters arrived."""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain import battery_history, checkin_window
from siaga_gateway.domain.button_clock import ClockLag, learn
from siaga_gateway.domain.device_report import Report
from siaga_gateway.domain.frame import Kind, Status, Suite, Uplink, event_digest
from siaga_gateway.domain.incident import Position
from siaga_gateway.domain.position import better, reported
from siaga_gateway.domain.value import copied, record

# A restart is forgotten after this long, each further one after as long again; likewise each rejected input.
RESTART_MS: Final = 6 * 3600 * 1000
REJECTED_MS: Final = 3600 * 1000
_MOST_RESTARTS: Final = 12  # remembered: three days
_MOST_REJECTED: Final = 72
# The most counters that a button skips at once, and in the long run uses one every so many seconds. A larger jump is
# not loss in transit: somebody else has its key, or the button lost its counter.
JUMP: Final = 1_000
_JUMP_EACH_S: Final = 5
# A frame this far below the previous one, or this much later, is not a straggler: it counts like any other.
STRAGGLES: Final = 256
STRAGGLES_MS: Final = 3600 * 1000


@record
class DeviceStatus:
    """The latest status of a device.

    Ordered by counter, or by arrival where a frame cannot just have been overtaken by so many others. Otherwise whoever
    has a copy of its key could freeze the status with one counter from the future.
    """

    device_id: bytes
    first_counter: int
    highest_counter: int
    events: int  # stored ones, by counter
    last_seen_ms: int  # when its last authentic frame was stored, the gateway's clock
    battery: int | None = None  # percent
    battery_counter: int = -1  # of the frame that reported it
    low_battery: bool = False
    tamper_open: bool = False
    external_power: bool = False
    position: Position | None = None  # the best of those it lately reported; forgotten after a while, see retention
    health: Status | None = None  # of the latest CHECKIN that carried a status
    restarts: int = 0  # total, as far as its frames tell
    restarts_until_ms: int = 0  # when the recent ones are forgotten, see RESTART_MS
    rejected_until_ms: int = 0
    tampered_ms: int | None = None  # when it last reported being opened, until a person has looked into it
    told_counter: int = -1  # of the frame behind low_battery, tamper_open and external_power
    told_ms: int = 0  # when that frame arrived
    counter_faults: int = 0  # times its counters jumped, or one arrived twice with different content
    counter_fault_ms: int | None = None  # when that last happened, until a person has looked into it
    jumped_over: int = 0  # counters
    clock: ClockLag | None = None  # None: it has never checked in with its clock set
    checkins: bytes | None = None  # see domain/checkin_window.py; None: as before there were windows
    day: int = 0  # of `hours`, see domain/battery_history.py
    hours: bytes | None = None  # battery and signal of that day; None: nothing
    # The first and the last check-in by MAC, where a signature would have fitted, since its key last signed.
    mac_since_ms: int | None = None
    mac_until_ms: int | None = None

    @property
    def window(self) -> bytes:
        """Which check-ins have come, as domain/checkin_window.py has it."""
        if self.checkins is not None or not self.events:
            return self.checkins or b""
        return checkin_window.before_windows(self.highest_counter, self.told_counter)

    @property
    def missing(self) -> int:
        """How many counters between the first and the highest have not arrived; jumps excluded."""
        return max(0, self.highest_counter - self.first_counter + 1 - self.events - self.jumped_over)


@record
class Step:
    """The status after a frame, and what is worth a journal entry."""

    status: DeviceStatus
    gap_after: int | None = None  # the highest counter before, if this frame skips some
    battery_fell_low: bool = False
    jumped_over: int = 0  # counters skipped beyond what any button can use
    finished: tuple[int, bytes] | None = None  # a day that is over, and its hours
    new_hour: bool = False  # a check-in, the first of its hour


def clock_after(before: DeviceStatus | None, uplink: Uplink, received_ms: int) -> ClockLag | None:
    """Return the estimate of the button's clock after this frame; a check-in is sent as soon as it is made."""
    known = None if before is None else before.clock
    if uplink.kind is not Kind.CHECKIN or uplink.report is None or not uplink.report.clock_set:
        return known
    return learn(known, received_ms // 1000 - uplink.report.time, received_ms)


def _jumped_over(before: DeviceStatus, counter: int, received_ms: int) -> int:
    """Return how many counters lie between those that arrived and this one, if more than a button can have used; else
    0."""
    if not before.events:
        return 0
    above = counter - before.highest_counter - 1
    below = before.first_counter - counter - 1
    asleep_s = max(0, received_ms - before.last_seen_ms) // 1000
    return above if above > JUMP + asleep_s // _JUMP_EACH_S else below if below > JUMP else 0


def step(
    before: DeviceStatus | None,
    uplink: Uplink,
    received_ms: int,
    at_ms: int,
    contradicted: bool = False,
    digest: bytes | None = None,
    narrow: bool = False,
    clock: ClockLag | None = None,
) -> Step:
    """Return the status after a verified frame that did not come before.

    received_ms: when it arrived. at_ms: when the reported event happened. contradicted: a different message has come
    under its counter. digest: the event's, if it is known. narrow: by a bearer that may have no room for a signature.
    clock: what `clock_after` says, if it is known.
    """
    counter, report = uplink.counter, uplink.report
    if before is None:
        before = DeviceStatus(uplink.device_id, counter, counter - 1, 0, received_ms)
    jumped_over = _jumped_over(before, counter, received_ms)
    faulty = contradicted or jumped_over > 0
    leaves_out = before.events > 0 and counter > before.highest_counter + 1 and not jumped_over
    no_straggler = counter <= before.told_counter and (
        before.told_counter - counter > STRAGGLES or received_ms - before.told_ms > STRAGGLES_MS
    )
    newest = counter > before.told_counter or no_straggler
    battery, battery_counter, position, health = before.battery, before.battery_counter, before.position, before.health
    low_battery, tamper_open, external_power = before.low_battery, before.tamper_open, before.external_power
    told_counter, told_ms, fell_low = before.told_counter, before.told_ms, False
    if report is not None:
        position = better(position, reported(report, at_ms))
        if report.battery_percent is not None and (counter > battery_counter or no_straggler):
            battery, battery_counter = report.battery_percent, counter
        if newest:
            low_battery, tamper_open = report.low_battery, report.tamper_open
            external_power = report.external_power
            health = health if uplink.status is None else uplink.status
            fell_low = low_battery and not before.low_battery
            told_counter, told_ms = counter, received_ms
    mac_since_ms, mac_until_ms = before.mac_since_ms, before.mac_until_ms
    if uplink.suite is Suite.ES256:
        mac_since_ms = mac_until_ms = None
    elif uplink.kind is Kind.CHECKIN and not narrow:
        mac_since_ms = received_ms if mac_since_ms is None else min(mac_since_ms, received_ms)
        mac_until_ms = max(mac_until_ms or 0, received_ms)
    day, hours, finished = before.day, before.hours, None
    if uplink.kind is not Kind.CHECKIN:
        digest = None
    else:
        if digest is None:
            digest = event_digest(uplink.kind, counter, uplink.body)
        if newest and report is not None:
            day, hours, finished = _in_history(before, uplink, report, received_ms)
    after = copied(
        before,
        first_counter=min(before.first_counter, counter),
        highest_counter=max(before.highest_counter, counter),
        events=before.events + (not contradicted),
        last_seen_ms=max(before.last_seen_ms, received_ms),
        battery=battery,
        battery_counter=battery_counter,
        low_battery=low_battery,
        tamper_open=tamper_open,
        external_power=external_power,
        position=position,
        health=health,
        told_counter=told_counter,
        told_ms=told_ms,
        clock=clock_after(before, uplink, received_ms) if clock is None else clock,
        mac_since_ms=mac_since_ms,
        mac_until_ms=mac_until_ms,
        checkins=checkin_window.noted(before.window, counter, digest, apart=jumped_over > 0),
        day=day,
        hours=hours,
    )
    if faulty:
        after = copied(
            after,
            counter_faults=before.counter_faults + 1,
            counter_fault_ms=received_ms,
            jumped_over=before.jumped_over + jumped_over,
        )
    new_hour = after.hours != before.hours or after.day != before.day
    if report is not None:
        after = _of_late(after, uplink, report, received_ms)
    return Step(after, before.highest_counter if leaves_out else None, fell_low, jumped_over, finished, new_hour)


def _in_history(
    before: DeviceStatus, uplink: Uplink, report: Report, received_ms: int
) -> tuple[int, bytes, tuple[int, bytes] | None]:
    """Return the day and its hours with a check-in's battery and signal, and the day before if this one begins
    another."""
    day, hours, finished = battery_history.day_of(received_ms), before.hours or b"", None
    if day != before.day:
        finished, hours = ((before.day, hours) if hours else None), b""
    return day, battery_history.with_hour(hours, received_ms, report, uplink.status), finished


def _of_late(status: DeviceStatus, uplink: Uplink, report: Report, received_ms: int) -> DeviceStatus:
    """Return the status with the frame's news of tampering, restarts and rejected inputs."""
    if uplink.kind is Kind.TAMPER and report.tamper_open:
        status = copied(status, tampered_ms=max(status.tampered_ms or 0, received_ms))
    if report.restarted:
        until_ms = _remembered(status.restarts_until_ms, 1, received_ms, RESTART_MS, _MOST_RESTARTS)
        status = copied(status, restarts=status.restarts + 1, restarts_until_ms=until_ms)
    if uplink.status is not None and uplink.status.rejected:
        rejected = uplink.status.rejected
        until_ms = _remembered(status.rejected_until_ms, rejected, received_ms, REJECTED_MS, _MOST_REJECTED)
        status = copied(status, rejected_until_ms=until_ms)
    return status


def _remembered(until_ms: int, count: int, now_ms: int, each_ms: int, most: int) -> int:
    """Return when `count` more are forgotten, on top of those still remembered."""
    return min(max(until_ms, now_ms) + count * each_ms, now_ms + most * each_ms)
