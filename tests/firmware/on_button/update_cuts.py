"""Cuts the power at every single program and erase operation of an update, torn ones included: while the bundle comes,
is verified, switched to, tried, confirmed or rolled back, and answered. After each cut the button starts, in the old
firmware or the new one, whole, with its identity and its outbox; and the update comes to its end all the same.

Runs under MicroPython with the real littlefs over a simulated NOR chip, the loader and the app's own code. stdin: two
bundles, in hexadecimal, a line each, the public key before them; argv: what the second does, each of works, raises and
reaches nobody, from the same image with the first.
"""

import asyncio
import binascii
import sys

import siaga_boot
import vfs
from nor import BLOCK, Chip, PowerCut
from wishes import Actions, Wishes

from siaga.app import bundle_download, commands, flash_records, update_command
from siaga.app.firmware_slots import Slots
from siaga.app.identity import Identity
from siaga.app.outbox import Outbox
from siaga.app.restore import load
from siaga.core import frame, p256_verify
from siaga.drivers.clock import Clock, Rtc
from siaga.drivers.http_source import Answer, Source

BLOCKS = 40
ROOT = "/cut"
FOLDER = ROOT + "/state"
URL = b"http://releases.example/b.siaga"
FACTORY = (0, 1, 0)
COUNTER = 7


def remembering(verify):
    """verify(), with the same answer to the same question: the arithmetic is most of what a cut costs."""
    answers = {}

    def verified(public_xy, message, signature):
        asked = bytes(public_xy), bytes(message), bytes(signature)
        if asked not in answers:
            answers[asked] = verify(*asked)
        return answers[asked]

    return verified


p256_verify.verify = remembering(p256_verify.verify)


class Served(Source):
    """A server that knows ranges."""

    def __init__(self, content):
        self.content = content
        self.at = 0

    def is_up(self):
        return True

    async def open(self, url, start):
        self.at = start
        return Answer(start, len(self.content), b"1")

    async def read(self):
        piece = self.content[self.at : self.at + 700]
        self.at += len(piece)
        return piece


def report(number):
    return frame.encode_report(1000 + number, 1, 2, 3, 4, 5, 0, 0)


class Broken(Exception):
    """A firmware that raises at its start."""


class Start:
    """One start of the processor, from the loader on."""

    def __init__(self, served, works):
        self.boot = siaga_boot.Boot(ROOT)
        self.running = self.boot.choose()
        self.version = FACTORY
        if self.running:
            assert self.boot.is_whole(self.running), "what starts is not whole"
            with open(self.boot.path(self.running), "rb") as file:
                self.version = tuple(file.read(8)[5:8])
        bundle_download.VERSION = self.version
        on_trial = self.boot.trial != 0 and self.boot.trial == self.running
        if on_trial and works == "raises":
            raise Broken
        silent = on_trial and works == "reaches nobody"
        self.slots = Slots(self.boot, self.running)
        self.identity = Identity(FOLDER, lambda: b"")
        self.outbox = Outbox(FOLDER + "/outbox", self.identity.device_id, self.identity.counter, 1)
        load(self.outbox, 0)
        self.clock = Clock(Rtc())
        self.served = served
        self.restarted = False
        self.actions = Actions(
            lambda: True,
            lambda: False,
            lambda: not silent,
            lambda: not silent,
            lambda: True,
            lambda: True,
            lambda: None,
            lambda body: self.outbox.keep(frame.RECEIPT, lambda _: body, 0),
            self.outbox.result_of,
            self.restart,
            lambda what: None,
            lambda what: None,
            lambda: "",
        )
        self.commands = commands.Commands(FOLDER, self.identity.device_id, self.actions, self.clock)

        self.commands.proof_ms = 0

    def restart(self):
        self.restarted = True

    def updater(self):
        wishes = Wishes(lambda: True, lambda: 80, lambda: True, lambda what: None, lambda: 0, 15, "simulated", [PUBLIC])
        bringing = bundle_download.Update(FOLDER, self.slots, [Served(self.served)], wishes)
        bringing.between_ms = 0
        return bringing

    async def live(self):
        """Until it restarts, or the command is answered."""
        running = asyncio.create_task(update_command.run(self.commands, self.slots, self.identity, self.updater))
        while not self.restarted and (self.commands.is_busy or self.boot.trial or self.boot.verdict):
            if running.done():
                await running
            await asyncio.sleep_ms(0)
        running.cancel()
        return self.restarted


