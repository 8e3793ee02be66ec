"""What is known of a device from its own frames: where it was last, how it is, which of its counters came."""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.button_clock import ClockLag, learn
from siaga_gateway.domain.frame import Kind, Status, Uplink
from siaga_gateway.domain.incident import Position
from siaga_gateway.domain.position import better, reported
from siaga_gateway.domain.record import record

# A restart is forgotten after so long, each further one after as long again; likewise each input that it refused.
RESTART_MS: Final = 6 * 3600 * 1000
REJECTED_MS: Final = 3600 * 1000
_MOST_RESTARTS: Final = 12  # remembered: three days
_MOST_REJECTED: Final = 72
# A button leaves at most so many counters out at once, and in the long run uses no more than one in so many seconds.
# Whatever goes beyond is no loss on the way: somebody else has its key, or it has lost its counter.
JUMP: Final = 1_000
_JUMP_EACH_S: Final = 5
# A frame that is so far below the one before, or comes so much later, is no straggler: its word is as good as any.
STRAGGLES: Final = 256
STRAGGLES_MS: Final = 3600 * 1000


@record
class DeviceStatus:
    """The latest word of a device: by its counter, and by arrival where a frame cannot just have been overtaken by so
    many others. Else whoever has a copy of its key could freeze all of this with one counter from the future."""

    device_id: bytes
    first_counter: int
    highest_counter: int
    events: int  # counters of stored ones
    last_seen_ms: int  # when anything genuine of it was stored last, by the gateway's clock
    battery: int | None = None  # percent
    battery_counter: int = -1  # of the frame that said so
    low_battery: bool = False
    tamper_open: bool = False
    external_power: bool = False
    position: Position | None = None  # the best it ever reported
    health: Status | None = None  # of the latest CHECKIN that carried one
    restarts: int = 0  # ever, as far as its frames tell
    restarts_until_ms: int = 0  # when those of late are forgotten, see RESTART_MS
    rejected_until_ms: int = 0
    tampered_ms: int | None = None  # when it said last that it was opened, until a person has looked into it
    told_counter: int = -1  # of the frame that low_battery, tamper_open and external_power are from
    told_ms: int = 0  # when that arrived
    counter_faults: int = 0  # how often its counters jumped, or one came twice with different content
    counter_fault_ms: int | None = None  # when that happened last, until a person has looked into it
    jumped_over: int = 0  # counters
    clock: ClockLag | None = None  # None: it never checked in with its clock set

    @property
    def missing(self) -> int:
        """How many counters between the first and the highest never came, or not yet; jumps left out."""
        return max(0, self.highest_counter - self.first_counter + 1 - self.events - self.jumped_over)


@record
class Step:
    """The status after a frame, and what is worth an entry in the journal."""

    status: DeviceStatus
    gap_after: int | None = None  # the highest counter before, where this one leaves some out
    battery_fell_low: bool = False
    jumped_over: int = 0  # how many counters this one is further than any button gets


def clock_after(before: DeviceStatus | None, uplink: Uplink, received_ms: int) -> ClockLag | None:
    """What is known of the button's clock once this frame has come; a check-in is sent as soon as it is made."""
    known = None if before is None else before.clock
    if uplink.kind is not Kind.CHECKIN or uplink.report is None or not uplink.report.clock_set:
        return known
    return learn(known, received_ms // 1000 - uplink.report.time, received_ms)


def _jumped_over(before: DeviceStatus, counter: int, received_ms: int) -> int:
    """How many counters lie between those that came and this one, where it is more than a button can have used."""
    if not before.events:
        return 0
    above = counter - before.highest_counter - 1
    below = before.first_counter - counter - 1
    asleep_s = max(0, received_ms - before.last_seen_ms) // 1000
    return above if above > JUMP + asleep_s // _JUMP_EACH_S else below if below > JUMP else 0


def step(
    before: DeviceStatus | None, uplink: Uplink, received_ms: int, at_ms: int, *, contradicted: bool = False
) -> Step:
    """The status after a verified frame that was not stored before.

    received_ms: when it arrived. at_ms: when what it reports happened. contradicted: another message is stored under
    its counter.
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
    battery, battery_counter, position, health = (
        before.battery,
        before.battery_counter,
        before.position,
        before.health,
    )
    low_battery, tamper_open, external_power = before.low_battery, before.tamper_open, before.external_power
    restarts, restarts_until_ms, rejected_until_ms = (
        before.restarts,
        before.restarts_until_ms,
        before.rejected_until_ms,
    )
    tampered_ms, told_counter, told_ms = before.tampered_ms, before.told_counter, before.told_ms
    fell_low = False
    if report is not None:
        if uplink.kind is Kind.TAMPER and report.tamper_open:
            tampered_ms = max(tampered_ms or 0, received_ms)
        if report.restarted:
            restarts += 1
            restarts_until_ms = _remembered(restarts_until_ms, 1, received_ms, RESTART_MS, _MOST_RESTARTS)
        if uplink.status is not None and uplink.status.rejected:
            rejected = uplink.status.rejected
            rejected_until_ms = _remembered(rejected_until_ms, rejected, received_ms, REJECTED_MS, _MOST_REJECTED)
        position = better(position, reported(report, at_ms))
        if report.battery_percent is not None and (counter > battery_counter or no_straggler):
            battery, battery_counter = report.battery_percent, counter
        if newest:
            low_battery, tamper_open = report.low_battery, report.tamper_open
            external_power = report.external_power
            health = health if uplink.status is None else uplink.status
            fell_low = low_battery and not before.low_battery
            told_counter, told_ms = counter, received_ms
    after = DeviceStatus(
        device_id=before.device_id,
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
        restarts=restarts,
        restarts_until_ms=restarts_until_ms,
        rejected_until_ms=rejected_until_ms,
        tampered_ms=tampered_ms,
        told_counter=told_counter,
        told_ms=told_ms,
        counter_faults=before.counter_faults + faulty,
        counter_fault_ms=received_ms if faulty else before.counter_fault_ms,
        jumped_over=before.jumped_over + jumped_over,
        clock=clock_after(before, uplink, received_ms),
    )
    return Step(after, before.highest_counter if leaves_out else None, fell_low, jumped_over)


def _remembered(until_ms: int, count: int, now_ms: int, each_ms: int, most: int) -> int:
    """When `count` more are forgotten, on top of those that are remembered still."""
    return min(max(until_ms, now_ms) + count * each_ms, now_ms + most * each_ms)
