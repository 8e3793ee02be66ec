"""A host that stood still is no processor that hangs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from firmware.boards.bare_chip import BareChip

Bare = Callable[..., BareChip]


FEEDS = """
import machine
import time

print("cause", machine.reset_cause())
guard = machine.WDT(timeout=10000)
for number in range(400):
    guard.feed()
    time.sleep(0.5)
    print("fed", number)
print("whole")
"""


def test_a_chip_that_stood_still_with_its_host_is_not_reset(bare: Bare) -> None:
    chip = bare("t_a7670", FEEDS, speed=20)
    chip.line("fed 20")
    chip.chip.later(lambda: _stand_still(chip))
    chip.line("whole")
    assert [line for line in chip.said if line.startswith("cause")] == ["cause 1"]


def _stand_still(chip: BareChip) -> None:
    """In the chip's own thread, and its process with it: longer than any patience."""
    pid = chip.chip.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    time.sleep(8)
    os.kill(pid, signal.SIGCONT)
