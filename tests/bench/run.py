"""`make bench`: run each measurement in a process of its own, print a table, keep build/bench.jsonl.

`run.py --gateway` runs those of the gateway only; with `--readme` their table goes into gateway/README.md, with the
date and the machine. A measurement is a program that prints JSON objects, one a line, with `name`, `value`, `unit`
and, for a ratio, `base`: the name of what it is a ratio to, taken in the same run; `wanted` says what was asked of it.
Absolute times belong to the machine; compare ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULT = ROOT / "build" / "bench.jsonl"
README = ROOT / "gateway" / "README.md"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
DEADLINE_S = 1800

# title, command
GATEWAY: tuple[tuple[str, list[str]], ...] = (
    ("Events verified and stored, one worker on SQLite", [sys.executable, str(HERE / "gateway_throughput.py")]),
    ("Check-ins by MAC, one worker on SQLite", [sys.executable, str(HERE / "checkins.py")]),
    ("One and two workers on PostgreSQL", [sys.executable, str(HERE / "workers.py")]),
    ("The same as Node-RED 4 does it", [sys.executable, str(HERE / "against_node_red.py")]),
    ("Press to the operator's console", [sys.executable, str(HERE / "console_latency.py")]),
    ("A province's store", [sys.executable, str(HERE / "big_store.py")]),
    ("A search among 1,000,000 owners", [sys.executable, str(HERE / "owner_search.py")]),
    ("The pages of a fleet of 100,000 buttons", [sys.executable, str(HERE / "fleet.py")]),
    ("Five years of 2,000 buttons", [sys.executable, str(HERE / "five_years.py")]),
    ("Who is called for a place, of 10,000 stations and 500 areas", [sys.executable, str(HERE / "routing.py")]),
    ("A report of a year with 200,000 calls", [sys.executable, str(HERE / "figures.py")]),
    ("A press to the phones of those whose turn it is", [sys.executable, str(HERE / "first_wave.py")]),
    ("From the store to an operator's eyes and ears", [sys.executable, str(HERE / "console_pixels.py")]),
    ("The console's map with 2,000 incidents", [sys.executable, str(HERE / "map_frames.py")]),
    ("Verified and stored while 500 calls are made", [sys.executable, str(HERE / "ingest_beside_calls.py")]),
)
MEASUREMENTS: tuple[tuple[str, list[str]], ...] = (
    ("One ES256 signature on the button's interpreter", [sys.executable, str(HERE / "signature.py")]),
    *GATEWAY,
    ("Press to its first byte on the way out", [sys.executable, str(HERE / "press_to_air.py")]),
    ("A start before the button listens", [sys.executable, str(HERE / "start_cost.py")]),
    ("Size of the firmware as bytecode", [sys.executable, str(HERE / "size.py")]),
    ("Heap of whole buttons, 64-bit", [sys.executable, str(HERE / "heap.py")]),
    ("A day of 24 hours: heap of the devkit", [sys.executable, str(HERE / "whole_day.py"), "esp32_devkit"]),
    # Its modem is started anew many times a day, which goes at real pace: 24 hours take half an hour.
    ("A day in 2 hours: heap of the T-A7670", [sys.executable, str(HERE / "whole_day.py"), "t_a7670", "512k", "2"]),
    (
        "Mosquitto with 100,000 buttons, known by files or by its plugin",
        [sys.executable, str(HERE / "broker_access.py")],
    ),
    ("Battery life on 3,000 mAh, by the power model", [sys.executable, str(HERE / "battery_life.py")]),
)


class Unmeasured(Exception):
    """A measurement that gave no figures; the others go on."""


def measure(command: list[str]) -> list[dict[str, Any]]:
    """The program's JSON lines. Raises Unmeasured with its last words where it fails or passes its deadline."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    except subprocess.TimeoutExpired:
        raise Unmeasured(f"{Path(command[1]).name} gave no result within {DEADLINE_S} s") from None
    if done.returncode != 0:
        raise Unmeasured(f"{Path(command[1]).name} failed with exit code {done.returncode}:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def row(result: dict[str, Any]) -> str:
    """One line of the table."""
    value = result["value"]
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    base = f"  (to {result['base']})" if result.get("base") else ""
    limit = f"  [at most {result['limit']:,}]" if "limit" in result else ""
    limit += f"  [wanted: {result['wanted']}]" if "wanted" in result else ""
    return f"  {result['name']:<52} {shown:>9} {result['unit']}{base}{limit}"


def machine() -> str:
    """What the figures were taken on."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def write_readme(found: list[tuple[str, list[dict[str, Any]]]]) -> None:
    """Put the table between its two marks in gateway/README.md."""
    lines = [
        f"Taken on {time.strftime('%Y-%m-%d')} on {machine()}.",
        "",
        "| figure | value | wanted |",
        "|---|---|---|",
    ]
    for title, results in found:
        lines.append(f"| **{title}** | | |")
        for result in results:
            value = result["value"]
            shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
            lines.append(f"| {result['name']} | {shown} {result['unit']} | {result.get('wanted', '')} |")
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    README.write_text(f"{before}{BEGIN}\n{chr(10).join(lines)}\n{END}{after}", encoding="utf-8")


def main() -> None:
    asked = argparse.ArgumentParser(description="`make bench`: measure, print a table, keep build/bench.jsonl.")
    asked.add_argument("--gateway", action="store_true", help="the gateway only")
    asked.add_argument("--readme", action="store_true", help="write the gateway's table into gateway/README.md")
    wishes = asked.parse_args()
    measurements = GATEWAY if wishes.gateway else MEASUREMENTS
    RESULT.parent.mkdir(exist_ok=True)
    print(
        f"Siaga bench, {time.strftime('%Y-%m-%d %H:%M %Z')}, {platform.machine()}, Python {platform.python_version()}"
    )
    found: list[tuple[str, list[dict[str, Any]]]] = []
    failed: list[str] = []
    with RESULT.open("w", encoding="utf-8") as out:
        for title, command in measurements:
            print(f"\n{title}", flush=True)
            try:
                results = measure(command)
            except Unmeasured as error:
                print(error, flush=True)
                failed.append(title)
                continue
            found.append((title, results))
            for result in results:
                out.write(json.dumps(result) + "\n")
                print(row(result), flush=True)
    print(f"\nKept in {RESULT.relative_to(ROOT)}")
    if wishes.readme:
        write_readme([one for one in found if one[0] in {title for title, _ in GATEWAY}])
        print(f"Written into {README.relative_to(ROOT)}")
    if failed:
        raise SystemExit(f"without figures: {', '.join(failed)}")


if __name__ == "__main__":
    main()
