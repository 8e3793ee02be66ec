"""The course of a torture: everything is set up, presses begin, faults come, and in the end the questions are asked."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from faults import NETWORK, PROCESSES, SURROUNDINGS, Lane, Pace
from parts import until_all_run
from place import Place
from pressing_crowd import PressingCrowd
from verdict import judge

from siaga_gateway.service.store import DeliveryState
from system.house import eventually

SHORT = Pace(lasts=(0.3, 1.0), pause=(0.2, 0.5))
LONG = Pace(lasts=(1.0, 20.0), pause=(0.5, 5.0))


def torture(
    folder: Path,
    *,
    seconds: float | None,
    rate_per_s: float,
    seed: int,
    devices: int = 200,
    pace: Pace = LONG,
    wait_s: float = 300,
    longest_wait_s: float = 12.0,
    cable: bool = True,
) -> str:
    """One run, and its counts as text. `seconds`: None for each fault once. Raises AssertionError."""
    begun = time.monotonic()
    with Place(folder, devices=devices, seed=seed, cable=cable) as place:
        processes = {**PROCESSES, **(NETWORK if place.cable.plugged else {})}
        # With each fault once it presses on until the last is over; that long no plan needs to be.
        crowd = PressingCrowd(
            place.fleet,
            place.address,
            rate_per_s=rate_per_s,
            seconds=20 if seconds is None else seconds,
            wait_s=wait_s,
            longest_wait_s=longest_wait_s,
            seed=seed,
        )
        lanes = [
            Lane(place, faults, pace, seed + number, once=seconds is None)
            for number, faults in enumerate((processes, SURROUNDINGS))
        ]
        crowd.start()
        eventually(lambda: crowd.acknowledged > devices / 10, "presses are acknowledged", 60)
        for lane in lanes:
            lane.start()
        if seconds is not None:
            time.sleep(seconds)
        for lane in lanes:
            lane.finish() if seconds is not None else lane.wait_for(300)
        until_all_run(place.parts)
        crowd.finish(wait_s + (seconds or 60) + 60)
        _drain(place, wait_s)
        place.manager.rest()
        code = place.gateway.stop()
        assert code == 0, f"the gateway ended with {code}:\n{place.gateway.said()[-2000:]}"
        counts = judge(place, crowd)
        faults = sum((lane.counts for lane in lanes), Counter[str]())
        return _report(place, crowd, faults, asdict(counts), seed, time.monotonic() - begun)


def _drain(place: Place, within_s: float) -> None:
    store = place.store()
    try:
        eventually(
            lambda: not store.deliveries(states=[DeliveryState.PENDING], limit=1), "the outbox is empty", within_s
        )
    finally:
        store.close()


def _report(
    place: Place, crowd: PressingCrowd, faults: Counter[str], counts: dict[str, int], seed: int, took_s: float
) -> str:
    lines = [f"seed {seed}, {took_s:.0f} s, {'root' if place.disk.real else 'no root'}"]
    lines += [f"  {count:>7}  {name}" for name, count in sorted(faults.items())]
    lines.append("")
    lines += [f"  {count:>7}  {name.replace('_', ' ')}" for name, count in counts.items()]
    lines += [f"  {part.starts:>7}  starts of the {part.name}" for part in place.parts]
    lines.append(f"  {crowd.losses:>7}  connections of the devices lost")
    lines.append(f"  {crowd.tally.longest_silence_s:>7.1f}  s longest without any acknowledgement")
    slowest = max((max(one.latencies, default=0.0) for one in crowd.tally.classes.values()), default=0.0)
    lines.append(f"  {slowest:>7.1f}  s the slowest acknowledgement")
    return "\n".join(lines)
