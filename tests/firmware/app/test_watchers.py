"""A watch that ended by itself would be missed by nobody, and then nothing is watched."""

from __future__ import annotations

from pathlib import Path

from brokers import embedded_broker
from micropython import run_micropython


def test_what_watches_or_reads_goes_on_where_what_it_asks_fails() -> None:
    with embedded_broker() as port:
        said = run_micropython(Path(__file__).parents[1] / "on_button" / "watchers.py", str(port))
    assert len([line for line in said.splitlines() if line.startswith("holds:")]) == 5
