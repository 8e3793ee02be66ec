"""The parts a board may carry, as the drivers need them: lines, and the UARTs of a modem, a LoRaWAN module, a receiver.

A uart is any stream that MicroPython's asyncio can poll: a machine.UART with timeout=0, or a file on a pty.
"""

from siaga.core.frame import UNKNOWN_SIGNAL


class Line:
    """A pin. value(1) is its active state, whichever level that is."""

    def value(self, on: int) -> None: ...


class Power:
    """How a board switches its modem; a missing line is None. Pulses in ms, as the modem's manual asks. sleep: 1 lets
    the modem sleep (DTR high), 0 wakes it."""

    def __init__(
        self,
        key: "Line | None" = None,
        on_ms: int = 100,
        off_ms: int = 3000,
        reset: "Line | None" = None,
        reset_ms: int = 2600,
        supply: "Line | None" = None,
        sleep: "Line | None" = None,
    ) -> None:
        self.key = key
        self.on_ms = on_ms
        self.off_ms = off_ms
        self.reset = reset
        self.reset_ms = reset_ms
        self.supply = supply
        self.sleep = sleep


class Network:
    """Wi-Fi, or whatever else a board offers below MQTT. needs_ssid: it is Wi-Fi, and useless without wifi_ssid."""

    needs_ssid = False

    def settle(self, country: str) -> None:
        """Set up the radio once per start, after the settings are known: this country's rules, and off if unused."""

    def is_up(self) -> bool:
        """Return whether it is connected now."""
        return False

    async def connect(self) -> None:
        """Connect, within a deadline of its own. Raises OSError or SiagaError."""

    async def resolve(self, host: str) -> "list[str]":
        """Return the IPv4 addresses of a host, within a deadline of its own. Raises OSError or SiagaError."""
        return [host]

    def signal(self) -> int:
        """Return the received strength, dBm, or UNKNOWN_SIGNAL."""
        return UNKNOWN_SIGNAL


class ModemParts:
    """A SIMCom A76xx or SIM7600.

    has_gnss: whether it has a satellite receiver
    percent: scale of the documented times, for a simulated modem in compressed time
    """

    def __init__(self, uart: object, power: Power, has_gnss: bool = True, percent: int = 100) -> None:
        self.uart = uart
        self.power = power
        self.has_gnss = has_gnss
        self.percent = percent


class LorawanParts:
    """A RAK3172. reset: drives its RST, if the board has such a line."""

    def __init__(self, uart: object, reset: "Line | None" = None) -> None:
        self.uart = uart
        self.reset = reset


class ReceiverParts:
    """A satellite receiver that sends NMEA 0183 on its own.

    supply: its power switch, if the board has one
    restart(before): does what the board can do about a silent receiver; before: how often it was called already
    """

    def __init__(
        self, uart: object, supply: "Line | None" = None, restart: "Callable[[int], None] | None" = None
    ) -> None:
        self.uart = uart
        self.supply = supply
        self.restart = restart


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
