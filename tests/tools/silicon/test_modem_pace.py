"""A modem whose pace is changed while it waits, as `siaga device simulate` does around a short touch."""

from __future__ import annotations

from pathlib import Path

from modem_time import let_pass
from siaga_tools.silicon.a7670 import A7670
from waiting import eventually


def test_what_waits_as_the_pace_changes_goes_on_at_the_new_one(tmp_path: Path):
    with A7670(tmp_path, pace=1000.0) as modem:
        said: list[bytes] = []
        fired: list[str] = []
        modem.line.trace = lambda _way, text: said.append(text)
        modem.do(lambda: modem.later(30, fired.append, "later"))
        modem.power_on()  # and greets hours later
        let_pass(modem, 0.0001)
        assert not fired and not said
        modem.pace = 0.01
        eventually(lambda: b"ATREADY" in b"".join(said) and fired, lambda: f"{said} {fired}")
