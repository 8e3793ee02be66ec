"""Under MicroPython: read downlinks from stdin, as a device would.

    micropython tests/protocol/on_button/read_downlinks.py MAC_DOWN DEVICE_ID < one frame in hex a line

Prints one line a frame: the reason where it is none, `forged` where its tag or its addressee is wrong, else its numbers
(kind, counter, time, then stage and eta, or code and the arguments in hex).
"""

import binascii
import sys

from siaga.core import frame, mac
from siaga.core.errors import FrameError

MAC_DOWN = binascii.unhexlify(sys.argv[1])
DEVICE_ID = binascii.unhexlify(sys.argv[2])

for line in sys.stdin:
    try:
        down = frame.decode_down(binascii.unhexlify(line.strip()))
    except FrameError as error:
        print(error.reason)
        continue
    tag = mac.hmac_sha256(MAC_DOWN, frame.DOWN_CONTEXT + down.signed)[:16]
    if down.device_id != DEVICE_ID or not mac.equal(tag, down.tag):
        print("forged")
    elif down.kind == frame.ACK:
        print(down.kind, down.counter, down.time, down.stage, down.eta)
    else:
        print(down.kind, down.counter, down.time, down.code, "0x" + down.arguments.hex())
