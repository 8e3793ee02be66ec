"""What a press costs to verify and store while others are called for, against the same where nobody is.

10,000 presses of 500 buttons, all at once: 500 calls, each with its stations, and 9,500 presses more of them. The way
takes every message at once. CPU is that of what ingests: its thread, and the process that checks signatures. By the
clock the calls take their share of the one process as well. With and without take turns, and the middle of three
ratios is told: other work on the machine disturbs less.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from calling import Calls
from gateway_throughput import House_, middle, signed, wait
from routing import COLUMNS, ROWS, area, stations
from telling import say

from pressing_button import PressingButton
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import store_path
from siaga_gateway.domain.personal_message import PersonalMessage
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.ways import Budget, HandedOver
from siaga_gateway.service.inbound import InboundFrame

EVENTS: Final = 10_000
TURNS: Final = 3
BASE: Final = "verified and stored, nobody called"


class Nobody:
    """A way that takes everything at once."""

    name, kind, at_once, budget, repeats_recognised = "nobody", ContactWay.NTFY, 4, Budget(), True

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver:
        return HandedOver("taken")

    def close(self) -> None: ...


def ingest_cpu_s(house: House_) -> float:
    """Used so far by the thread that ingests and the process that checks signatures."""
    (thread,) = (each for each in threading.enumerate() if each.name == "ingest")
    paths = [f"/proc/self/task/{thread.native_id}/schedstat"]
    if house.verifier is not None:
        paths.append(f"/proc/{house.verifier.pid}/schedstat")
    return sum(int(Path(path).read_text().split()[0]) for path in paths) / 1e9


def taken(frames: Sequence[bytes], buttons: Sequence[PressingButton], *, called: bool) -> tuple[float, float, float]:
    """Returns events a second, CPU microseconds of each, and after how many seconds everybody has been told."""
    with tempfile.TemporaryDirectory() as folder:
        house = House_(store_path(Path(folder)), buttons, dispatch=False)
        calls = Calls(house.store, Nobody(), WallClock()) if called else None
        if calls is not None:
            with house.store.transaction() as transaction:
                transaction.change_places()
                transaction.put_stations(
                    [copied(each, contacts=(Contact(ContactWay.NTFY, "s"),)) for each in stations(random.Random(11))]
                )
                transaction.put_areas([area(column, row) for column in range(COLUMNS) for row in range(ROWS)])
            calls.waves._planner.recipients.ready()
            calls.start()
            house.ingest._committed = calls.waves.wake
        for raw in frames:
            if not house.ingest.offer(InboundFrame(raw, time.time_ns() // 1_000_000, "bench", lambda: None), 0):
                raise SystemExit("the inbox is smaller than the measurement")
        begun = time.perf_counter()
        house.ingest.start()
        cpu = ingest_cpu_s(house)
        wait(lambda: house.ingest.counts.stored >= len(frames), "storing")
        seconds, cpu_s = time.perf_counter() - begun, ingest_cpu_s(house) - cpu
        if calls is not None:
            what = "SELECT count(*) FROM escalation"
            wait(lambda: house.store.fetch(what)[0][0] == len(buttons), "calling")
            wait(lambda: not house.store.notifications_due(ContactWay.NTFY, WallClock().now_ms(), limit=1), "telling")
            calls.stop()
        told = time.perf_counter() - begun
        house.close()
    return len(frames) / seconds, cpu_s / len(frames) * 1e6, told


def main() -> None:
    threading.stack_size(512 * 1024)
    buttons, frames = signed(EVENTS)
    alone, beside = [], []
    for _ in range(TURNS):
        alone.append(taken(frames, buttons, called=False))
        beside.append(taken(frames, buttons, called=True))
    say(BASE, middle([one[0] for one in alone]), "1/s")
    say(f"{BASE}, CPU", middle([one[1] for one in alone]), "us")
    ratio = middle([mine[1] / theirs[1] for mine, theirs in zip(beside, alone, strict=True)])
    say("verified and stored beside 500 calls, CPU / nobody called", ratio, "times", f"{BASE}, CPU", "at most 1.1")
    ratio = middle([mine[0] / theirs[0] for mine, theirs in zip(beside, alone, strict=True)])
    say("verified and stored beside 500 calls / nobody called", ratio, "times", BASE)
    say("all 500 calls told, after the first press", middle([one[2] for one in beside]), "s")


if __name__ == "__main__":
    main()
