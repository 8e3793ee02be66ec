"""Delivery with bearers that misbehave, on a real littlefs: one whose send hangs holds up none of the others, one that
fails is told of, and a signature that is owed leaves only with an acknowledgement that must be its own.

The bearers are hand-written; so is what the gateway says, under the real keys."""

import asyncio

import vfs

from siaga.app import delivery as delivering
from siaga.app.board import Board
from siaga.app.delivery import Delivery
from siaga.app.identity import Identity
from siaga.app.left import load
from siaga.app.outbox import SETTLE_S, Outbox
from siaga.core import frame, mac, p256
from siaga.core.bearers import Link
from siaga.drivers.bearer import Bearer
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.indicator import Lamp

BLOCK = 4096
GATEWAY = p256.private_from(b"g" * 48)
NOW = 1900000000


class Ram:
    def __init__(self, blocks):
        self.cells = bytearray(b"\xff" * (BLOCK * blocks))
        self.blocks = blocks

    def readblocks(self, block, buffer, offset=0):
        start = block * BLOCK + offset
        buffer[:] = self.cells[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=0):
        start = block * BLOCK + offset
        self.cells[start : start + len(buffer)] = buffer

    def ioctl(self, op, arg):
        return {4: self.blocks, 5: BLOCK}.get(op, 0)


class SkippingClock(Clock):
    """Goes on by itself, and by whatever a test adds."""

    ahead = 0

    def ms(self):
        return super().ms() + self.ahead


class Told(Board):
    def __init__(self):
        super().__init__(Rtc(), Lamp(), None)
        self.said = []

    def tell(self, event, facts):
        self.said.append((event, facts))

    def steps(self, counter):
        return [facts["step"] for event, facts in self.said if event == "frame" and facts["counter"] == counter]

    def what(self, event):
        return [facts["what"] for name, facts in self.said if name == event]


class Mouth(Bearer):
    """A bearer whose send does what it was told."""

    def __init__(self, name, limit=65535, does=None):
        self.name = name
        self.policy = Link(False, limit)
        self.does = does
        self.sent = []
        self.news = asyncio.Event()

    async def send(self, counter, payload):
        self.sent.append(payload)
        self.news.set()
        if self.does is not None:
            await self.does()

    async def next(self):
        await asyncio.wait_for(self.news.wait(), 20)
        self.news.clear()
        return self.sent[-1]


async def hang():
    await asyncio.Event().wait()


async def fail():
    raise ValueError("a driver's mistake")


class House:
    def __init__(self, *bearers):
        ram = Ram(24)
        vfs.VfsLfs2.mkfs(ram)
        vfs.mount(vfs.VfsLfs2(ram, mtime=False), "/side")
        self.board = Told()
        self.clock = SkippingClock(self.board.rtc)
        self.identity = Identity("/side", lambda: b"")
        self.identity.meet(p256.public_key(GATEWAY))
        self.outbox = Outbox("/side/outbox", self.identity.device_id, self.identity.counter, len(bearers))
        self.acks = []
        self.delivery = Delivery(
            self.board, self.clock, self.identity, self.outbox, self.on_ack, lambda down: None, lambda: None
        )
        self.delivery.bearers = list(bearers)

    def on_ack(self, entry, kind, counter, stage, eta):
        self.acks.append((entry is not None, counter, stage))

    def __enter__(self):
        self.task = asyncio.create_task(self.delivery.run())
        return self

    def __exit__(self, *_):
        self.task.cancel()
        vfs.umount("/side")

    def up(self, *bearers):
        for bearer in bearers:
            bearer.policy.up = True
            self.delivery.on_bearer(bearer, True, "")

    def press(self, flags=0):
        entry = self.outbox.keep(
            frame.PRESS, lambda _: frame.encode_report(0, 1, 1, 1, 0, 50, flags, 0), self.clock.ms()
        )
        self.delivery.kept(frame.PRESS)
        return entry

    def later(self, ms):
        self.clock.ahead += ms
        self.delivery.kept(frame.CHECKIN)

    def say(self, bearer, press, stage, time):
        counter = press.counter
        made = bytes([0x13, 0x81]) + self.identity.device_id + counter.to_bytes(4, "big") + time.to_bytes(4, "big")
        made += bytes([stage, 255])
        covered = b"siaga/1 down" + made + frame.event_digest(press.kind, counter, press.body)
        self.delivery.on_downlink(bearer, made + mac.hmac_sha256(self.identity.mac_down, covered)[:16])


