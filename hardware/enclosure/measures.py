"""The measures of the enclosures, mm, as data: what has to fit in, and the walls round it.

Coordinates are the carrier's (rev_a/placement.py): x to the right, y down, seen from the front; z towards whoever looks
at the case, 0 on the T-A7670's component side. Where a measure of a bought part comes from stands beside it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1] / "rev_a"))

from placement import BOTTOM, CENTRES, HOLES, LEFT, PLACES, RIGHT, TOP

# [D] LilyGO-T-A76XX 7d8ce57, dimensions/esp32/T-A760X-ESP32.dxf; [M] T-A7670X-Board-3D.stp there (2024-12-27), a model
# without the cell; [P] images/A7670-ESP32.jpg (V1.0).
MODULE_HOLES: Final = ((1.32, -4.592), (29.032, -4.592), (1.31, 100.998), (29.05, 100.998))  # [D]
CARRIER_HOLES: Final = HOLES[2:]
CARRIER_Z: Final = 11.0  # its underside: sockets of 8.5 mm and pins (rev_a/README.md)
BOARD: Final = 1.6
SPACER_R: Final = 3.2  # an M3 spacer, 5.5 mm across flats


@dataclass(frozen=True)
class Box:
    """Something that takes room. x, y, z: from, to. metal: an antenna has to stay away from it."""

    name: str
    x: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float]
    metal: bool = True


def _on_carrier(ref: str, across: tuple[float, float], along: tuple[float, float], high: float) -> Box:
    """A part on the carrier: from its place, how far it reaches each way, and how high it is."""
    x, y, *_ = PLACES[ref]
    top = CARRIER_Z + BOARD
    return Box(ref, (x + across[0], x + across[1]), (y + along[0], y + along[1]), (top, top + high))


CELL: Final = (
    15.35,
    -10.7,
    9.3,
    (11.5, 80.5),
)  # axis x and z by the holder's arcs [M]; an 18650 of 18.6 mm; y from, to
CELL_AIR: Final = 5.0  # hardware/README.md, Battery
# Below the plane of the carrier.
MODULE: Final = (
    Box("T-A7670's board", (-1.36, 31.78), (-7.26, 103.28), (-1.2, 0)),  # [M]
    Box("its parts", (-1.2, 31.6), (8, 94), (0, 2.8)),  # coils 2.8, modem 2.4 [M]
    Box("its ESP32", (6, 24), (-7.76, 23.74), (0, 3.1)),  # [M]
    Box("its switch", (-1.36, 2.14), (39.01, 47.4), (0, 3.5)),  # [M]
    Box("the switch's lever", (-3.16, -1.16), (41.21, 45.21), (1.0, 2.5)),  # [M], both positions
    Box("its solar socket", (-2.05, 3.36), (47.18, 53.64), (0, 6.0)),  # [M]
    Box("its USB-C", (24.23, 33.03), (41.53, 50.48), (0, 3.2)),  # [M]
    Box("its USB-C, V1.0", (24.23, 33.03), (51.2, 60.6), (0, 3.2)),  # [D], [P]: 9.8 mm further down
    Box("its micro-USB", (26, 33.0), (72, 79.5), (-4.2, -1.2)),  # [P]; its height is assumed
    Box("its cell holder", (4.85, 25.85), (7.02, 84.25), (-16.2, -1.2)),  # [M]
    Box("ends of soldered pins, left", (-0.8, 1.5), (-1, 50.4), (-3.9, -1.2)),  # [M] for the switch
    Box("ends of soldered pins, right", (29.2, 31.8), (-1, 39.2), (-3.9, -1.2)),
)
CARRIER: Final = (
    _on_carrier("SW1", (0.25, 12.25), (-3.5, 8.5), 7.3),  # Omron B3F-4055: 12 x 12, 7.3 with its plunger
    _on_carrier("LS1", (-5, 5), (-5, 5), 2.8),  # PUI SMT-1028: 10 x 10 x 2.8 by its name
    _on_carrier("J3", (-3, 3), (-5, 3), 8.0),  # JST PH with its plug: 8.0 mm (ePH)
    _on_carrier("J4", (-3, 3), (-5, 3), 8.0),
    _on_carrier("J6", (-3, 3), (-7, 3), 8.0),
    _on_carrier("J7", (-3, 3), (-5, 3), 8.0),
    _on_carrier("J5", (-2.3, 12.8), (-4, 4.1), 10.0),  # Phoenix PT 1,5: its height was not found, 10 is allowed here
    # A cable's USB-C plug in J9: 12.35 x 6.5 by the USB Type-C specification, 30 mm long with its bend protection.
    Box("plug in J9", (20.4, 32.8), (50, 80), (11.0, 17.6)),
)
# LTE antenna: [A] LilyGO-T-A76XX, datasheet/LTE Antenna Specifications.pdf (XY03-NB, 2023-08-24): 110.52 x 19.93, cable
# 126; GNSS: datasheet/GPS Antenna Specifications.pdf (XY07-GPS): 25.2 x 25.2 x 6.45, cable 58 +- 2.
LTE: Final = (110.6, 20.0, 0.4, 126.0)
GNSS: Final = (25.3, 6.5, 56.0)
GNSS_SOCKET: Final = (29.5, 65.0, 1.0)  # [P], and the word GNSS at (31.3, 68.4) [D]
RF_SOCKET: Final = (19.5, 98.6, 1.0)  # [P], the word RF at (16.8, 98.6) [D]
LTE_FROM_METAL: Final = 10.0  # hardware/README.md, Carried
# Middles of what shows through the lid; rev_a/board_facts.py compares them with the board that KiCad drew.
BUTTON, LIGHT, SOUNDER = (CENTRES[ref] for ref in ("SW1", "D4", "LS1"))
CARRIER_EDGE: Final = (LEFT, RIGHT, TOP, BOTTOM)


@dataclass(frozen=True)
class Measures:
    """One enclosure. x, y, z: its inside, from and to. All else mm, too.

    wall, floor, lid: thickness
    groove: of the sealing cord in the rim: width, depth
    screw: holes for M3 that forms its own thread; insert: for threaded inserts M3
    slack: between lid's lip and wall, between cap and lid
    post: radius of what the boards stand on, and of its tip
    led: diameter of the light's window
    panel: hole of the panel button, where, and how deep it may reach behind the lid; 0 = no panel button
    """

    name: str
    x: tuple[float, float] = (-12.4, 41.2)
    y: tuple[float, float] = (-21.0, 140.0)
    z: tuple[float, float] = (-25.0, 23.0)
    wall: float = 4.0
    floor: float = 3.0
    lid: float = 3.2
    groove: tuple[float, float] = (1.6, 1.2)
    screw: float = 2.5
    insert: tuple[float, float] = (4.0, 8.0)
    slack: float = 0.25
    lip: tuple[float, float] = (1.6, 4.0)
    post: tuple[float, float] = (4.0, 2.5)
    corner: float = 4.8
    led: float = 5.4
    light: tuple[float, float] = LIGHT
    holes: tuple[tuple[float, float], ...] = (*MODULE_HOLES, *CARRIER_HOLES)
    panel: float = 16.2
    panel_at: tuple[float, float] = (15.24, 120.0)
    panel_deep: float = 40.0
    gnss_at: tuple[float, float] = (3.5, 74.5)
    lte_from: tuple[float, float] = (-6.0, -24.6)  # y, z
    on_wall: bool = True
    middle: float = 56.0  # y of the two screws between the corners

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """Where the lid's screws are in the corners."""
        (left, right), (top, bottom) = self.x, self.y
        inset = 3.2
        return tuple((x, y) for x in (left + inset, right - inset) for y in (top + inset, bottom - inset))

    @property
    def middles(self) -> tuple[tuple[float, float], ...]:
        return tuple((x, self.middle) for x in (self.x[0] + 3.2, self.x[1] - 3.2))

    @property
    def front(self) -> float:
        """z of the lid's outer face."""
        return self.z[1] + self.lid


