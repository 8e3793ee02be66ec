"""The small form of tests/bench/five_years.py: after years a store has grown by its evidence, and by nothing else."""

from __future__ import annotations

from pathlib import Path

from gateway.registry.simulated_years import DAY_MS, POLICY, Years

BUTTONS = 10
WANTED = 200_000  # bytes of a carried button and year


def test_a_store_grows_by_its_evidence_alone(tmp_path: Path) -> None:
    years = Years(tmp_path, BUTTONS)
    years.pass_months(12)
    store = years.desk.store

    def state() -> tuple[int, int]:
        ((days,),) = store.fetch("SELECT count(*) FROM device_day")
        ((events,),) = store.fetch("SELECT count(*) FROM event")
        return days, events

    first, early = years.bytes_on_disk, state()
    years.pass_months(12)
    second, late = years.bytes_on_disk, state()
    assert late[0] == early[0] <= BUTTONS * (POLICY.history_days + 1), "battery and signal end"
    assert late[1] == years.frames, "what is evidence stays"
    before_ms = years.clock.at_ms - POLICY.positions_days * DAY_MS
    old = "SELECT count(*) FROM incident WHERE latitude IS NOT NULL AND coalesce(closed_at_ms, opened_at_ms) < ?"
    assert store.fetch(old, (before_ms,)) == [(0,)]
    assert second - first < BUTTONS * WANTED / 4, "a year's growth"
    years.close()
