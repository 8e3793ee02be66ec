"""The short form of `make torture`: each fault once, briefly. The long form is `tests/torture/run.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
from course import SHORT, torture

from fake_time import faketime


@pytest.mark.timeout(3600)
def test_every_fault_once_and_no_press_is_lost_or_told_otherwise(tmp_path: Path) -> None:
    """With PostgreSQL and two workers, for there is more that can be killed; on SQLite the kill test does its part."""
    faketime()
    print(
        torture(
            tmp_path,
            engine="postgresql",
            workers=2,
            seconds=10,
            once=True,
            rate_per_s=30,
            seed=1,
            pace=SHORT,
            longest_wait_s=3,
            cable=False,
        )
    )
