"""Under MicroPython: change every byte of genuine downlinks in all 255 ways, and of a signature in some.

    micropython tests/protocol/on_button/tamper.py tests/vectors

Prints JSON: how many changed downlinks and signed messages were tried, and those that were taken for genuine, in hex.
"""

import binascii
import json
import sys

from siaga.core import frame, hmac, p256_verify
from siaga.core.errors import FrameError

FOLDER = sys.argv[1]


def vectors(name):
    with open(FOLDER + "/" + name) as file:
        for line in file:
            line = line.strip().rstrip(",")
            if line not in ("[", "]"):
                yield json.loads(line)


KEYS = {key["name"]: key for key in vectors("keys.json")}
MAC_DOWN = binascii.unhexlify(KEYS["shared"]["mac_down"])
PUBLIC = binascii.unhexlify(KEYS["device"]["public"])


def genuine(raw, digest):
    try:
        down = frame.decode_down(raw)
    except FrameError:
        return False
    tag = hmac.hmac_sha256(MAC_DOWN, frame.DOWN_CONTEXT + down.signed + digest)[:16]
    return hmac.equal(tag, down.tag)


tried = 0
taken = []
for vector in vectors("downlinks.json"):
    if vector["name"] not in ("ACK RECEIVED, eta 255", "ACK ASSIGNED, eta 7", "COMMAND with one byte"):
        continue
    raw = bytearray(binascii.unhexlify(vector["frame"]))
    digest = binascii.unhexlify(vector["about"]["digest"]) if "about" in vector else b""
    if not genuine(bytes(raw), digest):
        raise ValueError("the unchanged frame is refused")
    for place in range(len(raw)):
        right = raw[place]
        for wrong in range(256):
            if wrong != right:
                raw[place] = wrong
                tried += 1
                if genuine(bytes(raw), digest):
                    taken.append(raw.hex())
        raw[place] = right

signed = 0
for vector in vectors("uplinks.json"):
    if vector["name"] != "PRESS, no flag, ES256":
        continue
    whole = bytearray(frame.UP_CONTEXT + binascii.unhexlify(vector["frame"]))
    if not p256_verify.verify(PUBLIC, bytes(whole[:-64]), bytes(whole[-64:])):
        raise ValueError("the unchanged signature is refused")
    for place in range(len(whole)):
        whole[place] ^= 1 << place % 8
        signed += 1
        if p256_verify.verify(PUBLIC, bytes(whole[:-64]), bytes(whole[-64:])):
            taken.append(whole.hex())
        whole[place] ^= 1 << place % 8
print(json.dumps({"downlinks": tried, "signatures": signed, "taken": taken}))
