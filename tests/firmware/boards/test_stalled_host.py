"""A host that stood still is no processor that hangs."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from firmware.boards.bare_chip import BareChip
from firmware.small_gateway import SmallGateway
from siaga_gateway.domain.frame import Kind
from siaga_tools.simulate.button import SimulatedButton
from siaga_tools.virtual_button import ButtonEvent

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


@pytest.mark.parametrize("after_s", [0.5, 3.5, 5.5])
def test_a_hold_is_as_long_as_it_was_meant_though_the_machine_stood_still(
    button: Callable[..., SimulatedButton], gateway: SmallGateway, after_s: float
) -> None:
    """A gap in what the firmware sampled would make a press of a free cancel."""
    one = button("t_a7670")
    one.power_on()
    one.events.wait_bearer("lte")
    mark = one.events.mark()
    one.holder.press()
    one.events.wait_for(_let_go, after=mark)
    one.events.wait_state("received", after=mark)
    mark = one.events.mark()
    stall = threading.Thread(target=_stall, args=(one, mark, after_s))
    stall.start()
    one.holder.cancel()
    stall.join()
    one.events.wait_for(_let_go, after=mark)
    one.events.wait_state("cancelled", after=mark, deadline_s=60)
    cancel = gateway.until(lambda uplink: uplink.kind is Kind.CANCEL)
    assert cancel.report is not None and not cancel.report.duress
    assert len([uplink for uplink in gateway.uplinks if uplink.kind is Kind.PRESS]) == 1


def _let_go(event: ButtonEvent) -> bool:
    return event.kind == "button" and event.facts["down"] is False


def _stall(one: SimulatedButton, mark: int, after_s: float) -> None:
    """The chip's process alone stands still for 2 s, so many simulated seconds after the button was felt."""
    one.events.wait_down(after=mark)
    one.sleep(after_s)
    pid = one.chip.process.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    time.sleep(2)
    os.kill(pid, signal.SIGCONT)
