"""The real driver for calls under MicroPython, with the real life of a press. argv: the modem's line, its pins, a file
of settings, JSON. JSON lines come out. On stdin: press, test, acknowledge <stage>, cancel 0|1 (1 = forced), want
<repair>, send <hex>, state."""

import asyncio
import gc
import json
import os
import sys

from siaga.core import alarm, frame
from siaga.drivers.bearer import Owner
from siaga.drivers.board_parts import Line, Power
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.simcom import Modem
from siaga.drivers.simcom_sim import Access
from siaga.drivers.simcom_sms import Sms
from siaga.drivers.simcom_voice import Voice

with open(sys.argv[3]) as settings:
    GIVEN = json.load(settings)


def say(**facts):
    print(json.dumps(facts))


class Wire(Line):
    def __init__(self, name):
        self.name = name

    def value(self, on):
        pins.write(f"{self.name} {on}\n")


class Told(Owner):
    def on_bearer(self, bearer, up, why):
        say(bearer=bearer.name, up=up, why=why)

    def on_puback(self, bearer, counter):
        say(puback=counter, on=bearer.name)

    def chance(self):
        return int.from_bytes(os.urandom(2), "big")


class Hand:
    """What Device does with the alarm, as far as calls see it."""

    def __init__(self):
        self.counter = 0
        self.state = alarm.State()
        voice.on_state(self.state)

    def step(self, *event):
        self.state, _ = alarm.next_state(self.state, event, clock.ms())
        voice.on_state(self.state)

    def keep(self, kind, marked):
        self.counter += 1
        self.step(alarm.STORED, kind, self.counter, marked)

    async def ticks(self):
        while True:
            self.step(alarm.TICK, alarm.NO_FIX, False)
            await asyncio.sleep_ms(50)


async def obey(words):
    if words[0] == "press":
        hand.keep(frame.PRESS, False)
    elif words[0] == "test":
        hand.keep(frame.PRESS, True)
    elif words[0] == "cancel":
        hand.keep(frame.CANCEL, words[1] == "1")
    elif words[0] == "acknowledge":
        hand.step(alarm.ACKED, frame.PRESS, hand.counter, int(words[1]), None, 0)
    elif words[0] == "want":
        modem.want(int(words[1]), "the test wants it")
    elif words[0] == "send":
        await sms.send(99, bytes.fromhex(words[1]))
    elif words[0] == "state":
        gc.collect()
        say(phase=voice.calls.phase, busy=voice.calls.busy, heap=gc.mem_alloc(), repair=modem.last_repair)


async def main():
    tasks = [asyncio.create_task(run()) for run in (modem.run, sms.run, voice.run, hand.ticks)]
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


pins = open(sys.argv[2], "w")  # noqa: SIM115
clock = Clock(Rtc())
power = Power(Wire("power_key"), 100, 3000, Wire("reset"), 2600)
modem = Modem(open(sys.argv[1], "r+b"), power, clock, Told(), Access())  # noqa: SIM115
modem.port.percent = GIVEN["percent"]
modem.on_told = lambda what: say(told=what)
sms = Sms(modem, clock, modem._owner, ["+62110"])
numbers = GIVEN.get("call_number", "+6272100110"), GIVEN.get("answers", ["+6281200000110"])
voice = Voice(modem, clock, lambda step, why: say(call=step, why=why), *numbers, GIVEN.get("allowed", True))
voice.calls.wait_ms = GIVEN.get("wait_ms", 30000)
hand = Hand()
asyncio.run(main())