async def a_bearer_that_hangs_holds_up_no_other():
    stuck, good = Mouth("stuck", does=hang), Mouth("good")
    with House(stuck, good) as house:
        house.up(stuck, good)
        press = house.press()
        await stuck.next()
        house.later(5000)
        assert (await good.next())[10:14] == press.counter.to_bytes(4, "big")
        second = house.press()
        house.later(5000)
        seen = set()
        while second.counter not in seen:
            seen.add(int.from_bytes((await good.next())[10:14], "big"))
        assert len(stuck.sent) == 1, "one frame at a time"
        house.later(delivering._SEND_MS)
        await stuck.next()
        assert len(stuck.sent) == 2 and "bearer stuck hangs over a frame" in house.board.what("error")
        assert house.outbox.entries == [press, second]


async def a_driver_s_mistake_stops_nothing():
    bad, good = Mouth("bad", does=fail), Mouth("good")
    with House(bad, good) as house:
        house.up(bad, good)
        house.press()
        await bad.next()
        house.later(5000)
        await good.next()
        house.later(20000)
        await bad.next()
        assert any("a driver's mistake" in what for what in house.board.what("error"))


async def a_press_by_a_narrow_bearer_owes_its_signature():
    narrow, wide = Mouth("narrow", 53), Mouth("wide")
    with House(narrow, wide) as house:
        house.up(narrow)
        press = house.press()
        assert len(await narrow.next()) == 43
        house.say(narrow, press, 1, NOW)
        assert house.acks == [(True, press.counter, 1)] and house.outbox.entries == []
        assert house.outbox.owed == [press] and not house.delivery.is_urgent()
        house.up(wide)
        house.say(wide, press, 1, NOW + SETTLE_S)  # nothing was handed over that this could answer
        house.later(SETTLE_S * 1000)
        signed = await wide.next()
        assert len(signed) == 99 and signed[14:35] == press.body
        for stage, time in ((1, NOW), (1, NOW + SETTLE_S - 1), (2, NOW + 900), (5, NOW + 900)):
            house.say(wide, press, stage, time)
            assert house.outbox.owed == [press], (stage, time)
        assert [ack[0] for ack in house.acks[1:]] == [False] * 5, "to the alarm it is nothing that waited"
        house.later(60000)
        assert await wide.next() == signed, "again, until it is answered"
        house.say(narrow, press, 1, NOW + SETTLE_S)
        assert house.outbox.owed == [] and house.board.steps(press.counter)[-1] == "witnessed"
        again = Outbox("/side/outbox", house.identity.device_id, house.identity.counter, 2)
        load(again, 0)
        assert again.entries == [] and again.owed == []


async def what_owes_nothing():
    narrow, wide = Mouth("narrow", 53), Mouth("wide")
    with House(narrow, wide) as house:
        house.up(narrow)
        test = house.press(frame.FLAG_TEST)
        await narrow.next()
        house.say(narrow, test, 6, NOW)
        narrow.policy.up = False
        house.up(wide)
        long = house.press()
        assert len(await wide.next()) == 99
        house.say(wide, long, 1, NOW)
        assert house.outbox.entries == [] and house.outbox.owed == []
        waiting = house.press()
        again = Outbox("/side/outbox", house.identity.device_id, house.identity.counter, 2)
        load(again, 0)
        assert [entry.counter for entry in again.entries] == [waiting.counter] and again.entries[0].short


for check in (
    a_bearer_that_hangs_holds_up_no_other,
    a_driver_s_mistake_stops_nothing,
    a_press_by_a_narrow_bearer_owes_its_signature,
    what_owes_nothing,
):
    asyncio.run(check())
    asyncio.new_event_loop()
    print("holds:", check.__name__)
