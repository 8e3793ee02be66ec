"""A real Delivery on a real littlefs in memory, for tests of what it does with bearers. The gateway's words are made by
hand, under the real keys."""

import asyncio

import vfs

from siaga.app.board import Board
from siaga.app.checkin_proof import CheckinProof
from siaga.app.delivery import Delivery
from siaga.app.identity import Identity
from siaga.app.outbox import Outbox
from siaga.app.rtc_memory import RtcMemory
from siaga.core import frame, hmac, p256
from siaga.core.bearer_policy import Link
from siaga.drivers.bearer import Bearer
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.indicator import Lamp

BLOCK = 4096
GATEWAY = p256.private_from(b"g" * 48)


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


class Calendar(Rtc):
    """Stands still, but for what a test adds."""

    passed_s = 1000

    def seconds(self):
        return self.passed_s


class Told(Board):
    folder = "/side"

    def __init__(self):
        super().__init__(Calendar(), Lamp(), None)
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


class DeliveryHarness:
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
        self.memory = RtcMemory(self.board)
        self.proof = CheckinProof(self.board.rtc, self.memory, False)
        self.delivery = Delivery(
            self.board,
            self.clock,
            self.identity,
            self.outbox,
            self.proof,
            self.on_ack,
            lambda down: None,
            lambda: None,
        )
        self.delivery.bearers = list(bearers)

    def on_ack(self, entry, kind, counter, stage, eta, told_s):
        self.acks.append((entry is not None, counter, stage))

    def __enter__(self):
        self.task = asyncio.create_task(self.delivery.run())
        return self

    def __exit__(self, *_):
        self.task.cancel()
        self.unmount()

    def unmount(self):
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

    def check_in(self, flags=0):
        entry = self.outbox.keep(
            frame.CHECKIN, lambda _: frame.encode_report(0, 1, 1, 1, 0, 50, flags, 0) + b"\0" * 8, self.clock.ms()
        )
        self.delivery.kept(frame.CHECKIN)
        return entry

    def later(self, ms):
        self.clock.ahead += ms
        self.delivery.kept(frame.CHECKIN)

    def say(self, bearer, press, stage, time):
        counter = press.counter
        made = bytes([0x13, 0x81]) + self.identity.device_id + counter.to_bytes(4, "big") + time.to_bytes(4, "big")
        made += bytes([stage, 255])
        covered = b"siaga/1 down" + made + frame.event_digest(press.kind, counter, press.body)
        self.delivery.on_downlink(bearer, made + hmac.hmac_sha256(self.identity.mac_down, covered)[:16])
