"""Frames made and signed before the run, on all processors: while it runs, nothing is left to do but send them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from siaga_gateway.domain.frame import Kind
from siaga_tools.load.fleet import Fleet, body_of, keys, mac_down, sign
from siaga_tools.load.plan import Planned

_PIECE: Final = 500  # devices in one task
_ALONE: Final = 4_000  # frames and devices up to which other processes are not worth their start
# Processor seconds, measured with some air: for T0 below.
_DEVICE_S, _FRAME_S, _START_S = 200e-6, 60e-6, 1.5


@dataclass(frozen=True, slots=True)
class Ready:
    """One frame, signed."""

    at_s: float
    device: int
    kind: Kind
    counter: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class Face:
    """What is left of a device when its frames are made: its name, and the key that its answers carry."""

    device_id: bytes
    mac_down: bytes


@dataclass(frozen=True, slots=True)
class Made:
    """All that a run needs: faces by the device's number, frames in the order of sending."""

    faces: Sequence[Face]
    frames: Sequence[Ready]


def seconds_to_make(fleet: Fleet, frames: int) -> float:
    """About how long it will take: the frames carry the time at which they are going to be sent."""
    work = fleet.devices * _DEVICE_S + frames * _FRAME_S
    return work if fleet.devices + frames <= _ALONE else _START_S + work / (os.cpu_count() or 1)


def make(fleet: Fleet, plan: Sequence[Planned], begin_s: float, *, test: bool = False) -> Iterator[int | Made]:
    """Numbers of devices that are done, to show progress by, and last the whole. `begin_s`: Unix time of the run's
    begin. Raises Trouble where the fleet's gateway key is none."""
    by_device: defaultdict[int, list[Planned]] = defaultdict(list)
    for one in plan:
        by_device[one.device].append(one)
    tasks = [
        (fleet, first, [by_device[n] for n in range(first, min(first + _PIECE, fleet.devices))], begin_s, test)
        for first in range(0, fleet.devices, _PIECE)
    ]
    faces: list[Face] = []
    frames: dict[tuple[int, int], bytes] = {}
    for made in _everywhere(tasks, alone=fleet.devices + len(plan) <= _ALONE):
        for face, signed in made:
            for counter, frame in signed:
                frames[len(faces), counter] = frame
            faces.append(face)
        yield len(faces)
    ready = [Ready(one.at_s, one.device, one.kind, one.counter, frames.pop((one.device, one.counter))) for one in plan]
    yield Made(faces, ready)


_Task = tuple[Fleet, int, list[list[Planned]], float, bool]
_Signed = list[tuple[Face, list[tuple[int, bytes]]]]


def _everywhere(tasks: Sequence[_Task], *, alone: bool) -> Iterator[_Signed]:
    if alone:
        yield from map(_make_some, tasks)
        return
    # Spawned: whoever calls may have threads.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        yield from pool.map(_make_some, tasks)


def _make_some(task: _Task) -> _Signed:
    fleet, first, planned, begin_s, test = task
    made: _Signed = []
    for index, frames in enumerate(planned, first):
        one = keys(fleet.seed, index)
        signed = [
            (each.counter, sign(one, each.kind, each.counter, body_of(each, int(begin_s + each.at_s), test=test)))
            for each in frames
        ]
        made.append((Face(one.device_id, mac_down(one, fleet.gateway_xy)), signed))
    return made
