"""What every board with a LILYGO T-A7670 is (ESP32-WROVER-E; A7670E or A7670SA with GNSS; 18650 cell and charger).

The modem's pins, the battery's divider and the SD slot are the vendor's (LilyGO-T-A76XX, utilities.h and pin map).
Of the rest, 16 and 17 belong to the module's PSRAM, 0, 2 and 15 decide how the chip starts, and 36 is connected on some
versions only. No card may be in the slot: its clock line tells whether mains is there, its select line resets a module.
"""

import machine

SUPPLY = 12  # of the modem and its level shifters

# On battery this board restarts unless this is HIGH soon after the start; so it comes before everything else. Held, it
# stays HIGH through resets and deep sleep; otherwise the modem would lose its supply in each.
machine.Pin(SUPPLY, machine.Pin.OUT, value=1, hold=True)  # type: ignore[call-arg]

from siaga.boards.esp32 import ChipBoard, Contact, OutLine, PinLamp, uart  # noqa: E402
from siaga.drivers.board_parts import ModemParts, Power  # noqa: E402

MODEM_TX = 26  # from the chip to the modem
MODEM_RX = 27
MODEM_KEY = 4
MODEM_RESET = 5
MODEM_DTR = 25
MODEM_RING = 33
CELL = 35  # the board's own divider by two

BUTTON = 32  # to 3.3 V, 100 kilohms to ground
INPUT = 39  # to 3.3 V, 100 kilohms to ground
CASE = 34  # closed to ground while the case is shut, 1 megohm to 3.3 V
MAINS = 14  # the 5 V pin through a divider to at most 3.3 V
LED = 23
BUZZER = 19  # a passive one, through a transistor
VIBRATION = 18  # through a transistor
LORAWAN_TX = 21  # to a RAK3172, if there is one
LORAWAN_RX = 22
LORAWAN_RESET = 13  # to its RST, which has 10 kilohms to 3.3 V


class TA7670Module(ChipBoard):
    profile = "ready"
    lorawan_pins = (LORAWAN_TX, LORAWAN_RX, LORAWAN_RESET)
    second_led = -1  # pin of the light's other colour, for a board that has this one in its sockets

    def __init__(self) -> None:
        key = OutLine(MODEM_KEY)
        reset = OutLine(MODEM_RESET)
        dtr = OutLine(MODEM_DTR)  # LOW wakes the modem, which is needed at every start
        self.ring = machine.Pin(MODEM_RING, machine.Pin.IN, machine.Pin.PULL_UP)
        super().__init__(
            PinLamp(LED, BUZZER, VIBRATION, self.second_led),
            Contact(BUTTON, 1, machine.Pin.PULL_DOWN),
            Contact(CASE, 1),
            Contact(INPUT, 1),
            Contact(MAINS, 1),
            CELL,
        )
        # SUPPLY is not among the modem's lines: taken LOW on battery, it cuts the whole board's power.
        power = Power(key, on_ms=100, off_ms=3000, reset=reset, reset_ms=2600, sleep=dtr)
        self.modem = ModemParts(uart(1, MODEM_TX, MODEM_RX), power)
