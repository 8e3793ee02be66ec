"""What the virtual devices are to send, and when. Pure: the same wish and seed give the same plan."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from siaga_gateway.domain.frame import Kind

KINDS: Final = (Kind.PRESS, Kind.UPDATE, Kind.CANCEL, Kind.CHECKIN)
_FURTHEST: Final = 65_535  # an opening's distance saturates here


@dataclass(frozen=True, slots=True)
class MassPress:
    """An earthquake: `share` of all devices press within `within_s`, most of them at once, from `at_s` on."""

    share: float
    within_s: float
    at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """The requested load.

    mix: weights of the kinds
    ramp_s: the rate grows from zero within it
    """

    rate_per_s: float
    seconds: float
    ramp_s: float = 0.0
    mix: Mapping[Kind, float] = field(default_factory=lambda: {Kind.PRESS: 1.0})
    mass: MassPress | None = None


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """One frame.

    at_s: from the start of the run
    opening: distance to the PRESS that opened the incident
    """

    at_s: float
    device: int
    kind: Kind
    counter: int
    opening: int


def plan(wish: LoadRequest, devices: int, first_counter: int, seed: int) -> list[PlannedFrame]:
    """Return the frames in the order of sending. Each device's counters go up by one from `first_counter`.

    An UPDATE or a CANCEL needs an incident: if no device has one yet, a PRESS takes its place.
    """
    chance = random.Random(seed)  # noqa: S311 (a plan that can be had again)
    steady = ((at_s, None) for at_s in _arrivals(wish, chance))
    moments = sorted([*steady, *_mass(wish.mass, devices, chance)], key=lambda moment: moment[0])
    kinds, weights = list(wish.mix), list(wish.mix.values())
    counters = [first_counter] * devices
    opened: dict[int, int] = {}  # device -> counter of its opening PRESS
    callers: list[int] = []  # the same devices, as a list to choose from
    planned: list[PlannedFrame] = []
    for at_s, presser in moments:
        kind = Kind.PRESS if presser is not None else chance.choices(kinds, weights)[0]
        if kind in (Kind.UPDATE, Kind.CANCEL) and not callers:
            kind = Kind.PRESS
        if presser is not None:
            device = presser
        elif kind in (Kind.UPDATE, Kind.CANCEL):
            device = chance.choice(callers)
        else:
            device = chance.randrange(devices)
        counter = counters[device]
        counters[device] = counter + 1
        opening = 0
        if kind is not Kind.CHECKIN:
            if device in opened:
                opening = min(counter - opened[device], _FURTHEST)
            else:
                opened[device] = counter
                callers.append(device)
        planned.append(PlannedFrame(at_s, device, kind, counter, opening))
    return planned


def _arrivals(wish: LoadRequest, chance: random.Random) -> Iterator[float]:
    """Yield the times of independent arrivals at the requested rate, which grows linearly through the ramp."""
    rate, ramp = wish.rate_per_s, wish.ramp_s
    if rate <= 0:
        return
    expected = 0.0  # arrivals so far, on average
    while True:
        expected += chance.expovariate(1.0)
        in_ramp = rate * ramp / 2
        at_s = (2 * ramp * expected / rate) ** 0.5 if expected < in_ramp else expected / rate + ramp / 2
        if at_s >= wish.seconds:
            return
        yield at_s


def _mass(mass: MassPress | None, devices: int, chance: random.Random) -> Iterator[tuple[float, int]]:
    if mass is None:
        return
    for device in chance.sample(range(devices), round(mass.share * devices)):
        yield mass.at_s + chance.triangular(0, mass.within_s, 0), device
