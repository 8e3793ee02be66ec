"""Under MicroPython: make random frames of random devices.

    micropython tests/protocol/on_button/sign_random.py SEED DEVICES FRAMES GATEWAY_KEY

Prints for each device `device PUBLIC_KEY` and its ENROL, then FRAMES events a device, one a line: the ES256 frame, the
HS256-64 frame, and the numbers that went into them (kind, counter, the report's fields, then those of a status).
"""

import binascii
import random
import sys

from siaga.core import frame, hmac, p256, p256_verify

SEED = int(sys.argv[1])
DEVICES = int(sys.argv[2])
FRAMES = int(sys.argv[3])
GATEWAY = binascii.unhexlify(sys.argv[4])

random.seed(SEED)


def bits(count):
    value = 0
    for _ in range(0, count, 16):
        value = value << 16 | random.getrandbits(16)
    return value & (1 << count) - 1


def report():
    """In range, the ends and the unknowns more often than chance would have it."""
    latitude = random.choice((bits(31) % 1800000001 - 900000000, 900000000, -900000000, bits(24) - (1 << 23), 0))
    longitude = random.choice((bits(32) % 3600000001 - 1800000000, 1800000000, -1800000000, bits(24) - (1 << 23), 0))
    accuracy = random.choice((bits(16), bits(16), 0, 65534, 65535))
    fix_age = random.choice((bits(16), bits(16), 0, 65534, 65535))
    flags = bits(12)
    if random.getrandbits(2) == 0:
        latitude = longitude = frame.NO_POSITION
        accuracy = fix_age = 65535
        flags &= 0xCFF
    battery = random.choice((bits(8) % 101, 0, 100, 255))
    return [random.choice((bits(32), 0)), latitude, longitude, accuracy, fix_age, battery, flags, bits(16)]


def status():
    return [bits(8), bits(8), bits(8), bits(8) - 128, bits(8) % 5, bits(4), bits(8), bits(8), bits(8)]


for _ in range(DEVICES):
    private = p256.private_from(bytes([random.getrandbits(8) for _ in range(40)]))
    public = p256.public_key(private)
    own = frame.device_id(public)
    mac_up = p256_verify.mac_keys(p256_verify.ecdh(private, GATEWAY), own)[0]
    enrol = frame.unsigned(frame.ES256, frame.ENROL, own, bits(32), public)
    print("device", public.hex(), (enrol + p256.sign(private, frame.UP_CONTEXT + enrol)).hex())
    for _ in range(FRAMES):
        kind = random.choice((frame.PRESS, frame.UPDATE, frame.CANCEL, frame.CHECKIN, frame.TAMPER))
        counter = bits(32)
        numbers = report()
        body = frame.encode_report(*numbers)
        if kind == frame.CHECKIN and random.getrandbits(1):
            health = status()
            body += frame.encode_status(tuple(health[:3]), *health[3:])
            numbers += health
        signed = frame.unsigned(frame.ES256, kind, own, counter, body)
        maced = frame.unsigned(frame.HS256_64, kind, own, counter, body)
        signed += p256.sign(private, frame.UP_CONTEXT + signed)
        maced += hmac.hmac_sha256(mac_up, frame.UP_CONTEXT + maced)[:8]
        print(signed.hex(), maced.hex(), kind, counter, *numbers)
