"""Bytes of the firmware as bytecode for the ESP32, by module and in all, as `make bench` prints them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from siaga_tools.interpreter import find_firmware
from siaga_tools.mpy import LIMIT_BYTES, compile_firmware


def main() -> None:
    with tempfile.TemporaryDirectory() as out:
        compiled = compile_firmware(find_firmware().parent, Path(out))
    for module in sorted(compiled, key=lambda module: -module.size):
        print(json.dumps({"name": module.path, "value": module.size, "unit": "bytes"}))
    whole = sum(module.size for module in compiled)
    print(json.dumps({"name": "all that a bundle carries", "value": whole, "unit": "bytes", "limit": LIMIT_BYTES}))


if __name__ == "__main__":
    main()
