"""Whether an enclosure can be printed, closes, and takes what has to go in. Each function returns what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Final

import cadquery as cq
from measures import (
    BUTTON,
    CAP,
    CARRIER_EDGE,
    CARRIER_Z,
    CELL_AIR,
    GNSS,
    GNSS_SOCKET,
    LIGHT,
    LTE,
    LTE_FROM_METAL,
    MODULE_HOLES,
    RF_SOCKET,
    SOUNDER,
    WALL,
    Measures,
)
from measures import CARRIER_HOLES as CARRIERS
from mesh import Mesh, hanging, mesh_of, open_edges, thinnest
from solids import cell, contents, gnss_antenna, lte_antenna

# Three lines of a nozzle of 0.4 mm.
_THINNEST: Final = 1.15
_BRIDGE: Final = 13.0  # PETG bridges this much without support
_CLEAR: Final = 0.3  # between a printed part and what lies beside it
# Which way up a part prints: 1 as drawn, -1 turned over.
UP: Final = {"back": 1, "lid": -1, "guard": 1, "wall_pin": -1, "cap": -1, "charge_plug": 1}


def wrong_of(m: Measures, printed: dict[str, cq.Workplane]) -> Iterator[str]:
    """Yield everything that is wrong with one enclosure, in words."""
    for name, part in printed.items():
        yield from (f"{m.name} {name}: {what}" for what in printable(name, part))
    yield from (f"{m.name}: {what}" for what in fits(m, printed))
    yield from (f"{m.name}: {what}" for what in antennas(m))
    yield from (f"{m.name}: {what}" for what in holds(m, printed["back"]))
    yield from (f"{m.name}: {what}" for what in shows(m, printed["lid"]))
    yield from (f"{m.name}: {what}" for what in air(printed))


def air(printed: dict[str, cq.Workplane]) -> Iterator[str]:
    """The cell keeps its distance from all that is printed."""
    near = min(_gap(cell(), part) for part in printed.values())
    if near < CELL_AIR - 1e-6:
        yield f"{near:.2f} mm between cell and case, {CELL_AIR} are needed"


def printable(name: str, part: cq.Workplane) -> Iterator[str]:
    """One valid solid, closed, no wall too thin, nothing that hangs in the air."""
    if not part.val().isValid() or len(part.solids().vals()) != 1:
        yield f"{len(part.solids().vals())} solids, valid: {part.val().isValid()}"
    mesh = mesh_of(part)
    if count := open_edges(mesh):
        yield f"{count} open edges"
    thin, where = thinnest(mesh)
    if thin < _THINNEST:
        yield f"a wall of {thin:.2f} mm at {where}"
    yield from overhangs(mesh, UP[name])


def overhangs(mesh: Mesh, up: int) -> Iterator[str]:
    """What is too wide to be printed over air."""
    for narrow, where in hanging(mesh, up):
        if narrow > _BRIDGE:
            yield f"{narrow:.1f} mm hang in the air at {where}"


def fits(m: Measures, printed: dict[str, cq.Workplane]) -> Iterator[str]:
    """No part goes through another, and what is not screwed to it keeps a distance to the case."""
    antennas = {"the LTE antenna": lte_antenna(m), "the GNSS antenna": gnss_antenna(m)}
    for name, part in printed.items():
        for other, solid in (contents(m) | antennas).items():
            if name == "charge_plug" and other.startswith("charging"):
                continue  # out while it charges
            if not _near(part, solid) or (gap := _gap(part, solid)) > _CLEAR - 1e-6:
                continue  # the distance is 0 where one goes through the other
            if (common := _common(part, solid)) > 0.01:
                yield f"{name} and {other} share {common:.2f} mm3"
            elif other not in _RESTS:
                yield f"{gap:.2f} mm between {name} and {other}"
    for (name, part), (other, second) in combinations(printed.items(), 2):
        if (common := _common(part, second)) > 0.01:
            yield f"{name} and {other} share {common:.2f} mm3"


def _gap(one: cq.Workplane, two: cq.Workplane) -> float:
    return float(one.val().distance(two.val()))


def _near(one: cq.Workplane, two: cq.Workplane) -> bool:
    """Whether their bounding boxes come close: exact geometry takes seconds."""
    first, second = one.val().BoundingBox(), two.val().BoundingBox()
    return (
        first.xmin - 1 < second.xmax
        and second.xmin - 1 < first.xmax
        and first.ymin - 1 < second.ymax
        and second.ymin - 1 < first.ymax
        and first.zmin - 1 < second.zmax
        and second.zmin - 1 < first.zmax
    )


def _common(one: cq.Workplane, two: cq.Workplane) -> float:
    """Return the volume that both take, mm3."""
    return float(one.val().intersect(two.val()).Volume()) if _near(one, two) else 0.0


_RESTS: Final = {
    *("the LTE antenna", "the GNSS antenna", "T-A7670's board", "the carrier", "SW1", "panel button"),
    *("charging plug", "charging plug, V1.0"),
}


def antennas(m: Measures) -> Iterator[str]:
    """They lie where their cables reach; the LTE antenna is away from metal."""
    lte, gnss = lte_antenna(m), gnss_antenna(m)
    metal = contents(m) | {"the cell": cell(), "the GNSS antenna": gnss}
    for name, solid in metal.items():
        away = lte.val().distance(solid.val())
        if away < LTE_FROM_METAL - 1e-6 and not name.startswith("plug"):
            yield f"{away:.1f} mm between the LTE antenna and {name}, {LTE_FROM_METAL} are needed"
        if name != "the GNSS antenna" and _common(gnss, solid) > 0.01:
            yield f"the GNSS antenna and {name} share a place"
    x, y = m.gnss_at
    reach = math.dist((x + GNSS[0] / 2, y, m.z[1] - GNSS[1]), GNSS_SOCKET)
    if reach > GNSS[2] - 10:
        yield f"{reach:.0f} mm to the GNSS antenna; its cable has {GNSS[2]:.0f}, 10 of them for the bend"
    feed = (m.x[0], m.lte_from[0] + LTE[0], m.lte_from[1] + LTE[1] / 2)
    if (reach := math.dist(feed, RF_SOCKET)) > LTE[3] - 20:
        yield f"{reach:.0f} mm to the LTE antenna; its cable has {LTE[3]:.0f}"


def _inside(part: cq.Workplane, x: float, y: float, z: float) -> bool:
    return any(solid.isInside(cq.Vector(x, -y, z), 1e-6) for solid in part.solids().vals())


def _ring(at: tuple[float, float], radius: float) -> list[tuple[float, float]]:
    turns = (number * math.tau / 12 for number in range(12))
    return [(at[0] + radius * math.cos(turn), at[1] + radius * math.sin(turn)) for turn in turns]


def holds(m: Measures, back: cq.Workplane) -> Iterator[str]:
    """Under each hole of the boards that is used: a post with a hole for the screw, up to the board."""
    used = (*((at, -1.2) for at in MODULE_HOLES), *((at, CARRIER_Z) for at in CARRIERS[: 2 if m.on_wall else 1]))
    for at, top in used:
        if _inside(back, *at, top - 1):
            yield f"no hole for the screw at {at}"
        if not all(_inside(back, *point, top - 0.2) for point in _ring(at, m.screw / 2 + 0.9)):
            yield f"no post round the screw at {at}"
        if any(_inside(back, *point, top + 0.2) for point in _ring(at, 1.0)):
            yield f"the post at {at} is higher than the board lies"


def shows(m: Measures, lid: cq.Workplane) -> Iterator[str]:
    """What the holder sees, hears and presses: light, sounder, button."""
    middle = (m.z[1] + m.front) / 2
    if any(_inside(lid, *point, middle) for point in _ring(LIGHT, 2.5)):
        yield "the light's window is not over the light"
    if not all(_inside(lid, *point, m.z[1] + 0.2) for point in _ring(LIGHT, 3.4)):
        yield "the light's window is too wide"
    if _inside(lid, *SOUNDER, middle):
        yield "no opening over the sounder"
    at, radius = (m.panel_at, m.panel / 2) if m.panel else (BUTTON, CAP[0] / 2)
    if any(_inside(lid, *point, middle) for point in _ring(at, radius - 0.2)):
        yield "the button's opening is not over the button"
    if m.front - CARRIER_Z < 11 or CARRIER_EDGE[0] < m.x[0] + 1:
        yield "the carrier has no room"


def heat(m: Measures, absorbed: float, air_c: float = 40.0, sun_w_m2: float = 1000.0) -> float:
    """Return how hot the case becomes in full sun, C: what the front absorbs, given off by all sides but the back to
    still air (10 W/m2K). absorbed: share of the sunlight."""
    x, y, z = (each[1] - each[0] + 2 * m.wall for each in (m.x, m.y, m.z))
    front, sides = x * y, 2 * (x + y) * z
    return air_c + sun_w_m2 * absorbed * front / (10.0 * (front + sides))


# What is printed in the README; the cell must stay below 60 C (hardware/README.md).
COLOURS: Final = {"white": 0.30, "light grey": 0.45, "black": 0.95}


def heats() -> dict[str, float]:
    return {colour: heat(WALL, absorbed) for colour, absorbed in COLOURS.items()}
