"""Parses what a RAK3172 with RUI3 firmware sends on its serial line. Pure.

It is not the AT dialect of modems (core/at.py): replies repeat the command's name, a command ends with a word such as
OK or AT_BUSY_ERROR, events begin with +EVT: and come at any time. Source: RAK-STM32-RUI, component/service.
"""

import binascii

from micropython import const

# Words that end a command.
OK = b"OK"
BUSY = b"AT_BUSY_ERROR"
NOT_JOINED = b"AT_NO_NETWORK_JOINED"
PARAMETER = b"AT_PARAM_ERROR"
ERROR = b"AT_ERROR"
NOT_FOUND = b"AT_COMMAND_NOT_FOUND"
NO_BAND = b"AT_UNSUPPORTED_BAND"
# Events that end an uplink.
SENT = (b"+EVT:TX_DONE", b"+EVT:SEND_CONFIRMED")
# Not the module's words: they end a command or a wait because the module restarted, or does not even answer AT.
RESTARTED = b"RESTARTED"
SILENT = b"SILENT"
_FINALS = (
    OK,
    BUSY,
    NOT_JOINED,
    PARAMETER,
    ERROR,
    NOT_FOUND,
    NO_BAND,
    b"AT_TEST_PARAM_OVERFLOW",
    b"AT_NO_CLASSB_ENABLE",
    b"AT_RX_ERROR",
    b"AT_MODE_NO_SUPPORT",
)
# The last line that every version prints at its start.
_STARTED = b"Current Work Mode: "
# The longest line: 242 bytes of a downlink in hex after +EVT:RX_1:-120:-20:MULTICAST:223:
_LONGEST = const(540)


def is_final(line: bytes) -> bool:
    """Return whether a line ends the running command."""
    return line in _FINALS


def is_started(line: bytes) -> bool:
    """Return whether the module has restarted."""
    return line.startswith(_STARTED)


class Downlink:
    """A downlink as received.

    port: LoRaWAN port
    payload: bytes
    rssi: dBm
    snr: dB
    """

    def __init__(self, port: int, payload: bytes, rssi: int, snr: int) -> None:
        self.port = port
        self.payload = payload
        self.rssi = rssi
        self.snr = snr


def downlink(line: bytes) -> "Downlink | None":
    """Return the content of a +EVT:RX_<window>:<rssi>:<snr>:UNICAST:<port>:<hex> line; None if it is damaged."""
    parts = line.split(b":")
    if len(parts) != 7 or parts[0] != b"+EVT" or not parts[1].startswith(b"RX_") or parts[4] != b"UNICAST":
        return None
    try:
        rssi, snr, port = int(parts[2]), int(parts[3]), int(parts[5])
        payload = binascii.unhexlify(parts[6])
    except ValueError:
        return None
    if not 0 < port < 256 or not payload:
        return None
    return Downlink(port, payload, rssi, snr)


def restricted_ms(line: bytes) -> int:
    """Return for how long the duty cycle forbids sending, from Restricted_Wait_<ms>_ms; -1 if the line is no such."""
    if line.startswith(b"Restricted_Wait_") and line.endswith(b"_ms"):
        digits = line[16:-3]
        if digits.isdigit() and len(digits) < 9:
            return int(digits)
    return -1


class Lines:
    """Splits bytes into lines. garbage: number of pieces dropped, as not text or too long."""

    def __init__(self) -> None:
        self.garbage = 0
        self._line = bytearray()
        self._spoilt = False

    def feed(self, chunk: bytes) -> "list[bytes]":
        """Return the lines that these bytes complete, without their ends and without empty ones."""
        lines = []  # type: list[bytes]
        for byte in chunk:
            if byte == 10 or byte == 13:
                if self._line and not self._spoilt:
                    lines.append(bytes(self._line))
                self._line = bytearray()
                self._spoilt = False
            elif self._spoilt:
                pass
            elif byte < 32 or byte > 126 or len(self._line) >= _LONGEST:
                self._spoilt = True
                self._line = bytearray()
                self.garbage += 1
            else:
                self._line.append(byte)
        return lines
