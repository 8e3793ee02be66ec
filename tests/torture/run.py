"""`make torture`: presses for minutes while everything fails that can, then the questions. `--help` says what can be
chosen. A failed run leaves its logs and its store."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ENGINES = ("sqlite", "postgresql")


def main(arguments: Sequence[str] | None = None) -> None:
    words = argparse.ArgumentParser(prog="make torture", description=__doc__)
    words.add_argument("--seconds", type=float, default=300, help="how long it presses (%(default)s)")
    words.add_argument("--rate", type=float, default=30, help="frames a second (%(default)s)")
    words.add_argument("--devices", type=int, default=200, help="virtual devices (%(default)s)")
    words.add_argument(
        "--buttons", type=int, default=2, help="beside them, the firmware under MicroPython (%(default)s)"
    )
    words.add_argument("--engine", choices=[*ENGINES, "both"], default="both", help="the store (%(default)s, in turn)")
    words.add_argument("--workers", type=int, default=2, help="of the gateway, with PostgreSQL (%(default)s)")
    words.add_argument("--seed", type=int, default=None, help="the seed of a run that is to be repeated")
    words.add_argument(
        "--flood", type=float, default=6, help="seconds of each flood at the broker, before it; 0: none (%(default)s)"
    )
    words.add_argument(
        "--strangers",
        type=float,
        default=18,
        help="seconds of strangers at the listeners, and of sign-ins, before it; 0: none (%(default)s)",
    )
    words.add_argument("--keep", action="store_true", help="keep logs and store of a run that went well")
    chosen = words.parse_args(arguments)
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    import flood
    import strangers
    from course import torture

    # Whoever ends it, ends its processes, its file system and its cable with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    seed = int(time.time()) % 100_000 if chosen.seed is None else chosen.seed
    for engine in ENGINES if chosen.engine == "both" else [chosen.engine]:
        folder = ROOT / "build" / "torture" / f"{time.strftime('%Y%m%d-%H%M%S')}-{engine}-{seed}"
        folder.mkdir(parents=True)
        if chosen.flood:
            found = flood.run(folder / "flood", engine, chosen.flood)
            print("flood at the broker: " + json.dumps(found, indent=1), flush=True)
            flood.judge(found)
        for name in strangers.PARTS if chosen.strangers else ():
            found = strangers.run(folder / name, engine, name, chosen.strangers)
            print(f"{name}: " + json.dumps(found, indent=1), flush=True)
            strangers.judge(found)
        print(f"torture with --engine {engine} --seed {seed}, in {folder.relative_to(ROOT)}", flush=True)
        counts = torture(
            folder,
            seconds=chosen.seconds,
            rate_per_s=chosen.rate,
            devices=chosen.devices,
            buttons=chosen.buttons,
            engine=engine,
            workers=chosen.workers if engine == "postgresql" else 1,  # only that one lets several share it
            seed=seed,
        )
        print(counts, end="\n\n", flush=True)
        if not chosen.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
