"""Under MicroPython: throw random bytes at the decoder of downlinks.

    micropython tests/protocol/on_button/survive.py SEED COUNT

Half are noise, half start as a downlink does, so that they come further in. Prints how many were taken and how many
refused, by reason, as JSON; anything raised but FrameError ends the program.
"""

import hashlib
import json
import sys

from siaga.core import frame
from siaga.core.errors import FrameError

SEED = int(sys.argv[1])
COUNT = int(sys.argv[2])

outcomes = {}
for number in range(COUNT):
    noise = hashlib.sha256(b"%d %d" % (SEED, number)).digest()
    noise = noise + noise + noise[:16]
    size = noise[0] % 81
    raw = noise[1:size]
    if number % 2:
        raw = bytes([0x13, 0x81 + noise[3] % 2]) + noise[4 : 4 + 16] + bytes([noise[5] % 10, noise[6] % 8]) + noise[32:]
        raw = raw[: 36 + noise[7] % 8]
    try:
        down = frame.decode_down(raw)
        outcome = "taken"
        if down.signed + down.tag != raw:
            raise ValueError("bytes lost of " + raw.hex())
    except FrameError as error:
        outcome = error.reason
    outcomes[outcome] = outcomes.get(outcome, 0) + 1
print(json.dumps(outcomes))
