"""What one ES256 signature costs the button. Run under MicroPython, with the firmware on MICROPYPATH:

    MICROPYPATH=firmware micropython -X heapsize=192k tests/bench/sign_cost.py

Prints one JSON object: modmul_us (one bare a*b%p on 256-bit integers), sign_us (one signature over a PRESS, hash,
nonce and inverses included), ratio (sign / modmul), peak_heap (bytes).

ratio: products and signature are timed in turns, and the median of the turns' own ratios is taken, because the
machine's speed changes more between two seconds than within one turn.

peak_heap: the smallest free stretch of heap, all the rest filled with ballast, in which a signature still succeeds,
plus the comb's table, which takes heap where it is not frozen into the firmware. So it counts what is alive at once
and what fragmentation adds to it, not the garbage of a run; on the chip, with half as wide pointers, it is less.
"""

import gc
import json
import time

from siaga.core import frame, p256
from siaga.core.p256_table import POINTS

TURNS = 41
PRIVATE = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721


def press(counter):
    body = frame.encode_report(1800000000, -53971400, 1052668000, 12, 3, 80, frame.SOURCE_GNSS, 0)
    own = frame.device_id(p256.public_key(PRIVATE))
    return frame.UP_CONTEXT + frame.unsigned(frame.ES256, frame.PRESS, own, counter, body)


def time_products():
    """Microseconds for 1,000 products, ten a round so that the loop itself does not count."""
    a = p256.P // 3 * 2 + 12345
    b = p256.P // 7 * 6 + 67890
    p = p256.P
    start = time.ticks_us()
    for _ in range(100):
        a * b % p
        a * b % p
        a * b % p
        a * b % p
        a * b % p
        a * b % p
        a * b % p
        a * b % p
        a * b % p
        a * b % p
    return time.ticks_diff(time.ticks_us(), start)


def time_signature(message):
    start = time.ticks_us()
    p256.sign(PRIVATE, message)
    return time.ticks_diff(time.ticks_us(), start)


def median(values):
    return sorted(values)[len(values) // 2]


def fits(room, message):
    """Whether a signature succeeds in this many bytes of heap: one free stretch, all else filled with ballast."""
    gc.collect()
    stretch = bytearray(room)
    ballast = None
    size = 65536
    try:
        while size >= 32:
            try:
                ballast = (bytearray(size), ballast)
            except MemoryError:
                size //= 2
        del stretch
        gc.collect()
        try:
            p256.sign(PRIVATE, message)
        except MemoryError:
            return False
        return True
    finally:
        ballast = None


def smallest_heap(message):
    low = 0
    high = 65536
    while high - low > 128:
        middle = (low + high) // 2
        if fits(middle, message):
            high = middle
        else:
            low = middle
    return high


def main():
    modmul = []
    sign = []
    ratio = []
    for turn in range(TURNS):
        message = press(turn)
        gc.collect()
        before = time_products()
        signature = time_signature(message)
        products = (before + time_products()) / 2
        modmul.append(products / 1000)
        sign.append(signature)
        ratio.append(signature * 1000 / products)
    result = {
        "modmul_us": median(modmul),
        "sign_us": median(sign),
        "ratio": round(median(ratio)),
        "peak_heap": smallest_heap(press(TURNS)) + len(POINTS),
    }
    print(json.dumps(result))


main()
