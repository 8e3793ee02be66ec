"""What an update waits for, what it refuses, and how it goes on: app/bundle_download.py with a server that misbehaves.
stdin:
the public key and two bundles of the same version, in hexadecimal, a line each."""

import asyncio
import binascii
import sys

import siaga_boot
import vfs
from nor import BLOCK, Chip
from wishes import Wishes

from siaga.app import bundle_download, flash_records
from siaga.app.firmware_slots import Slots
from siaga.core.bundle import BundleError
from siaga.core.errors import SiagaError
from siaga.drivers.http_source import Answer, HttpError, Source

ROOT = "/room"
URL = "http://releases.example/b.siaga"


class Server(Source):
    """breaks: after so many bytes of each answer, in turn. ranges: whether it knows them. refuse: raised at open."""

    def __init__(self, content):
        self.content = content
        self.validator = b"1"
        self.breaks = []
        self.ranges = True
        self.refuse = None
        self.tells_total = True
        self.on_read = None
        self.asked = []
        self._at = self._end = 0

    def is_up(self):
        return True

    async def open(self, url, start):
        self.asked.append(start)
        if self.refuse:
            raise self.refuse
        if start >= len(self.content):
            error = HttpError("416")
            error.is_beyond = True
            raise error
        self._at = start = start if self.ranges else 0
        self._end = start + self.breaks.pop(0) if self.breaks else len(self.content)
        return Answer(start, len(self.content) if self.tells_total else -1, self.validator)

    async def read(self):
        if self.on_read:
            self.on_read(self._at)
        if self._at >= self._end and self._end < len(self.content):
            raise OSError(104)
        piece = self.content[self._at : min(self._at + 1000, self._end)]
        self._at += len(piece)
        return piece


class Button:
    """What the update sees of it."""

    def __init__(self, server, board="t_a7670", version=(0, 1, 0)):
        self.calm = True
        self.percent = 80
        self.mains = False
        self.told = []
        bundle_download.VERSION = version
        self.slots = Slots(siaga_boot.Boot(ROOT), 0)
        wishes = Wishes(
            lambda: self.calm,
            lambda: self.percent,
            lambda: self.mains,
            self.told.append,
            lambda: 0,
            15,
            board,
            [PUBLIC],
        )
        self.update = bundle_download.Update(ROOT, self.slots, [server], wishes)
        self.update.first_ms = 1
        self.update.between_ms = 0

    def bring(self, meanwhile=None):
        async def both():
            task = asyncio.create_task(self.update.bring(URL))
            if meanwhile is not None:
                await meanwhile()
            return await asyncio.wait_for(task, 20)

        asyncio.new_event_loop()
        return asyncio.run(both())

    def is_clean(self):
        return self.slots.size(1) == 0 and flash_records.read_file(ROOT + "/update") is None


def refused(button, why, kind=BundleError):
    try:
        button.bring()
    except kind as error:
        assert why in str(error), error
        assert button.is_clean(), "something is left"
        return
    raise AssertionError("taken, though: " + why)


def wipe():
    for name in ("/update", "/siaga-a", "/siaga-b", "/siaga-boot"):
        flash_records.remove(ROOT + name)


def it_goes_on_from_where_it_was_broken_off():
    server = Server(FIRST)
    server.breaks = [1000, 3500, 4096, 1]
    button = Button(server)
    digest = button.bring()
    assert server.asked == [0, 1000, 4500, 8596, 8597] and len(digest) == 32
    button.slots.switch(1, digest)
    assert siaga_boot.Boot(ROOT).choose() == 1


def a_server_without_ranges_is_read_from_the_beginning_and_nothing_is_written_twice():
    for total in (True, False):
        wipe()
        server = Server(FIRST)
        server.ranges, server.breaks, server.tells_total = False, [5000], total
        button = Button(server)
        button.bring()
        assert server.asked == [0, 5000] and flash_records.read_file(ROOT + "/siaga-a") == FIRST