def live(served, works, first=None):
    """From here to the answer, through as many starts as it takes; how it ended. first: what the first start may be."""
    for _ in range(12):
        try:
            start = Start(served, works)
        except Broken:
            continue
        finally:
            assert first is None or bundle_download.VERSION in first, bundle_download.VERSION
            first = None
        if not asyncio.run(start.live()):
            return start
    raise AssertionError("no end after twelve starts")


def mount(chip):
    vfs.mount(vfs.VfsLfs2(chip, mtime=False), ROOT)


def given(cells):
    """The image with an UPDATE command just received."""
    chip = Chip(cells)
    mount(chip)
    start = Start(b"", "works")
    record = frame.Down(
        bytes([0x13, 0x82])
        + start.identity.device_id
        + COUNTER.to_bytes(4, "big")
        + bytes(4)
        + bytes([frame.UPGRADE, len(URL)])
        + URL
        + bytes(16)
    )
    for entry in [entry for entry in start.outbox.entries if entry.kind == frame.RECEIPT]:
        start.outbox.remove(entry)
    flash_records.remove(FOLDER + "/commands")
    start = Start(b"", "works")
    start.commands.on_command(record)
    vfs.umount(ROOT)
    return chip.cells


def enumerate_cuts(cells, served, works, before, after, result):
    """Update from this image, cut at operation 0, 1, 2, ... until one gets through uncut. How many; the image then."""
    cells = given(cells)
    cut = 0
    while True:
        chip = Chip(cells)
        mount(chip)
        chip.left = cut
        chip.insists = True
        asyncio.new_event_loop()
        try:
            live(served, works)
            whole = True
        except PowerCut:
            whole = False
        chip.insists = False
        vfs.umount(ROOT)
        chip = Chip(chip.cells)
        mount(chip)
        asyncio.new_event_loop()
        # What starts after the cut: one of the two, whole (Start looks), and nothing else is touched.
        boot = siaga_boot.Boot(ROOT)
        assert boot.why == "", boot.why
        end = live(served, works, (before, tuple(served[5:8])))
        assert end.version == after, (cut, end.version)
        look(end, result)
        assert siaga_boot.Boot(ROOT).choose() == end.running
        vfs.umount(ROOT)
        if whole:
            return cut, chip.cells
        cut += 1


def look(end, result):
    assert end.identity.device_id == DEVICE and end.identity.fresh == ""
    presses = {entry.counter: entry.body for entry in end.outbox.entries if entry.kind == frame.PRESS}
    assert presses == PRESSES and end.outbox.rejected == 0 and end.outbox.dropped == 0
    receipts = {bytes(entry.body) for entry in end.outbox.entries if entry.kind == frame.RECEIPT}
    assert receipts == {frame.encode_receipt(COUNTER, result)}, receipts
    assert end.boot.trial == 0 and end.boot.verdict == 0


PUBLIC = binascii.unhexlify(sys.stdin.readline().strip())
FIRST, SECOND = [binascii.unhexlify(sys.stdin.readline().strip()) for _ in range(2)]
blank = Chip(b"\xff" * (BLOCK * BLOCKS))
vfs.VfsLfs2.mkfs(blank)
mount(blank)
flash_records.make_folder(FOLDER)
start = Start(b"", "works")
DEVICE = start.identity.device_id
PRESSES = {}
for _ in range(3):
    entry = start.outbox.keep(frame.PRESS, report, 0)
    PRESSES[entry.counter] = entry.body
vfs.umount(ROOT)
first, cells = enumerate_cuts(blank.cells, FIRST, "works", FACTORY, (0, 2, 0), frame.RESULT_DONE)
print("survived works factory to slot", first)
for works in sys.argv[1:]:
    after, result = ((0, 3, 0), frame.RESULT_DONE) if works == "works" else ((0, 2, 0), frame.RESULT_FAILED)
    second, _ = enumerate_cuts(cells, SECOND, works, (0, 2, 0), after, result)
    print("survived", works, "slot to slot", second)
