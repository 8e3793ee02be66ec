"""Under MicroPython, against a real broker on the port named first: what watches the MQTT link goes on where something
that it asks fails. A line for each thing that holds."""

import asyncio
import sys

from siaga.core.mqtt import Session
from siaga.drivers.bearer import Owner
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.parts import Network
from siaga.drivers.wifi_mqtt import WifiMqtt

PORT = int(sys.argv[1])


class Wifi(Network):
    """failures: how often it cannot say whether it is up. up: what it says then."""

    failures = 0
    up = True

    def is_up(self):
        if self.failures:
            self.failures -= 1
            raise OSError("Wifi Internal Error")
        return self.up

    async def resolve(self, host):
        return [host]


class Known:
    def address(self, host):
        return ""

    def keep(self, host, address, named):
        pass


class Told(Owner):
    def __init__(self):
        self.said = []
        self.news = asyncio.Event()

    def on_bearer(self, bearer, up, why):
        self.said.append((up, why))
        self.news.set()

    def is_urgent(self):
        return True

    async def until(self, up):
        while not self.said or self.said[-1][0] != up:
            self.news.clear()
            await asyncio.wait_for_ms(self.news.wait(), 20000)
        return self.said[-1][1]


class Wanting(Session):
    """wants: memory, the next time that it looks what is due."""

    wants = False

    def due(self, now_ms):
        if self.wants:
            self.wants = False
            raise MemoryError("memory allocation failed")
        return super().due(now_ms)


async def linked(check):
    wifi, owner, session = Wifi(), Told(), Wanting("watched", "", "", "down")
    bearer = WifiMqtt(wifi, Clock(Rtc()), owner, session, "watched", [("127.0.0.1", PORT)], Known(), None, "")
    running = asyncio.create_task(bearer.run())
    await owner.until(True)
    await check(wifi, owner, session)
    running.cancel()
    await asyncio.sleep_ms(10)
    print("holds:", check.__name__)


async def a_network_that_cannot_say_is_asked_again(wifi, owner, session):
    wifi.failures, wifi.up = 3, False
    assert await owner.until(False) == "the network is gone"


async def a_link_that_nobody_watches_is_made_anew(wifi, owner, session):
    session.wants = True
    assert "memory" in await owner.until(False)
    await owner.until(True)


async def main():
    await linked(a_network_that_cannot_say_is_asked_again)
    await linked(a_link_that_nobody_watches_is_made_anew)


asyncio.run(main())
