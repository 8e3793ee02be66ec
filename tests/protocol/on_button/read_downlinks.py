"""Under MicroPython: read downlinks from stdin, as a device would.

    micropython tests/protocol/on_button/read_downlinks.py MAC_DOWN DEVICE_ID < lines

A line is one frame in hex, and behind an ACK the uplink that it is about.
Prints one line a frame: the reason where it is none, `forged` where its tag or its addressee is wrong, else its numbers
(kind, counter, time, then stage and eta, or code and the arguments in hex).
"""

import binascii
import sys

from siaga.core import frame, hmac
from siaga.core.errors import FrameError

MAC_DOWN = binascii.unhexlify(sys.argv[1])
DEVICE_ID = binascii.unhexlify(sys.argv[2])

for line in sys.stdin:
    try:
        raw = [binascii.unhexlify(word) for word in line.split()]
        down = frame.decode_down(raw[0])
    except FrameError as error:
        print(error.reason)
        continue
    digest = b""
    if down.kind == frame.ACK:
        uplink = raw[1]
        body = uplink[14 : -frame.tag_length(uplink[0] & 15)]
        digest = frame.event_digest(uplink[1], int.from_bytes(uplink[10:14], "big"), body)
    tag = hmac.hmac_sha256(MAC_DOWN, frame.DOWN_CONTEXT + down.signed + digest)[:16]
    if down.device_id != DEVICE_ID or not hmac.equal(tag, down.tag):
        print("forged")
    elif down.kind == frame.ACK:
        print(down.kind, down.counter, down.time, down.stage, down.eta)
    else:
        print(down.kind, down.counter, down.time, down.code, "0x" + down.arguments.hex())
