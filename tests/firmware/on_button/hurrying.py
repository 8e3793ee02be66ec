"""Delivery and the real bearers: a press that waits ends every pause between two tries, and shortens those that begin
while it waits. Without a word from Delivery a pause is up to a minute by Wi-Fi and LTE, two by text message, an hour by
LoRaWAN. The clock stands still, so that nothing else ends one. A line for each thing that holds."""

import asyncio
import io

from delivering import DeliveryHarness

from siaga.core import frame
from siaga.core.lorawan import LorawanSettings
from siaga.core.mqtt import Session
from siaga.drivers.board_parts import Network
from siaga.drivers.rak3172 import Rak3172
from siaga.drivers.simcom import Modem
from siaga.drivers.simcom_mqtt import Lte
from siaga.drivers.simcom_sms import Sms
from siaga.drivers.wifi_mqtt import WifiMqtt

FAILURES = 12


class Port:
    percent = 100

    def scaled(self, ms):
        return ms


class Ladder:
    failures = FAILURES


class PausingModem(Modem):
    """As much of the modem as its own pause asks for; nothing of it talks to silicon."""

    def __init__(self, clock, owner):
        self.clock = clock
        self.port = Port()
        self.listeners = []
        self._owner = owner
        self._ladder = Ladder()
        self._hurried = False


class StillHarness(DeliveryHarness):
    """kinds: makes a bearer of (clock, owner)."""

    def __init__(self, kind):
        super().__init__(None)
        self.clock.ms = lambda: self.clock.ahead  # stands still
        self.delivery.chance = lambda: 65535
        self.modem = PausingModem(self.clock, self.delivery)
        self.bearer = kind(self)
        self.delivery.bearers = [self.bearer]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unmount()


def wifi(harness):
    session = Session("device", "", "", "down")
    return WifiMqtt(Network(), harness.clock, harness.delivery, session, "device", [("127.0.0.1", 1)], None, None, "")


def lte(harness):
    return Lte(harness.modem, harness.clock, harness.delivery, None, "device")


def messages(harness):
    return Sms(harness.modem, harness.clock, harness.delivery, ["+620000000001"])


def lorawan(harness):
    settings = LorawanSettings("0" * 32)
    return Rak3172(io.BytesIO(), harness.clock, harness.delivery, settings)


async def ended(task):
    """Whether it ends while the clock stands as it does."""
    for _ in range(20):
        await asyncio.sleep_ms(20)
        if task.done():
            return True
    return False


def pause(harness, failures):
    bearer = harness.bearer
    return asyncio.create_task(bearer._pause(failures, 0) if isinstance(bearer, Rak3172) else bearer._pause(failures))


async def a_press_ends_the_pause(kind):
    with StillHarness(kind) as harness:
        task = pause(harness, FAILURES)
        harness.delivery.kept(frame.CHECKIN)
        assert not await ended(task), "a check-in has time"
        harness.press()
        assert await ended(task)
        print("holds: a press ends the pause of", harness.bearer.name)


async def a_pause_that_begins_while_a_press_waits_is_short(kind, longest_ms, urgent_ms):
    with StillHarness(kind) as harness:
        entry = harness.press()
        task = pause(harness, FAILURES)
        harness.clock.ahead += urgent_ms // 2 - 1
        assert not await ended(task)
        harness.clock.ahead += urgent_ms
        assert await ended(task)
        harness.outbox.remove(entry)
        task = pause(harness, FAILURES)
        harness.clock.ahead += longest_ms // 2 - 1
        assert not await ended(task), "nothing waits: it is as long as it is"
        harness.clock.ahead += longest_ms
        assert await ended(task)
        print("holds: while a press waits the pause is short of", harness.bearer.name)


async def a_press_ends_the_modem_s_own_pause():
    with StillHarness(lte) as harness:
        task = asyncio.create_task(harness.modem._pause())
        assert not await ended(task)
        harness.press()
        assert await ended(task)
        print("holds: a press ends the modem's own pause")


async def main():
    for kind, longest_ms, urgent_ms in (
        (wifi, 60000, 4000),
        (lte, 60000, 4000),
        (messages, 120000, 4000),
        (lorawan, 3600000, 15000),
    ):
        await a_press_ends_the_pause(kind)
        await a_pause_that_begins_while_a_press_waits_is_short(kind, longest_ms, urgent_ms)
    await a_press_ends_the_modem_s_own_pause()


asyncio.run(main())
