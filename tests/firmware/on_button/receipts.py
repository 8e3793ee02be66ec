"""What the button answers commands by, for the gateway's own reading of it: the body of each RECEIPT in hex, a line
each, to the three down-counters that are its arguments. The real Commands on the real littlefs: done, refused, failed,
and once more after a restart that lost the answer."""

import asyncio
import binascii
import sys

import vfs
from delivering import Ram
from wishes import Actions

from siaga.app import commands
from siaga.core import frame
from siaga.drivers.clock import Clock, Rtc

DEVICE = b"12345678"
FOLDER = "/side"


def down(counter, code, arguments=b""):
    head = bytes([0x13, 0x82]) + DEVICE + counter.to_bytes(4, "big") + bytes(4)
    return frame.Down(head + bytes([code, len(arguments)]) + arguments + bytes(16))


def receipt(body):
    print(str(binascii.hexlify(body), "ascii"))


def of(test_press):
    actions = Actions(
        lambda: True, lambda: False, lambda: True, lambda: True, test_press, lambda: True, lambda: None, receipt,
        lambda counter: None, lambda: None, lambda what: None, lambda what: None, lambda: "no updates here",
    )  # fmt: skip
    return commands.Commands(FOLDER, DEVICE, actions, Clock(Rtc()))


async def carried_out(button, counter, code, arguments=b""):
    button.on_command(down(counter, code, arguments))
    running = asyncio.create_task(button.run())
    for _ in range(400):
        if not button.is_busy:
            break
        await asyncio.sleep_ms(5)
    running.cancel()
    await asyncio.sleep_ms(0)


async def main():
    done, refused, failed = [int(number) for number in sys.argv[1:]]
    await carried_out(of(lambda: True), done, frame.TEST)
    await carried_out(of(lambda: True), refused, frame.UPGRADE, b"https://example.org/b")
    await carried_out(of(lambda: False), failed, frame.TEST)
    await carried_out(of(lambda: True), failed, frame.TEST)


ram = Ram(24)
vfs.VfsLfs2.mkfs(ram)
vfs.mount(vfs.VfsLfs2(ram, mtime=False), FOLDER)
asyncio.run(main())
