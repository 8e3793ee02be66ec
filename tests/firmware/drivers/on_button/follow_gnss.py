"""Under MicroPython: the real GNSS driver on the line named first, its clock running as many times faster as the second
argument says. Prints its state and fix whenever they change; a line `saved` on stdin prints the record, `quit` ends."""

import asyncio
import binascii
import json
import sys

from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.gnss import Gnss

PATH, SPEED = sys.argv[1], int(sys.argv[2])
RECORD = binascii.unhexlify(sys.argv[3]) if len(sys.argv) > 3 else b""


class FastClock(Clock):
    def ms(self):
        return super().ms() * SPEED


def say(**facts):
    print(json.dumps(facts))


async def asked(gnss):
    stdin = asyncio.StreamReader(sys.stdin.buffer)
    word = b""
    while True:
        letter = await stdin.read(1)
        if letter != b"\n" and letter:
            word += letter
            continue
        if word == b"saved":
            say(saved=binascii.hexlify(gnss.saved()).decode())
        if word == b"quit" or not letter:
            return
        word = b""


async def watch(gnss):
    told = None
    while True:
        fix = gnss.fix()
        now = gnss.state(), fix and fix[:3], gnss.restarts
        if now != told:
            told = now
            say(state=now[0], fix=fix, restarts=now[2], rejected=gnss.rejected)
        await asyncio.sleep_ms(5)


def restart(before):
    raise OSError("the UART takes no other bit rate")


async def main():
    uart = open(PATH, "r+b")  # noqa: SIM115
    gnss = Gnss(uart, FastClock(Rtc()), RECORD, restart)
    tasks = [asyncio.create_task(gnss.run()), asyncio.create_task(watch(gnss))]
    await asked(gnss)
    for task in tasks:
        task.cancel()


asyncio.run(main())
