"""The whole button, whose bearers are a modem's: SIAGA_MODEM and SIAGA_PINS_LINE name its lines, SIAGA_PERCENT its
pace, SIAGA_NUMBERS the gateway's numbers."""

import asyncio
import binascii
import gc
import os

gc.threshold(16384)

from siaga.app import device  # noqa: E402
from siaga.boards.simulated import boards  # noqa: E402
from siaga.drivers.simcom import Access, Line, Modem, Power  # noqa: E402
from siaga.drivers.simcom_mqtt import Broker, Lte  # noqa: E402
from siaga.drivers.simcom_sms import Sms  # noqa: E402


class Wire(Line):
    def __init__(self, name):
        self._name = name

    def value(self, on):
        pins.write(f"{self._name} {on}\n")


class CellularButton(device.Device):
    def _bearers(self):
        settings = self._settings
        name = binascii.hexlify(self._identity.device_id).decode()
        power = Power(Wire("power_key"), reset=Wire("reset"))
        self.modem = Modem(line, power, self._clock, self._delivery, Access())
        self.modem.port.percent = int(os.getenv("SIAGA_PERCENT"))
        self.modem.on_told = lambda what: self._tell("log", what=what)
        broker = Broker(
            settings.mqtt_host,
            settings.mqtt_port,
            settings.mqtt_ca if settings.mqtt_tls else "",
            settings.mqtt_user,
            settings.mqtt_password,
            name,
        )
        return [
            Lte(self.modem, self._clock, self._delivery, broker, name),
            Sms(self.modem, self._clock, self._delivery, os.getenv("SIAGA_NUMBERS").split(",")),
        ]

    async def main(self):
        running = asyncio.create_task(self._watch.keep("modem", self.modem.run))
        try:
            await super().main()
        finally:
            running.cancel()


line = open(os.getenv("SIAGA_MODEM"), "r+b")  # noqa: SIM115
pins = open(os.getenv("SIAGA_PINS_LINE"), "w")  # noqa: SIM115
device.Device = CellularButton
for board in boards():
    device.run(board)
