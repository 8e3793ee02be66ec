"""An ESP32-WROVER development board on Wi-Fi: button, case switch, LED, buzzer and vibration motor on a breadboard, and
optionally a satellite receiver on a UART.

Button and case switch close to ground against the chip's own pull-up. The two inputs without pull-up (34, 35) are tied
to ground where nothing is connected to them. GPIO 16 and 17 belong to the PSRAM.
"""

import machine

from siaga.boards.esp32 import ChipBoard, Contact, Line, PinLamp, once, uart
from siaga.drivers.board_parts import ReceiverParts

BUTTON = 27  # to ground
CASE = 26  # closed to ground while the case is shut
INPUT = 32  # to 3.3 V
LED = 2  # the board's own
BUZZER = 25  # a passive one, through a transistor
VIBRATION = 33  # through a transistor
MAINS = 34  # 5 V through a divider
CELL = 35  # one Li-ion cell through two equal resistors
GNSS_TX = 21  # to the receiver
GNSS_RX = 22
GNSS_SUPPLY = 23  # HIGH: the receiver is powered
LORAWAN_TX = 19  # to a RAK3172, if there is one
LORAWAN_RX = 18
LORAWAN_RESET = 13  # to its RST, which has 10 kilohms to 3.3 V

# Factory defaults: u-blox and most others, Quectel, newer u-blox.
_BAUDS = (9600, 38400, 115200)


class Supply(Line):
    def __init__(self) -> None:
        self._pin = machine.Pin(GNSS_SUPPLY, machine.Pin.OUT, value=1)

    def value(self, on: int) -> None:
        self._pin.value(on)


class Devkit(ChipBoard):
    name = "esp32_devkit"
    lorawan_pins = (LORAWAN_TX, LORAWAN_RX, LORAWAN_RESET)

    def __init__(self) -> None:
        super().__init__(
            PinLamp(LED, BUZZER, VIBRATION),
            Contact(BUTTON, 0, machine.Pin.PULL_UP),
            Contact(CASE, 1, machine.Pin.PULL_UP),
            Contact(INPUT, 1, machine.Pin.PULL_DOWN),
            Contact(MAINS, 1),
            CELL,
        )
        self._gnss = uart(1, GNSS_TX, GNSS_RX, _BAUDS[0])
        self._supply = Supply()
        self.receiver = ReceiverParts(self._gnss, self._supply, self._restart_receiver)

    def _restart_receiver(self, before: int) -> None:
        """Try the next usual bit rate, and after all of them a power cycle too."""
        rate = (before + 1) % len(_BAUDS)
        if not rate:
            self._supply.value(0)  # whoever needs the position switches it on again
        self._gnss.init(baudrate=_BAUDS[rate], tx=GNSS_TX, rx=GNSS_RX, timeout=0, rxbuf=1024, txbuf=512)


def boards() -> "Iterator[ChipBoard]":
    return once(Devkit())


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
