"""Bytes of the firmware as bytecode for the ESP32, by file and by board, as `make bench` prints them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from siaga_tools.firmware_build.board_files import boards
from siaga_tools.firmware_build.bytecode import LIMIT_BYTES, compile_firmware
from siaga_tools.micropython import find_firmware


def main() -> None:
    firmware = find_firmware().parent
    with tempfile.TemporaryDirectory() as out:
        compiled = compile_firmware(firmware, Path(out) / "all")
        for module in sorted(compiled, key=lambda module: -module.size):
            print(json.dumps({"name": module.path, "value": module.size, "unit": "bytes"}))
        wholes = {"all boards' files together": compiled}
        for board in boards(firmware):
            wholes[f"all that {board} is given"] = compile_firmware(firmware, Path(out) / board, boards=(board,))
    for name, files in wholes.items():
        whole = sum(module.size for module in files)
        limit = {} if files is compiled else {"limit": LIMIT_BYTES}
        print(json.dumps({"name": name, "value": whole, "unit": "bytes", **limit}))


if __name__ == "__main__":
    main()
