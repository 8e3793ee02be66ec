"""drivers/wifi_mqtt.py under MicroPython, with real brokers: which of several it is connected to."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from brokers import Mosquitto
from micropython import environment, micropython
from waiting import ENDS_S

RETURNING = """
import asyncio, sys
from siaga.core.first_broker import FirstBroker
from siaga.core.mqtt import Session
from siaga.drivers.bearer import Owner
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.wifi_mqtt import WifiMqtt

class Told(Owner):
    def on_bearer(self, bearer, up, why):
        print("up" if up else why, session.place)
    def is_urgent(self):
        return urgent
    def chance(self):
        return 0

class Wired:
    async def connect(self): pass
    async def resolve(self, host): return [host]
    def is_up(self): return True
    def signal(self): return 0

class Forgetful:
    def address(self, host): return ""
    def keep(self, host, address, named): pass

async def main():
    global urgent
    running = asyncio.create_task(bearer.run())
    stdin = asyncio.StreamReader(sys.stdin.buffer)
    while True:
        line = await stdin.readline()
        if not line:
            break
        urgent = line == b"urgent\\n"
        print("urgent" if urgent else "calm", session.place)
    running.cancel()

urgent = True
session = Session("button", "", "", "down", 2, 1000)
brokers = [("127.0.0.1", %d), ("127.0.0.1", %d)]
bearer = WifiMqtt(Wired(), Clock(Rtc()), Told(), session, "button", brokers, Forgetful(), None, "")
bearer._first = FirstBroker(100)
asyncio.run(main())
"""


def test_a_button_goes_back_to_the_first_broker_once_it_is_there_and_nobody_is_in_need(tmp_path: Path):
    first, second = Mosquitto(tmp_path / "first"), Mosquitto(tmp_path / "second").start()
    program = subprocess.Popen(
        [micropython(), "-c", RETURNING % (first.port, second.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert program.stdin is not None and program.stdout is not None

    def say(word: str) -> None:
        program.stdin.write(f"{word}\n")  # type: ignore[union-attr]
        program.stdin.flush()  # type: ignore[union-attr]

    def until(line: str) -> list[str]:
        said: list[str] = []
        while not said or said[-1] != line:
            said.append(program.stdout.readline().strip())  # type: ignore[union-attr]
            assert said[-1], said
        return said

    watchdog = threading.Timer(ENDS_S, program.kill)
    watchdog.start()
    try:
        until("up 1")
        say("calm")
        until("calm 1")
        first.start()  # until now each look found nobody there, and no link was given up for it
        assert until("up 0")[-2] == "back to the first broker 1"
        first.kill()
        say("urgent")
        until("up 1")
        first.start()
        for _ in range(20):  # it looks ten times a second, and each turn here takes it at least one look
            say("urgent")
            until("urgent 1")
        say("calm")
        assert until("up 0")[0] == "calm 1", "it stayed while somebody was in need"
    finally:
        watchdog.cancel()
        program.kill()
        program.wait(20)
        first.kill()
        second.kill()
