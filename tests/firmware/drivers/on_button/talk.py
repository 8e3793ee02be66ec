"""Plays commands over a pty under real MicroPython. argv: the pty. Each line on stdin is a JSON list of keyword sets
for AtPort.command; all sets of one line are given at once. One JSON line of outcomes comes back for each."""

import asyncio
import json
import sys

from siaga.core.errors import SiagaError
from siaga.drivers.at_port import AtPort, Listener
from siaga.drivers.clock import Clock, Rtc


class Heard(Listener):
    def __init__(self):
        self.urcs = []

    def on_urc(self, line, payload):
        if line == b"+BAD":
            raise ValueError("bad")
        self.urcs.append([line.decode(), None if payload is None else list(payload)])

    def on_trouble(self, why):
        self.urcs.append(["trouble", why])


async def outcome(port, call):
    if "give_up_ms" in call:
        give_up_ms = call.pop("give_up_ms")
        try:
            return await asyncio.wait_for_ms(outcome(port, call), give_up_ms)
        except asyncio.TimeoutError:  # noqa: UP041  # MicroPython has no other
            return ["given up"]
    if "payload" in call:
        call["payload"] = bytes(call["payload"])
    try:
        return [line.decode() for line in await port.command(**call)]
    except SiagaError as error:
        return {type(error).__name__: str(error)}


async def main():
    heard = Heard()
    port = AtPort(open(sys.argv[1], "r+b"), Clock(Rtc()), heard)  # noqa: SIM115
    reading = asyncio.create_task(port.run())
    for line in sys.stdin:
        calls = json.loads(line)
        if calls == "urcs":
            await asyncio.sleep_ms(100)
            print(json.dumps(heard.urcs))
            heard.urcs = []
            continue
        print(json.dumps(await asyncio.gather(*[outcome(port, call) for call in calls])))
    reading.cancel()


asyncio.run(main())