WALL: Final = Measures("wall")
# Carried: no panel button but a cap over SW1; the module's own USB-C for charging, so that no cable is inside.
CARRIED: Final = Measures("carried", y=(-21.0, 113.0), panel=0, on_wall=False, holes=(*MODULE_HOLES, CARRIER_HOLES[0]))
CAP: Final = (13.0, 2.0)  # diameter, how far it lies below the lid's face; wider would break into the light's window
# The opening for a charging cable's plug, for both places of the USB-C: y, z. An overmould is at most 12.35 x 6.5.
CHARGE: Final = ((39.0, 62.6), (-2.4, 5.6))
SOUND_HOLES: Final = ((0.0, 0.0), (3.0, 0.0), (-3.0, 0.0), (0.0, 3.0), (0.0, -3.0))
MEMBRANE: Final = (12.0, 0.4)  # stuck in from inside: diameter, depth of its bed
# Wall only. Key-hole for the upper wall screw (head at most 8 mm), closed towards the inside; hole for the lower one.
KEYHOLE: Final = (15.24, -10.0)
KEYHOLE_HEAD: Final = (8.6, 4.0, 4.4)  # head's diameter, room for its height, shank's diameter
LOCK: Final = (15.24, 110.0)
# Case switches: Omron D2F-01L, holes 6.5 apart, lever works at 6.8 +- 1.5 from them (Omron, D2F, page 4).
SWITCHES: Final = (34.6, 127.0, 2.6, 6.5)  # centre x, y of the plate's face, its thickness, distance of the holes
SWITCH_WORKS: Final = 6.8
SWITCH_Z: Final = (-15.2, 12.0)  # of the switch at the wall and of the one at the lid
CABLES: Final = ((4.0, 22.5), 5.2, 6.0)  # x of the notches in the lower wall; width, depth