def a_file_that_changes_is_begun_anew():
    server = Server(FIRST)
    server.breaks = [5000]

    def change(at):
        if at == 5000 and server.content is FIRST:
            server.content, server.validator = SECOND, b"2"

    server.on_read = change
    button = Button(server)
    button.bring()
    assert server.asked == [0, 5000, 0] and flash_records.read_file(ROOT + "/siaga-a") == SECOND
    # Without anything to tell them apart the mixture is found out, and one more try is made.
    wipe()
    server = Server(FIRST)
    server.validator, server.breaks = b"", [5000]

    def change_in_secret(at):
        if at == 5000:
            server.content = SECOND

    server.on_read = change_in_secret
    Button(server).bring()
    assert flash_records.read_file(ROOT + "/siaga-a") == SECOND and server.asked == [0, 5000, 0]
    wipe()
    server = Server(FIRST)
    server.breaks = [5000]
    server.on_read = lambda at: setattr(server, "content", FIRST[:4000]) if at == 5000 else None
    refused(Button(server), "ends after 4000 bytes")
    # One that never stays the same is given up.
    server = Server(FIRST)
    count = [0]

    def change_always(at):
        count[0] += 1
        server.validator = b"%d" % count[0]

    server.on_read = change_always
    server.breaks = [2000] * 50
    refused(Button(server), "changes all the time")


def what_is_not_for_this_button_is_refused_early():
    for content, others, why in (
        (FIRST, {"board": "t_sim7600"}, "this is a t_sim7600"),
        (FIRST, {"version": (0, 2, 0)}, "not newer"),
        (FIRST, {"version": (1, 0, 0)}, "not newer"),
        (FIRST[:-1] + bytes([FIRST[-1] ^ 1]), {}, "signature"),
        (FIRST[:500] + bytes([FIRST[500] ^ 1]) + FIRST[501:], {}, "changed"),
        (FIRST[:-70], {}, "ends after"),
        (b"<html></html>" * 9, {}, "no bundle"),
    ):
        refused(Button(Server(content), **others), why)
    server = Server(FIRST)
    button = Button(server)
    flash_records.write_file(ROOT + "/filler", bytes(80 * 1024))
    refused(button, "no room")
    flash_records.remove(ROOT + "/filler")


def what_cannot_be_had_is_given_up():
    server = Server(FIRST)
    server.refuse = HttpError("404")
    server.refuse.is_final = True
    refused(Button(server), "cannot be had", SiagaError)
    assert len(server.asked) == 3


def an_incident_and_an_empty_battery_are_waited_out():
    server = Server(FIRST)
    button = Button(server)
    button.calm = False
    seen = []

    async def later():
        await asyncio.sleep_ms(30)
        seen.append(list(server.asked))
        button.calm = True
        while not server.asked:
            await asyncio.sleep_ms(5)

    def press(at):
        if at == 6000 and len(server.asked) == 1:
            button.calm = False

    async def press_is_over():
        await later()
        while button.calm:
            await asyncio.sleep_ms(1)
        await asyncio.sleep_ms(30)
        seen.append(list(server.asked))
        button.percent = 29  # the bundle wants 30
        button.calm = True
        await asyncio.sleep_ms(600)
        seen.append(list(server.asked))
        button.mains = True

    server.on_read = press
    button.bring(press_is_over)
    assert seen == [[], [0], [0]] and server.asked == [0, 7000], (seen, server.asked)
    assert len([what for what in button.told if "an incident" in what]) == 1, button.told


PUBLIC = binascii.unhexlify(sys.stdin.readline().strip())
FIRST, SECOND = [binascii.unhexlify(sys.stdin.readline().strip()) for _ in range(2)]
chip = Chip(b"\xff" * (BLOCK * 40))
vfs.VfsLfs2.mkfs(chip)
vfs.mount(vfs.VfsLfs2(chip, mtime=False), ROOT)
for check in (
    it_goes_on_from_where_it_was_broken_off,
    a_server_without_ranges_is_read_from_the_beginning_and_nothing_is_written_twice,
    a_file_that_changes_is_begun_anew,
    what_is_not_for_this_button_is_refused_early,
    what_cannot_be_had_is_given_up,
    an_incident_and_an_empty_battery_are_waited_out,
):
    wipe()
    check()
    print("holds:", check.__name__)
