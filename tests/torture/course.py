"""The course of a torture: everything is set up, presses begin, faults come, and in the end the questions are asked."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from faults import Lane, Pace, that_can_befall
from parts import until_all_run
from pressing_crowd import PressingCrowd
from real_button import RealButton
from tortured_installation import Installation
from verdict import judge

from siaga_gateway.service.store import DeliveryState
from waiting import eventually

SHORT = Pace(lasts=0.6, pause=0.3, longest=1.0)
LONG = Pace(lasts=4.0, pause=2.0, longest=30.0)


def torture(
    folder: Path,
    *,
    seconds: float,
    rate_per_s: float,
    seed: int,
    engine: str = "sqlite",
    workers: int = 1,
    devices: int = 200,
    buttons: int = 0,
    pace: Pace = LONG,
    once: bool = False,
    wait_s: float = 300,
    longest_wait_s: float = 12.0,
    cable: bool = True,
) -> str:
    """One run, and its counts as text. It presses for `seconds`; `once`: each fault once, but the
    slowest ones, else faults as long as it
    presses. `buttons`: with so many real ones, the firmware under MicroPython. Raises AssertionError."""
    phases = _Phases()
    with (
        Installation(folder, engine=engine, workers=workers, devices=devices, seed=seed, cable=cable) as installation,
        ExitStack() as stack,
    ):
        crowd = PressingCrowd(
            installation.fleet,
            installation.address,
            rate_per_s=rate_per_s,
            seconds=seconds,
            wait_s=wait_s,
            longest_wait_s=longest_wait_s,
            seed=seed,
        )
        real = [stack.enter_context(RealButton(installation, number, seed)) for number in range(buttons)]
        lanes = [
            Lane(installation, faults, pace, seed + number, once=once)
            for number, faults in enumerate(that_can_befall(installation, slow=not once))
        ]
        phases.ended("prepared")
        crowd.start()
        eventually(lambda: crowd.acknowledged > devices / 10, "presses are acknowledged")
        for one in [*lanes, *real]:
            one.start()
        if not once:
            time.sleep(seconds)
        for lane in lanes:
            lane.wait_for(300) if once else lane.finish()
        phases.ended("faults")
        until_all_run(installation.parts)
        for button in real:
            button.finish(wait_s)
        crowd.finish(wait_s + seconds + 60)
        phases.ended("until all was acknowledged")
        _drain(installation, 3 * wait_s)
        installation.manager.rest()
        phases.ended("until all was delivered")
        code = installation.gateway.stop()
        assert code == 0, f"the gateway ended with {code}:\n{installation.gateway.said()[-2000:]}"
        audit = installation.office.command("audit", "verify").strip()
        counts = judge(installation, crowd, real)
        faults = sum((lane.counts for lane in lanes), Counter[str]())
        phases.ended("stopped and judged")
        return _report(installation, crowd, faults, asdict(counts), seed, phases, audit)


class _Phases:
    def __init__(self) -> None:
        self._begun = time.monotonic()
        self.took: list[tuple[str, float]] = []

    def ended(self, name: str) -> None:
        now = time.monotonic()
        self.took.append((name, now - self._begun))
        self._begun = now


def _drain(installation: Installation, within_s: float) -> None:
    store = installation.store()
    try:
        eventually(
            lambda: not store.deliveries(states=[DeliveryState.PENDING], limit=1),
            "the outbox is empty",
            timeout_s=within_s,
        )
    finally:
        store.close()


def _report(
    installation: Installation,
    crowd: PressingCrowd,
    faults: Counter[str],
    counts: dict[str, int],
    seed: int,
    phases: _Phases,
    audit: str,
) -> str:
    whose = "as root" if installation.disk.real else "not as root"
    lines = [f"{installation.engine}, workers: {installation.workers}, seed {seed}, {whose}"]
    lines += [f"  {seconds:>7.1f}  s {name}" for name, seconds in phases.took]
    lines.append("")
    lines += [f"  {count:>7}  {name}" for name, count in sorted(faults.items())]
    lines += [f"  {part.starts:>7}  starts of the {part.name}" for part in installation.parts]
    lines.append(f"  {crowd.losses:>7}  connections of the devices lost")
    lines.append("")
    lines += [f"  {count:>7}  {name.replace('_', ' ')}" for name, count in counts.items()]
    lines.append(f"  {crowd.tally.longest_silence_s:>7.1f}  s longest without any acknowledgement")
    slowest = max((max(one.latencies, default=0.0) for one in crowd.tally.classes.values()), default=0.0)
    lines.append(f"  {slowest:>7.1f}  s the slowest acknowledgement")
    lines.append(f"\naudit: {audit}")
    return "\n".join(lines)
