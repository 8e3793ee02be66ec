"""The cost of one ES256 signature on the button's interpreter, as bench lines. See sign_cost.py for how it is taken."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from micropython import run_micropython

MOST_PRODUCTS = 1_100
MOST_HEAP = 24_576


def main() -> None:
    cost = json.loads(run_micropython(Path(__file__).with_name("sign_cost.py")).splitlines()[-1])
    for line in (
        {"name": "bare a*b%p, 256 bit", "value": cost["modmul_us"], "unit": "us"},
        {"name": "ES256 signature", "value": cost["sign_us"], "unit": "us"},
        {
            "name": "ES256 signature / bare a*b%p",
            "value": cost["ratio"],
            "unit": "times",
            "base": "bare a*b%p, 256 bit",
            "limit": MOST_PRODUCTS,
        },
        {"name": "ES256 signature, peak heap", "value": cost["peak_heap"], "unit": "bytes", "limit": MOST_HEAP},
    ):
        print(json.dumps(line))


if __name__ == "__main__":
    main()
