"""Makes and signs frames before the run, on all processors: during the run they only have to be sent."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from siaga_gateway.domain.frame import Kind
from siaga_tools.load.fleet import Fleet, body_of, keys, mac_keys, prove, sign
from siaga_tools.load.plan import PlannedFrame

_PIECE: Final = 500  # devices in one task
_ALONE: Final = 4_000  # frames and devices up to which other processes are not worth starting
# Processor seconds, measured, with some margin: for T0 below.
_DEVICE_S, _FRAME_S, _START_S = 200e-6, 60e-6, 1.5


@dataclass(frozen=True, slots=True)
class SignedFrame:
    """One frame, signed."""

    at_s: float
    device: int
    kind: Kind
    counter: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class DeviceReplyKey:
    """What remains of a device once its frames are made: its name, and the key of its answers."""

    device_id: bytes
    mac_down: bytes


@dataclass(frozen=True, slots=True)
class PreparedLoad:
    """Everything a run needs: faces by device number, frames in the order of sending."""

    faces: Sequence[DeviceReplyKey]
    frames: Sequence[SignedFrame]


def seconds_to_make(fleet: Fleet, frames: int) -> float:
    """Estimate how long it will take: frames contain the time at which they will be sent."""
    work = fleet.devices * _DEVICE_S + frames * _FRAME_S
    return work if fleet.devices + frames <= _ALONE else _START_S + work / (os.cpu_count() or 1)


def make(
    fleet: Fleet, plan: Sequence[PlannedFrame], begin_s: float, *, test: bool = False
) -> Iterator[int | PreparedLoad]:
    """Yield the numbers of devices done, for a progress bar, and finally the result. begin_s: the run's start, Unix
    time. Raises Trouble if the fleet's gateway key is invalid."""
    by_device: defaultdict[int, list[PlannedFrame]] = defaultdict(list)
    for one in plan:
        by_device[one.device].append(one)
    tasks = [
        (fleet, first, [by_device[n] for n in range(first, min(first + _PIECE, fleet.devices))], begin_s, test)
        for first in range(0, fleet.devices, _PIECE)
    ]
    faces: list[DeviceReplyKey] = []
    frames: dict[tuple[int, int], bytes] = {}
    for made in _everywhere(tasks, alone=fleet.devices + len(plan) <= _ALONE):
        for face, signed in made:
            for counter, frame in signed:
                frames[len(faces), counter] = frame
            faces.append(face)
        yield len(faces)
    ready = [
        SignedFrame(one.at_s, one.device, one.kind, one.counter, frames.pop((one.device, one.counter))) for one in plan
    ]
    yield PreparedLoad(faces, ready)


_Task = tuple[Fleet, int, list[list[PlannedFrame]], float, bool]
_Signed = list[tuple[DeviceReplyKey, list[tuple[int, bytes]]]]


def _everywhere(tasks: Sequence[_Task], *, alone: bool) -> Iterator[_Signed]:
    if alone:
        yield from map(_make_some, tasks)
        return
    # Spawned: the caller may have threads.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        yield from pool.map(_make_some, tasks)


def _make_some(task: _Task) -> _Signed:
    fleet, first, planned, begin_s, test = task
    made: _Signed = []
    for index, frames in enumerate(planned, first):
        one = keys(fleet.seed, index)
        mac_up, mac_down = mac_keys(one, fleet.gateway_xy)
        signed: list[tuple[int, bytes]] = []
        started = False  # the first check-in after a start is signed, as a button does
        for each in frames:
            body = body_of(each, int(begin_s + each.at_s), test=test)
            by_mac = each.kind is Kind.CHECKIN and started
            started = started or each.kind is Kind.CHECKIN
            frame = prove(one, mac_up, each.counter, body) if by_mac else sign(one, each.kind, each.counter, body)
            signed.append((each.counter, frame))
        made.append((DeviceReplyKey(one.device_id, mac_down), signed))
    return made
