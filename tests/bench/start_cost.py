"""What a start of a T-A7670 costs before it listens, as `make bench` prints it
(tests/firmware/boards/start_cost_counted.py)."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS))

from firmware.boards.start_cost_counted import AS_ONCE_SHIPPED, SETTINGS, Start  # noqa: E402


def main() -> None:
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not installed: apt-get install valgrind")
    board = "t_a7670"
    with tempfile.TemporaryDirectory() as made:
        start = Start(Path(made), board, dict(SETTINGS))
        before = start.until("begin", count=True)["instructions"]
        for moment, name in (("look", "the first look at the button"), ("hand", "the hand's task")):
            cost = {**start.until(moment, count=True), "opened": start.until(moment)["opened"]}
            cost["instructions"] -= before
            for key, limit in AS_ONCE_SHIPPED[moment].items():
                told = {"name": f"{board}, {key} to {name}", "value": cost[key], "unit": key, "limit": limit}
                print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
