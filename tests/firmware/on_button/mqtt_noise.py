"""20,000 garbled broker streams into the parser, on the chip's heap."""

import gc
import random

from siaga.core.mqtt import MqttError, Session

random.seed(20261123)
good = (
    b"\x20\x02\x00\x00",
    b"\x90\x03\xff\xff\x01",
    b"\xd0\x00",
    b"\x40\x02\x00\x05",
    b"\x32\x10\x00\x04downsiaga/1 dow",
    b"\x30\x80\x04\x00\x04down" + bytes(506),
    b"\x32\x80\x80\x80\x01\x00\x04down\x00\x07",
)


def stream():
    out = bytearray()
    for _ in range(random.getrandbits(2) + 1):
        packet = bytearray(good[random.getrandbits(8) % len(good)])
        for _ in range(random.getrandbits(2)):
            packet[random.getrandbits(10) % len(packet)] = random.getrandbits(8)
        out += packet
    return out


session = Session("id", "", "", "down")
refused = through = 0
gc.collect()
before = gc.mem_alloc()
for n in range(20000):
    session.connect(0)
    if n & 1:
        session.feed(good[0])
        session.subscribe(0)
        session.feed(good[1])
    try:
        session.feed(stream())
        through += 1
    except MqttError:
        refused += 1
gc.collect()
assert gc.mem_alloc() - before < 2048, "the parser keeps what it was fed"
print("streams", refused + through, "refused", refused)
