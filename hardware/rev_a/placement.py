"""Where everything is on the board, mm. x to the right, y down, seen from above; (0, 0) is pin 16 of the header PY.

The module lies under the board with its components towards it, its antenna end up; the sockets are on the board's
underside. Source of the module's measures: LilyGO-T-A76XX 7d8ce57, dimensions/esp32/T-A760X-ESP32.dxf, in whose
coordinates PY 16 is (266.167, 216.383), PX 1 (296.647, 216.383), the rows are 30.48 apart and 38.1 long, and the upper
holes are at (267.487, 220.975) and (295.199, 220.975).
"""

from __future__ import annotations

from typing import Final

PAGE: Final = (100.0, 60.0)  # where (0, 0) is on KiCad's page
LEFT, RIGHT, TOP, BOTTOM = -9.26, 39.74, -8.5, 50.0
# Cut out: the ESP32's antenna is under it.
NOTCH: Final = (5.0, 25.5, 0.5)
OUTLINE: Final = (
    *((LEFT, TOP), (NOTCH[0], TOP), (NOTCH[0], NOTCH[2]), (NOTCH[1], NOTCH[2]), (NOTCH[1], TOP), (RIGHT, TOP)),
    *((RIGHT, BOTTOM), (LEFT, BOTTOM)),
)
# Two stand on the module's own holes, two on the enclosure's bosses.
HOLES: Final = ((1.32, -4.592), (29.032, -4.592), (-5.9, 46.4), (36.4, 46.4))

# ref: x, y, degrees counter-clockwise, on the underside.
PLACES: Final[dict[str, tuple[float, float, int, bool]]] = {
    "J1": (30.48, 0, 180, True),
    "J2": (0, 38.1, 0, True),
    "SW1": (8.99, 9.5, 0, False),
    "D4": (12.7, 24, 0, False),
    "LS1": (22.4, 33.2, 0, False),
    "C1": (26.2, 3.4, 0, False),
    "C2": (26.2, 6.1, 0, False),
    "C3": (26.2, 8.8, 0, False),
    "C4": (26.2, 11.5, 0, False),
    # left: panel button, case switch, panel light
    "J3": (-7, 2.2, 90, False),
    "J4": (-7, 10.6, 90, False),
    "J6": (-7, 21.8, 90, False),
    "R1": (4.6, 2.2, 180, False),
    "R3": (4.4, 5, 180, False),
    "C5": (4.4, 7.2, 180, False),
    "R2": (-2.4, 5.6, 90, False),
    "D1": (-2.4, 9.2, 270, False),
    "D2": (-2.4, 13.4, 270, False),
    "R4": (-2.4, 17.2, 90, False),
    "R5": (4.4, 10.2, 180, False),
    "C6": (4.4, 12.4, 180, False),
    "R9": (8, 21.6, 0, False),
    "R10": (8, 26.4, 0, False),
    "R11": (4.2, 23.9, 180, False),
    "R12": (4.2, 28.6, 180, False),
    # right: LoRaWAN by cable, motor
    "J8": (36, 2.2, 0, False),
    "R17": (36, 17.7, 0, False),
    "C8": (36, -1.2, 0, False),
    "J7": (36, 24, 90, False),
    "Q1": (26, 20.6, 180, False),
    "R13": (21.6, 21.4, 180, False),
    "R14": (21.6, 23.6, 180, False),
    "D5": (26, 24.4, 180, False),
    "Q2": (13.6, 30.0, 0, False),
    "R15": (9, 30.6, 0, False),
    "R16": (9, 33, 0, False),
    "D6": (13.8, 33.0, 0, False),
    # below: input at the left, 5 V at the right
    "J5": (0.6, 45.9, 0, False),
    "U1": (8.6, 37.3, 0, False),
    "D3": (-4.4, 38.4, 90, False),
    "R7": (-7, 36, 90, False),
    "R6": (-4.4, 33.6, 90, False),
    "R8": (13, 41.2, 180, False),
    "C7": (17.2, 41.2, 0, False),
    "J9": (26.6, 46.6, 0, False),
    "F1": (18, 44.8, 0, False),
    "D7": (36, 37.2, 90, False),
    "D8": (25.8, 40.4, 0, False),
    "C9": (33.2, 41.2, 270, False),
    "R18": (36.8, 31.8, 0, False),
    "R19": (36.8, 29.6, 0, False),
    "R20": (4.2, 31, 180, False),
    "R21": (4.2, 33.2, 180, False),
    "C10": (-2.4, 30, 90, False),
    "TP1": (-7.4, -6.4, 0, False),
    "TP2": (-4, -6.4, 0, False),
    "TP3": (34.2, -6.4, 0, False),
    "TP4": (37.6, -6.4, 0, False),
    "TP5": (-7.4, -3.6, 0, False),
    "TP6": (-7.6, 28.2, 0, False),
    "TP7": (20.8, 40.8, 0, False),
}

# Where the middles of what the holder presses, sees and hears have to be: the enclosure's openings are over them. By
# the parts' own drawings, from pin 1: SW1's pins are 12.5 and 5 mm apart (Omron B3F), D4's 2.54; the middle of LS1's
# pads is 0.3 mm from that of its body.
CENTRES: Final = {"SW1": (15.24, 12.0), "D4": (15.24, 24.0), "LS1": (22.4, 33.5)}

# Names that would lie on something else.
NAMES: Final = {"J5": (13.9, 43.6), "J9": (20.4, 49), "U1": (8.6, 37.3), "LS1": (22.4, 33.2), "J8": (33.4, 2.2)}
# What is written beside it.
WORDS: Final = {
    "J3": ("SOS", -6.3, 5.3, 0),
    "J4": ("CASE", -6.3, 14, 0),
    "J6": ("LIGHT", -6.3, 25.4, 0),
    "J8": ("3V3 GND TX RX RST GND  LORA", 38.6, 9.4, 270),
    "J7": ("MOTOR", 36, 26.8, 0),
    "J5": ("1 FEED 2+ 3- 4 GND", 4.6, 41.8, 0),
    "J9": ("5V IN", 26.6, 43.2, 0),
}
TITLE: Final = ("Siaga carrier rev A", 15.2, 2.2)


def module_pins() -> dict[tuple[str, str], tuple[float, float]]:
    """Return where the sockets' (part, pin) have to be to meet the module's headers."""
    right = {("J1", str(pin)): (30.48, round((pin - 1) * 2.54, 3)) for pin in range(1, 17)}
    return right | {("J2", str(pin)): (0.0, round((16 - pin) * 2.54, 3)) for pin in range(1, 17)}
