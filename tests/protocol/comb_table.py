"""Compute the button's comb table (firmware/siaga/core/p256_table.py) anew, from the curve alone.

    python tests/protocol/comb_table.py > firmware/siaga/core/p256_table.py

Slow, plain, affine arithmetic on purpose: nothing here is shared with what it checks.
"""

from __future__ import annotations

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
TEETH, BLOCKS, COLUMNS = 5, 4, 13

Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    """Affine addition or doubling; never called with opposite points here."""
    rise, run = (3 * a[0] * a[0] - 3, 2 * a[1]) if a == b else (b[1] - a[1], b[0] - a[0])
    slope = rise * pow(run, -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def points() -> list[Point]:
    """For each block, for each of 16 signs: the topmost tooth plus or minus the four below it."""
    powers = [G]  # 2^i G
    for _ in range(TEETH * BLOCKS * COLUMNS):
        powers.append(add(powers[-1], powers[-1]))
    table = []
    for block in range(BLOCKS):
        teeth = [powers[COLUMNS * (TEETH * block + tooth)] for tooth in range(TEETH)]
        for signs in range(2 ** (TEETH - 1)):
            total = teeth[-1]
            for tooth in range(TEETH - 1):
                x, y = teeth[tooth]
                total = add(total, (x, y if signs >> tooth & 1 else P - y))
            table.append(total)
    return table


def module() -> str:
    """The text of p256_table.py."""
    packed = b"".join(x.to_bytes(32, "big") + y.to_bytes(32, "big") for x, y in points())
    rows = [packed[at : at + 16] for at in range(0, len(packed), 16)]
    literal = "\n".join('    b"' + "".join(f"\\x{byte:02x}" for byte in row) + '"' for row in rows)
    title = (
        f"The comb's {len(packed) // 64} stored points, X || Y, {len(packed)} bytes: multiples of P-256's base point."
    )
    return f'''"""{title}

Written by tests/protocol/comb_table.py, which a test compares with this file; p256.py says how it is used.
Point 16 b + s is 2^(65 b) (2^52 +- 2^39 +- 2^26 +- 2^13 +- 1) G, where bit t of s makes the sign of 2^(13 t) a plus.
"""

POINTS = (
{literal}
)
'''


if __name__ == "__main__":
    print(module(), end="")
