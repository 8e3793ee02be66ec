"""The modem's real drivers under MicroPython. argv: the modem's line, its pins, a file of settings, JSON. What the
owner hears comes out as JSON lines. On stdin: send lte|sms <counter> <hex>, locate 0|1, clock|known <unix>, urgent 0|1,
watchdog <ms>, wanted 0|1, state, close."""

import asyncio
import gc
import json
import os
import sys

from siaga.drivers.bearer import Owner
from siaga.drivers.board_parts import Line, Power
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.simcom import Modem
from siaga.drivers.simcom_client import Broker
from siaga.drivers.simcom_mqtt import Lte
from siaga.drivers.simcom_sim import Access, PinStore
from siaga.drivers.simcom_sms import Sms

LINE, PINS = sys.argv[1], sys.argv[2]
with open(sys.argv[3]) as settings:
    GIVEN = json.load(settings)


def say(**facts):
    print(json.dumps(facts))


class Calendar(Rtc):
    now = 0

    def unix(self):
        return self.now

    def set_unix(self, seconds):
        self.now = seconds


class Wire(Line):
    def __init__(self, name):
        self.name = name

    def value(self, on):
        pins.write(f"{self.name} {on}\n")


class Store(PinStore):
    """Outlives this program, as the flash does."""

    def load(self):
        try:
            with open(GIVEN["store"], "rb") as file:
                return file.read()
        except OSError:
            return b""

    def save(self, record):
        if GIVEN.get("flash") == "worn":
            raise OSError(5)
        with open(GIVEN["store"], "wb") as file:
            file.write(record)
        say(stored=list(record[:1]))


class Told(Owner):
    urgent = False

    def on_bearer(self, bearer, up, why):
        say(bearer=bearer.name, up=up, why=why)

    def on_downlink(self, bearer, payload):
        say(downlink=payload.hex(), on=bearer.name)

    def on_puback(self, bearer, counter):
        say(puback=counter, on=bearer.name)

    def on_rejected(self, why):
        say(rejected=why)

    def is_urgent(self):
        return self.urgent

    def chance(self):
        return int.from_bytes(os.urandom(2), "big")


async def obey(words):
    if words[0] == "send":
        bearer = lte if words[1] == "lte" else sms
        try:
            await bearer.send(int(words[2]), bytes.fromhex(words[3]))
        except Exception as error:
            say(unsent=int(words[2]), why=str(error))
    elif words[0] == "locate":
        modem.receiver.wanted = words[1] == "1"
    elif words[0] == "clock":
        calendar.now = int(words[1])
    elif words[0] == "known":  # by the gateway's answer, just now
        clock.set_unix(int(words[1]), 0)
    elif words[0] == "urgent":
        owner.urgent = words[1] == "1"
        lte.hurry()
        sms.hurry()
    elif words[0] == "close":
        await lte.close()
        say(closed=True)
    elif words[0] == "wanted":
        modem.is_wanted = words[1] == "1"
    elif words[0] == "watchdog":
        lte.watchdog_ms = int(words[1])
    elif words[0] == "state":
        gc.collect()
        say(
            heap=gc.mem_alloc(),
            signal=lte.signal(),
            operator=modem.network.operator,
            cell=modem.network.cell,
            model=modem.model,
            garbage=modem.port.parser.garbage,
        )


async def main():
    tasks = [asyncio.create_task(run()) for run in (modem.run, lte.run, sms.run)]
    stdin = asyncio.StreamReader(sys.stdin.buffer)
    line = b""
    while True:
        letter = await stdin.read(1)
        if not letter:
            break
        if letter == b"\n":
            words, line = line.decode().split(), b""
            await obey(words)
        else:
            line += letter
    for task in tasks:
        task.cancel()
    await asyncio.sleep_ms(0)


pins = open(PINS, "w")  # noqa: SIM115
calendar = Calendar()
clock = Clock(calendar)
owner = Told()
wires = {name: Wire(name) for name in ("power_key", "reset", "supply") if name in GIVEN.get("wires", "power_key reset")}
pace = GIVEN["percent"]
power = Power(wires.get("power_key"), 100, 3000, wires.get("reset"), 2600, wires.get("supply"))
access = Access(store=Store(), **GIVEN.get("access", {}))
modem = Modem(open(LINE, "r+b"), power, clock, owner, access)  # noqa: SIM115
modem.port.percent = pace
modem.on_told = lambda what: say(told=what)
modem.on_complaint = lambda what: say(complaint=what)
modem.receiver.on_position = lambda line: say(position=line.decode())
modem.receiver.every_ms = 50
broker = Broker(
    [tuple(one) for one in GIVEN.get("before", [])] + [(GIVEN.get("host", "localhost"), GIVEN["port"])],
    GIVEN.get("ca", ""),
    GIVEN.get("user", ""),
    GIVEN.get("password", ""),
    "siaga-test",
)
lte = Lte(modem, clock, owner, broker, "00112233445566ff")
sms = Sms(modem, clock, owner, GIVEN.get("numbers", ["+62110", "+62111"]))
asyncio.run(main())
