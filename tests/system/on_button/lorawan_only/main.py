"""The button's own main.py, except that its only bearer is a LoRaWAN module on the line that SIAGA_LORAWAN names."""

import gc
import os

gc.threshold(16384)

from siaga.app import device  # noqa: E402
from siaga.boards.simulated import boards  # noqa: E402
from siaga.drivers.rak3172 import LorawanSettings, Rak3172  # noqa: E402


class LorawanOnly(device.Device):
    def _bearers(self):
        uart = open(os.getenv("SIAGA_LORAWAN"), "r+b")  # noqa: SIM115
        settings = LorawanSettings(os.getenv("SIAGA_LORAWAN_KEY"), dwell=os.getenv("SIAGA_DWELL") == "1")
        return [Rak3172(uart, self._clock, self._delivery, settings)]


device.Device = LorawanOnly
for board in boards():
    device.run(board)
