"""A file through the modem's own HTTP. argv: the modem's line, its pins, a file of settings, JSON. On stdin:
get <from> <url>, stop after <bytes>, quit. Each get ends with one JSON line."""

import asyncio
import binascii
import hashlib
import json
import os
import sys

from siaga.drivers.bearer import Owner
from siaga.drivers.board_parts import Line, Power
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.simcom import Modem
from siaga.drivers.simcom_http import ModemHttp
from siaga.drivers.simcom_sim import Access

LINE, PINS = sys.argv[1], sys.argv[2]
with open(sys.argv[3]) as settings:
    GIVEN = json.load(settings)


def say(**facts):
    print(json.dumps(facts))


class Wire(Line):
    def __init__(self, name):
        self.name = name

    def value(self, on):
        pins.write(f"{self.name} {on}\n")


class Nobody(Owner):
    def chance(self):
        return int.from_bytes(os.urandom(2), "big")


async def get(start, url):
    whole = hashlib.sha256()
    came = 0
    longest = 0
    try:
        answer = await source.open(url, start)
        while True:
            piece = await source.read()
            if not piece:
                break
            came += len(piece)
            longest = max(longest, len(piece))
            whole.update(piece)
    except Exception as error:
        say(got=came, failed=str(error), kind=type(error).__name__, final=getattr(error, "is_final", None))
        return
    finally:
        await source.close()
    say(
        got=came,
        start=answer.start,
        total=answer.total,
        validator=answer.validator.decode(),
        longest=longest,
        sha=binascii.hexlify(whole.digest()).decode(),
    )


async def main():
    running = asyncio.create_task(modem.run())
    while not source.is_up():
        await asyncio.sleep_ms(20)
    say(up=True)
    stdin = asyncio.StreamReader(sys.stdin.buffer)
    line = b""
    while True:
        letter = await stdin.read(1)
        if not letter:
            break
        if letter != b"\n":
            line += letter
            continue
        words, line = line.decode().split(), b""
        await get(int(words[1]), words[2])
    running.cancel()


pins = open(PINS, "w")  # noqa: SIM115
clock = Clock(Rtc())
power = Power(Wire("power_key"), 100, 3000, Wire("reset"), 2600)
modem = Modem(open(LINE, "r+b"), power, clock, Nobody(), Access())  # noqa: SIM115
modem.port.percent = GIVEN["percent"]
source = ModemHttp(modem, clock, GIVEN["ca"])
asyncio.run(main())
