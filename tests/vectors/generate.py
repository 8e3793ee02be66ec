"""Write the test vectors that the button and the gateway share.

    python tests/vectors/generate.py          writes *.json beside this file; a test checks that nothing changes

Uses neither side's code: the layouts stand here once more, in `struct` formats, and the cryptography is that of the
`cryptography` package. Published vectors are typed in from their RFC and checked before they are written.
Each file is a JSON array with one object a line, so that a button reads it line by line in little memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from vectors import acks, downlinks, published, refused, uplinks  # noqa: E402  (needs the path above)

Vector = dict[str, Any]


def files() -> dict[str, list[Vector]]:
    """Every file's vectors, by file name."""
    return {
        "keys.json": uplinks.keys(),
        "hmac.json": published.hmac_sha256(),
        "hkdf.json": published.hkdf_sha256(),
        "ecdsa.json": published.ecdsa(),
        "ecdh.json": published.ecdh(),
        "encodings.json": uplinks.encodings(),
        "uplinks.json": uplinks.frames(),
        "downlinks.json": downlinks.frames(),
        "acks.json": acks.pairs(),
        "refused_uplinks.json": refused.uplink_frames(),
        "refused_downlinks.json": refused.downlink_frames(),
        "forged.json": refused.forged_frames(),
    }


def text(vectors: list[Vector]) -> str:
    """One object a line."""
    return "[\n" + ",\n".join(json.dumps(vector) for vector in vectors) + "\n]\n"


def main() -> None:
    for name, vectors in files().items():
        (HERE / name).write_text(text(vectors), encoding="ascii")
        print(f"{len(vectors):5} {name}")


if __name__ == "__main__":
    main()
