"""Under MicroPython, against a real broker on the port named first: what watches a link, reads a line or keeps a task
goes on where something that it asks fails. A line for each thing that holds."""

import asyncio
import io
import sys

from siaga.app.supervision import Supervision
from siaga.core.mqtt import Session
from siaga.drivers.at_port import AtPort
from siaga.drivers.at_port import Listener as AtListener
from siaga.drivers.bearer import Owner
from siaga.drivers.board_parts import Network
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.rui3_line import Listener as RuiListener
from siaga.drivers.rui3_line import Rui3Line
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


class FakeKnownHosts:
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
    bearer = WifiMqtt(wifi, Clock(Rtc()), owner, session, "watched", [("127.0.0.1", PORT)], FakeKnownHosts(), None, "")
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


class Wants:
    """A line on which something that is no error of the line goes wrong, once; then it says what it has to say."""

    def __init__(self, words):
        self._words = words
        self._failed = False

    async def _next(self):
        if not self._failed:
            self._failed = True
            raise MemoryError("memory allocation failed")
        if not self._words:
            await asyncio.sleep(3600)
        words, self._words = self._words, b""
        return words

    async def readinto(self, chunk):
        words = await self._next()
        chunk[: len(words)] = words
        return len(words)

    async def read(self, length):
        return await self._next()


class Heard(AtListener, RuiListener):
    def __init__(self):
        self.lines = []
        self.troubles = 0

    def on_urc(self, line, payload):
        self.lines.append(line)

    def on_received(self, line):
        self.lines.append(line)

    def on_trouble(self, why):
        self.troubles += 1


async def a_serial_line_is_read_on(kind, words):
    heard = Heard()
    line = kind(io.BytesIO(), Clock(Rtc()), heard)
    line._stream = Wants(words)
    running = asyncio.create_task(line.run())
    for _ in range(300):
        await asyncio.sleep_ms(10)
        if heard.lines:
            break
    running.cancel()
    await asyncio.sleep_ms(10)
    assert len(heard.lines) == 1 and heard.troubles == 1, heard.lines
    print("holds:", kind.__name__)


class Kept:
    """As much of Supervision as keep() asks for."""

    ending = False
    _outbox = None
    _died = 0
    deaths = 0

    def _tell_death(self, name, cause):
        self.deaths += 1


async def a_task_that_was_cancelled_from_inside_is_started_again():
    """asyncio's wait_for can let another task's cancellation out."""
    kept, starts = Kept(), []

    async def start():
        starts.append(1)
        if len(starts) == 1:
            raise asyncio.CancelledError
        await asyncio.sleep(3600)

    running = asyncio.create_task(Supervision.keep(kept, "some", start))
    await asyncio.sleep_ms(1500)
    assert len(starts) == 2 and kept.deaths == 1, len(starts)
    kept.ending = True
    running.cancel()
    await asyncio.sleep_ms(10)
    assert running.done() and len(starts) == 2
    print("holds: a_task_that_was_cancelled_from_inside_is_started_again")


async def main():
    await a_task_that_was_cancelled_from_inside_is_started_again()
    await a_serial_line_is_read_on(AtPort, b"\r\n+CMTI: 3\r\n")
    await a_serial_line_is_read_on(Rui3Line, b"+EVT:RX_1:-70:8:UNICAST:2:01\r\n")
    await linked(a_network_that_cannot_say_is_asked_again)
    await linked(a_link_that_nobody_watches_is_made_anew)


asyncio.run(main())
