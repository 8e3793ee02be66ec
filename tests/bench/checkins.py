"""Check-ins that carry a MAC, taken in by one worker, against presses in the same run.

The ingest and the store (SQLite, WAL, synchronous FULL) are the real ones, as in gateway_throughput.py. Each button has
checked in before, signed: what is measured is the hour after. "Taken in" is verified, judged by the window of counters,
its device's status committed with fsync, acknowledged and answered.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gateway_throughput import House_, middle, signed, wait
from telling import say

from pressing_button import PressingButton, at, report_body
from siaga_gateway.adapters.sql import store_path
from siaga_gateway.domain.frame import Kind, Suite
from siaga_gateway.service.inbound import InboundFrame

EVENTS = 9_000
STATUS = bytes([0, 1, 0, 185, 0x40, 12, 0, 0])
TURNS = 3


def checkins(buttons: Sequence[PressingButton], count: int) -> list[bytes]:
    """Check-ins by MAC, with a status, in the order in which they are sent."""
    now_s, frames = int(time.time()), []
    for number in range(count):
        button = buttons[number % len(buttons)]
        button.counter += 1
        body = report_body(now_s, battery=80, **at()) + STATUS
        frames.append(button.frame(Kind.CHECKIN, button.counter, body, Suite.HS256_64))
    return frames


def rate(house: House_, frames: Sequence[bytes]) -> tuple[float, float]:
    """(frames a second, CPU microseconds of each) from the lanes to the answer."""
    before = house.ingest.counts.stored
    for raw in frames:
        if not house.ingest.offer(InboundFrame(raw, time.time_ns() // 1_000_000, "bench", lambda: None), 0):
            raise SystemExit("the inbox is smaller than the measurement")
    begun, cpu = time.perf_counter(), house.cpu_s()
    house.ingest.start()
    wait(lambda: house.ingest.counts.stored >= before + len(frames), "storing")
    seconds, cpu_s = time.perf_counter() - begun, house.cpu_s() - cpu
    assert house.sender.answers == len(frames)
    house.close()
    return len(frames) / seconds, cpu_s / len(frames) * 1e6


def turn(kind: Kind) -> tuple[float, float]:
    buttons, presses = signed(EVENTS)
    with tempfile.TemporaryDirectory() as folder:
        house = House_(store_path(Path(folder)), buttons, dispatch=False)
        if kind is Kind.PRESS:
            return rate(house, presses)
        for button in buttons:
            button.meet(house.gateway_key)
        return rate(house, checkins(buttons, EVENTS))


def main() -> None:
    presses, checked = [], []
    for _ in range(TURNS):
        presses.append(turn(Kind.PRESS))
        checked.append(turn(Kind.CHECKIN))
    say("presses taken in", middle([one[0] for one in presses]), "1/s")
    say("presses taken in, CPU", middle([one[1] for one in presses]), "us")
    say("check-ins by MAC taken in", middle([one[0] for one in checked]), "1/s")
    say("check-ins by MAC taken in, CPU", middle([one[1] for one in checked]), "us")
    ratio = middle([mine[0] / theirs[0] for mine, theirs in zip(checked, presses, strict=True)])
    say("check-ins by MAC / presses", ratio, "times", "presses taken in", "at least 3")


if __name__ == "__main__":
    main()
