"""What is known of a device from its own frames: where it was last, how it is, which of its counters came."""

from __future__ import annotations

from siaga_gateway.domain.frame import Status, Uplink
from siaga_gateway.domain.incident import Position
from siaga_gateway.domain.position import better, reported
from siaga_gateway.domain.record import record


@record
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


@record
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
    battery, battery_counter, position, health = (
        before.battery,
        before.battery_counter,
        before.position,
        before.health,
    )
    low_battery, tamper_open, external_power = before.low_battery, before.tamper_open, before.external_power
    fell_low = False
    if report is not None:
        position = better(position, reported(report, at_ms))
        if report.battery_percent is not None and counter > battery_counter:
            battery, battery_counter = report.battery_percent, counter
        if newest:
            low_battery, tamper_open = report.low_battery, report.tamper_open
            external_power = report.external_power
            health = health if uplink.status is None else uplink.status
            fell_low = low_battery and not before.low_battery
    after = DeviceStatus(
        device_id=before.device_id,
        first_counter=min(before.first_counter, counter),
        highest_counter=max(before.highest_counter, counter),
        events=before.events + 1,
        last_seen_ms=max(before.last_seen_ms, received_ms),
        battery=battery,
        battery_counter=battery_counter,
        low_battery=low_battery,
        tamper_open=tamper_open,
        external_power=external_power,
        position=position,
        health=health,
    )
    return Step(after, gap_after, fell_low)
