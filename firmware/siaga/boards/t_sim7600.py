"""LILYGO T-SIM7600 (ESP32-WROVER; SIM7600 with GNSS; 18650 cell and charger).

The modem's pins, LED, the battery's divider and the SD slot are the vendor's (T-SIM7600X, utilities.h). No card may be
in the slot: its select line is the case switch, its clock line the external input. The modem's status line (34) is not
read: an answer to AT tells more.
"""

import machine

from siaga.boards.esp32 import ChipBoard, Contact, OutLine, PinLamp, once, uart
from siaga.drivers.board_parts import ModemParts, Power

MODEM_TX = 27  # from the chip to the modem
MODEM_RX = 26
MODEM_KEY = 4
MODEM_DTR = 32
MODEM_RING = 33
FLIGHT = 25  # HIGH: the radio may be on
CELL = 35  # the board's own divider by two
LED = 12  # the board's own; it also keeps this strapping pin LOW at start, as required

BUTTON = 39  # to 3.3 V, 100 kilohms to ground
INPUT = 14  # to 3.3 V, 100 kilohms to ground
CASE = 13  # closed to ground while the case is shut, 1 megohm to 3.3 V
MAINS = 23  # the 5 V pin through a divider to at most 3.3 V
BUZZER = 19  # a passive one, through a transistor
VIBRATION = 18  # through a transistor
LORAWAN_TX = 21  # to a RAK3172, if there is one
LORAWAN_RX = 5  # strapping pin, HIGH at start, as an idle line is
LORAWAN_RESET = 22  # to its RST, which has 10 kilohms to 3.3 V


class TSim7600(ChipBoard):
    name = "t_sim7600"
    profile = "ready"
    lorawan_pins = (LORAWAN_TX, LORAWAN_RX, LORAWAN_RESET)

    def __init__(self) -> None:
        OutLine(FLIGHT, 1)
        key = OutLine(MODEM_KEY)
        dtr = OutLine(MODEM_DTR)  # LOW wakes the modem, which is needed at every start
        self.ring = machine.Pin(MODEM_RING, machine.Pin.IN, machine.Pin.PULL_UP)
        super().__init__(
            PinLamp(LED, BUZZER, VIBRATION),
            Contact(BUTTON, 1),
            Contact(CASE, 1, machine.Pin.PULL_UP),
            Contact(INPUT, 1, machine.Pin.PULL_DOWN),
            Contact(MAINS, 1),
            CELL,
        )
        power = Power(key, on_ms=500, off_ms=3000, sleep=dtr)
        self.modem = ModemParts(uart(1, MODEM_TX, MODEM_RX), power)


def boards() -> "Iterator[ChipBoard]":
    return once(TSim7600())


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
