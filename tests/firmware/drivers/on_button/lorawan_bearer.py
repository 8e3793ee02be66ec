"""Under MicroPython: the real LoRaWAN bearer on the line named first, its settings as JSON second, its clock running as
many times faster as the third argument says; the fourth: whether a wire
leads to its RST. stdin: `send <counter> <hex>`, `fail`, `urgent 0|1`, `hurry`, `quit`."""

import asyncio
import binascii
import json
import sys

from siaga.core.errors import SiagaError
from siaga.core.lorawan import LorawanSettings
from siaga.drivers.bearer import Owner
from siaga.drivers.board_parts import Line
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.rak3172 import Rak3172

PATH, SETTINGS, SPEED = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])


def say(**facts):
    print(json.dumps(facts))


class FastClock(Clock):
    def ms(self):
        return super().ms() * SPEED


class Rst(Line):
    def value(self, on):
        say(rst=on)


class Told(Owner):
    urgent = False
    fails = False  # at the next downlink

    def on_bearer(self, bearer, up, why):
        say(up=up, why=why, limit=bearer.policy.limit)

    def on_downlink(self, bearer, payload):
        if self.fails:
            self.fails = False
            raise MemoryError("memory allocation failed")
        say(down=binascii.hexlify(payload).decode(), signal=bearer.signal())

    def on_rejected(self, why):
        say(rejected=why)

    def is_urgent(self):
        return self.urgent

    def chance(self):
        return 0


async def main():
    owner = Told()
    try:
        settings = LorawanSettings(**SETTINGS)
    except SiagaError as error:
        say(refused=str(error))
        return
    uart = open(PATH, "r+b")  # noqa: SIM115
    bearer = Rak3172(uart, FastClock(Rtc()), owner, settings, Rst() if sys.argv[4] == "1" else None)
    task = asyncio.create_task(bearer.run())
    stdin = asyncio.StreamReader(sys.stdin.buffer)
    word = b""
    while True:
        letter = await stdin.read(1)
        if letter and letter != b"\n":
            word += letter
            continue
        words = word.decode().split()
        word = b""
        if not letter or words == ["quit"]:
            break
        if words[0] == "fail":
            owner.fails = True
        elif words[0] == "urgent":
            owner.urgent = words[1] == "1"
        elif words[0] == "hurry":
            bearer.hurry()
        elif words[0] == "send":
            try:
                await bearer.send(int(words[1]), binascii.unhexlify(words[2]))
                say(taken=int(words[1]))
            except SiagaError as error:
                say(not_taken=int(words[1]), why=str(error), limit=bearer.policy.limit)
    task.cancel()
    await asyncio.sleep_ms(0)


asyncio.run(main())
