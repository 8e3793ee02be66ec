"""AS923's payload limits, and times on the air."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

# RP002-1.0.5, 3.10.7: application bytes by data rate in AS923, without and with UplinkDwellTime.
_AS923: Final = (51, 51, 115, 115, 242, 242, 242, 242)
_AS923_DWELL: Final = (0, 0, 11, 53, 125, 242, 242, 242)
_OVERHEAD: Final = 13  # MHDR, DevAddr, FCtrl, FCnt, FPort, MIC


@dataclass(frozen=True, slots=True)
class Transmission:
    """One transmission."""

    data_rate: int
    port: int
    payload: bytes
    airtime_ms: float


def payload_limit(data_rate: int, dwell: bool) -> int:
    """Return the application bytes that fit with no MAC command piggybacked."""
    return (_AS923_DWELL if dwell else _AS923)[data_rate]


def airtime_ms(size: int, data_rate: int) -> float:
    """Return an uplink's milliseconds on the air, by its application bytes; 125 kHz, CR 4/5, explicit header, CRC.

    Semtech SX1276 data sheet, 4.1.1.7; low data rate optimisation at SF11 and SF12.
    """
    factor = 12 - min(data_rate, 5)
    symbol_ms = float(1 << factor) / 125
    slow = 1 if factor >= 11 else 0
    bits = 8 * (size + _OVERHEAD) - 4 * factor + 28 + 16
    symbols = 8 + max(math.ceil(bits / (4 * (factor - 2 * slow))) * 5, 0)
    return (8 + 4.25 + symbols) * symbol_ms
