"""Five years of buttons in compressed time: size, speed, retention and start of the store at the end.

`five_years.py BUTTONS` takes another number than 2,000; 10,000 take a quarter of an hour of one core. What it
simulates: tests/gateway/registry/simulated_years.py.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from telling import say

from gateway.registry.simulated_years import DAY_MS, MONTHS, POLICY, Years
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.adapters.sql.backups import check_sqlite, copy_sqlite

BUTTONS, YEARS = 2_000, 5
PRESSES = 1_000


def main(buttons: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each_store in ("young", "old"):
            (folder / each_store).mkdir()
        young, old = Years(folder / "young", min(buttons, 1_000)), Years(folder / "old", buttons)
        begun = time.process_time()
        old.pass_months(YEARS * MONTHS)
        say("buttons", buttons, "buttons, a fifth installed")
        say("five years: frames of calls and tests", old.frames, "frames")
        say("five years: processor time", time.process_time() - begun, "s")
        size, store = old.bytes_on_disk, old.desk.store
        each = size / buttons / YEARS
        say("the store after five years", size / 1e6, "MB")
        say("disk a button and year", each / 1000, "KB", wanted="at most 200 carried, 1000 installed")
        ((free,),), ((pages,),) = store.fetch("PRAGMA freelist_count"), store.fetch("PRAGMA page_count")
        say("free pages of its file", 100 * free / pages, "%")
        ((days,),) = store.fetch("SELECT count(*) FROM device_day")
        say("days of battery and signal a button", days / buttons, "days", wanted="90 or 91")
        before_ms = old.clock.at_ms - POLICY.positions_days * DAY_MS
        old_places = (
            "SELECT count(*) FROM incident WHERE latitude IS NOT NULL AND coalesce(closed_at_ms, opened_at_ms) < ?"
        )
        say("incidents with a position that is too old", store.fetch(old_places, (before_ms,))[0][0], "", wanted="0")
        base = "a press on a young store, CPU"
        costs = [(young.press_cost_s(PRESSES), old.press_cost_s(PRESSES)) for _ in range(3)]
        say(base, 1e6 * sorted(cost for cost, _ in costs)[1], "us")
        say("after five years / young, CPU", sorted(late / early for early, late in costs)[1], "times", base)
        young.close()
        old.close()
        begun = time.process_time()
        SqlStore(store_path(folder / "old"), 0).close()
        say("opening it, CPU", time.process_time() - begun, "s", wanted="under 5")
        begun = time.process_time()
        copy_sqlite(store_path(folder / "old"), folder / "copy.db")
        copied = time.process_time()
        check_sqlite(folder / "copy.db")
        say("backup, CPU", copied - begun, "s")
        say("its verification, CPU", time.process_time() - copied, "s")
        say("memory of this process, at most", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, "MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else BUTTONS)
