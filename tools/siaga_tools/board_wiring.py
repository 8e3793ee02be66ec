"""Each board's wiring, according to hardware/README.md and the vendors' pin maps: repeated here on purpose, so that a
button with a wrong pin in its board file fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Switch:
    """A contact: its pin, and its levels when active and when idle (its resistor)."""

    pin: int
    acting: int

    def level(self, acts: bool) -> int:
        return self.acting if acts else 1 - self.acting


@dataclass(frozen=True)
class ModemWires:
    """The modem's wires.

    tx, rx: as the chip sees them
    supply, flight, reset: None if the board has no such line
    """

    model: str
    tx: int
    rx: int
    key: int
    dtr: int
    ring: int
    reset: int | None = None
    supply: int | None = None
    flight: int | None = None


@dataclass(frozen=True)
class Wiring:
    button: Switch
    case: Switch
    foot_switch: Switch
    mains: Switch
    cell: int  # behind two equal resistors
    led: int
    buzzer: int
    vibration: int
    lorawan: tuple[int, int]
    lorawan_reset: int
    second_led: int | None = None  # the light's other colour
    modem: ModemWires | None = None
    gnss: tuple[int, int] | None = None
    gnss_supply: int | None = None


_T_A7670: Final = Wiring(
    button=Switch(32, 1),
    case=Switch(34, 1),
    foot_switch=Switch(39, 1),
    mains=Switch(14, 1),
    cell=35,
    led=23,
    buzzer=19,
    vibration=18,
    lorawan=(21, 22),
    lorawan_reset=13,
    modem=ModemWires("A7670E-FASE", 26, 27, key=4, dtr=25, ring=33, reset=5, supply=12),
)

BOARDS: Final = {
    "t_a7670": _T_A7670,
    "siaga_rev_a": replace(_T_A7670, second_led=2),
    "t_sim7600": Wiring(
        button=Switch(39, 1),
        case=Switch(13, 1),
        foot_switch=Switch(14, 1),
        mains=Switch(23, 1),
        cell=35,
        led=12,
        buzzer=19,
        vibration=18,
        lorawan=(21, 5),
        lorawan_reset=22,
        modem=ModemWires("SIMCOM_SIM7600E-H", 27, 26, key=4, dtr=32, ring=33, flight=25),
    ),
    "esp32_devkit": Wiring(
        button=Switch(27, 0),
        case=Switch(26, 1),
        foot_switch=Switch(32, 1),
        mains=Switch(34, 1),
        cell=35,
        led=2,
        buzzer=25,
        vibration=33,
        lorawan=(19, 18),
        lorawan_reset=13,
        gnss=(21, 22),
        gnss_supply=23,
    ),
}
