"""What is known of a device from its own frames: where it was last, how it is, which of its counters came."""

from __future__ import annotations

from dataclasses import dataclass, replace

from siaga_gateway.domain.frame import Status, Uplink
from siaga_gateway.domain.incident import Position
from siaga_gateway.domain.position import better, reported


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """The latest word of a device: `latest` by its counter, not by arrival."""

    device_id: bytes
    first_counter: int
    highest_counter: int
    events: int  # stored ones, duplicates not counted
    last_seen_ms: int  # when anything genuine of it was stored last, by the gateway's clock
    battery: int | None = None  # percent
    battery_counter: int = -1  # of the frame that said so
    low_battery: bool = False
    tamper_open: bool = False
    external_power: bool = False
    position: Position | None = None  # the best it ever reported
    health: Status | None = None  # of the latest CHECKIN that carried one

    @property
    def missing(self) -> int:
        """How many counters between the first and the highest never came, or not yet."""
        return self.highest_counter - self.first_counter + 1 - self.events


@dataclass(frozen=True, slots=True)
class Step:
    """The status after a frame, and what is worth an entry in the journal."""

    status: DeviceStatus
    gap_after: int | None = None  # the highest counter before, where this one leaves some out
    battery_fell_low: bool = False


def step(before: DeviceStatus | None, uplink: Uplink, received_ms: int, at_ms: int) -> Step:
    """The status after a verified frame that was not stored before.

    received_ms: when it arrived. at_ms: when what it reports happened.
    """
    counter, report = uplink.counter, uplink.report
    if before is None:
        before = DeviceStatus(uplink.device_id, counter, counter - 1, 0, received_ms)
    newest = counter > before.highest_counter
    gap_after = before.highest_counter if newest and before.events and counter > before.highest_counter + 1 else None
    after = replace(
        before,
        first_counter=min(before.first_counter, counter),
        highest_counter=max(before.highest_counter, counter),
        events=before.events + 1,
        last_seen_ms=max(before.last_seen_ms, received_ms),
    )
    if report is None:
        return Step(after, gap_after)
    battery = report.battery_percent
    if battery is not None and counter > after.battery_counter:
        after = replace(after, battery=battery, battery_counter=counter)
    position = reported(report, at_ms)
    if position is not None:
        after = replace(after, position=better(after.position, position))
    if not newest:
        return Step(after, gap_after)
    after = replace(
        after,
        low_battery=report.low_battery,
        tamper_open=report.tamper_open,
        external_power=report.external_power,
        health=before.health if uplink.status is None else uplink.status,
    )
    return Step(after, gap_after, battery_fell_low=report.low_battery and not before.low_battery)
