"""The memory of a simulated RAK3172, and its possible faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

# The settings, and their formats.
FORMS: Final = {
    "NJM": "[01]",
    "BAND": "[0-9]|1[0-2]",
    "CLASS": "[ABC]",
    "CFM": "[01]",
    "ADR": "[01]",
    "DR": "[0-7]",
    "DEVEUI": "[0-9A-Fa-f]{16}",
    "APPEUI": "[0-9A-Fa-f]{16}",
    "APPKEY": "[0-9A-Fa-f]{32}",
    "LPM": "[01]",
    "LPMLVL": "[12]",
}


@dataclass(slots=True)
class ModuleFaults:
    """The faults to show from now on."""

    hang: bool = False  # no answer to anything but ATZ
    hang_hard: bool = False  # not even to that: only its RST or a power cut helps
    restart_hangs: bool = False  # the next ATZ causes that
    lose_uplinks: int = 0  # so many more frames that no gateway receives
    lose_downlinks: int = 0
    no_coverage: bool = False  # no join, no uplink arrives
    session_lost: bool = False  # at the network server: nothing arrives until a new join, and nothing reports it
    mac_bytes: int = 0  # pending MAC answers: they are sent first and take space once
    room: int = 0  # application bytes fewer than its data rate allows
    restart_on_air: bool = False  # its supply fails in the next transmission
    duty_ms: int = 0  # the next send has to wait for this long
    noise: bool = False  # garbage before each answer
    interleave: bool = False  # an event between a command and its answer
    echo: bool = False


@dataclass(slots=True)
class ModuleMemory:
    """What it remembers.

    values, p2p_receives: its settings; the rest is its session
    """

    values: dict[str, str] = field(
        default_factory=lambda: {
            "NWM": "1",
            "NJM": "1",
            "BAND": "4",
            "CLASS": "A",
            "CFM": "0",
            "ADR": "1",
            "DR": "0",
            "DEVEUI": "AC1F09FFFE05A1B2",
            "APPEUI": "0000000000000000",
            "APPKEY": "00000000000000000000000000000000",
            "LPM": "0",
            "LPMLVL": "1",
        }
    )
    p2p_receives: bool = False
    joined: bool = False
    uplink_dwell: bool = True  # AS923_DEFAULT_UPLINK_DWELL_TIME
    data_rate: int = 0  # in use; values["DR"] is what was set
    frame_counter: int = 0
