"""A day of 24 hours in the life of an installed button, by board: its heap, as `make bench` prints it.

`whole_day.py BOARD [HEAP] [HOURS]`; the heap in MicroPython's words, such as 256k.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.append(str(TESTS))

from firmware.boards.button_day import Day  # noqa: E402
from siaga_tools.simulate.button import HEAP  # noqa: E402

QUIET_S = 0.06


def main() -> None:
    board = sys.argv[1]
    heap = sys.argv[2] if len(sys.argv) > 2 else HEAP
    hours = float(sys.argv[3]) if len(sys.argv) > 3 else 24.0
    with tempfile.TemporaryDirectory() as folder:
        day = Day(Path(folder), board, hours=hours, heap=heap, quiet_s=QUIET_S).run()
    last = day.samples[-1]
    lost = sorted(set(day.pressed) - day.received)
    if day.memory_errors or day.deaths or lost or day.unseen:
        raise SystemExit(f"lost: {lost}; not shown: {day.unseen}; {day.memory_errors + day.deaths}")
    rows: list[tuple[str, float, str]] = [
        (f"{board}, heap of {heap}: used at the end", last.used, "bytes"),
        ("free at the end", last.free, "bytes"),
        ("largest free piece at the end", last.largest, "bytes"),
        *((f"least free, quarter {part + 1} of the day", day.low_water(part, 4), "bytes") for part in range(4)),
        *((f"least free while armed, quarter {part + 1}", day.calm_water(part, 4), "bytes") for part in range(4)),
        ("presses, all stored once and answered", len(day.pressed), ""),
        ("frames that the gateway took", day.frames, ""),
        ("MemoryErrors and tasks that died", len(day.memory_errors) + len(day.deaths), ""),
        ("simulated time", day.simulated_s / 3600, "hours"),
        ("real time", day.real_s, "seconds"),
    ]
    for name, value, unit in rows:
        print(json.dumps({"name": name, "value": value, "unit": unit}), flush=True)


if __name__ == "__main__":
    main()
