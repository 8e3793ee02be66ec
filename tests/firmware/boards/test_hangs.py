"""Whichever call of the board hangs, at the start or under the finger: the watchdog ends it once, and the press leaves.
Every method that a board has is tried, on the simulated chip with the real board file, whose watchdog fires."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from firmware.board_methods import methods
from firmware.small_gateway import SmallGateway
from micropython import FIRMWARE, micropython
from siaga_gateway.domain.frame import Kind, Uplink
from siaga_tools.board_wiring import BOARDS
from siaga_tools.simulate.button import SimulatedButton
from siaga_tools.simulate.flash_image import Installer
from waiting import eventually

pytestmark = pytest.mark.side_by_side

Make = Callable[..., SimulatedButton]
NEEDED = {"pressed", "alarm_input", "feed", "mark", "marked", "left_out", "leave_out"}
WAITED = ("network.connect", "network.resolve")
LEFT_OUT = [*(name for name in methods() if name not in NEEDED), *WAITED]
SPEED = 15
# While keys are made or a press is signed: five real seconds of a slow machine are less than half of the watchdog's 60.
COMPUTING = 5

# As firmware/main.py, but for a method of the board that hangs as the chip's own C code does: nothing runs beside it.
MAIN = """
import siaga_latch, siaga_boot, asyncio, machine, sys, time, gc, host
gc.threshold(262144)
siaga_boot.begin()
from siaga.boards import esp32, esp32_wifi, rtc
PART, _, NAME = "{broken}".rpartition(".")
form = {{"": esp32.ChipBoard, "rtc": rtc.ChipRtc, "lamp": esp32.PinLamp, "network": esp32_wifi.Wifi}}[PART]
real = getattr(form, NAME)
finger = machine.Pin({pin}, machine.Pin.IN)
felt = []

def hangs():
    if {at_once}:
        return True
    if finger.value() != {level}:
        felt.clear()
    elif not felt:
        felt.append(time.ticks_ms())
    return bool(felt) and time.ticks_diff(time.ticks_ms(), felt[0]) > 100

def stop():
    print('{{"t": 0, "ev": "hangs"}}')
    while True:  # asleep, as far as the host is concerned
        host.real_sleep_ms(60000)

def call(*arguments):
    if hangs():
        stop()
    return real(*arguments)

async def wait(*arguments):
    if {at_once}:
        stop()
    if NAME == "surroundings":
        while not hangs():
            await asyncio.sleep_ms(20)
        stop()
    if finger.value() == {level}:
        await asyncio.sleep_ms(200)
        if finger.value() == {level}:
            stop()
    return await real(*arguments)

setattr(form, NAME, wait if NAME in ("surroundings", "connect", "resolve") else call)
from siaga.start import start
start()
machine.reset()
"""


@pytest.fixture
def hanging(button: Make, tmp_path: Path) -> Callable[..., SimulatedButton]:
    """hanging(method, at_once): a button on which it hangs at each call; or only with a finger on the button."""

    def make(broken: str, *, at_once: bool) -> SimulatedButton:
        one = button("t_a7670", speed=COMPUTING, wifi_ssid="siaga-simulated" if broken in WAITED else None)
        if broken == "offered_settings":
            one.power_on()
            one.events.wait_bearer("lte")  # the settings are its own now
            one.power_cut()
        switch = BOARDS["t_a7670"].button
        main = tmp_path / "main.py"
        main.write_text(
            MAIN.format(broken=broken, pin=switch.pin, level=int(switch.level(True)), at_once=at_once), encoding="utf-8"
        )
        Installer(micropython(), FIRMWARE, tmp_path).copy(one.flash, {main: "/main.py"})
        return one

    return make


def is_press(uplink: Uplink) -> bool:
    return uplink.kind is Kind.PRESS and not uplink.report.test


def tells(one: SimulatedButton, mark: int, *kinds: str) -> bool:
    return any(event.kind in kinds for event in one.events.all()[mark:])


def end_of_hang(one: SimulatedButton, gateway: SmallGateway, mark: int) -> None:
    """Wait for the watchdog's reset, once it hangs. What no press calls hangs never."""
    starts = one.chip.starts
    eventually(lambda: tells(one, mark, "hangs") or any(map(is_press, gateway.uplinks)), "a hang, or the press")
    if tells(one, mark, "hangs"):
        one.set_speed(SPEED)
        eventually(lambda: one.chip.starts > starts, "the watchdog's reset")
        one.set_speed(COMPUTING)


def press_of(one: SimulatedButton, gateway: SmallGateway) -> None:
    try:
        gateway.until(is_press)
    except AssertionError as error:
        raise AssertionError(
            f"after {one.chip.starts} starts: {[event.facts for event in one.events.all()]}"
        ) from error


def test_what_is_never_left_out_is_little():
    assert set(methods()) >= NEEDED and len(NEEDED) < 8


@pytest.mark.parametrize("broken", LEFT_OUT)
def test_a_press_leaves_whatever_hangs_at_the_start(
    hanging: Callable[..., SimulatedButton], gateway: SmallGateway, broken: str
):
    one = hanging(broken, at_once=True)
    before = one.chip.starts
    mark = one.events.mark()
    one.power_on(held=True)
    end_of_hang(one, gateway, mark)
    press_of(one, gateway)
    assert one.chip.starts - before <= 2, "one reset of the watchdog, no more"


@pytest.mark.parametrize("broken", LEFT_OUT)
def test_a_press_leaves_whatever_hangs_under_the_finger(
    hanging: Callable[..., SimulatedButton], gateway: SmallGateway, broken: str
):
    one = hanging(broken, at_once=False)
    before, mark = one.chip.starts, one.events.mark()
    one.mains(broken in WAITED)  # it has two bearers: it would sleep before it has both, and a wake is a start too
    one.power_on()
    eventually(lambda: tells(one, mark, "start"), "its keys are made")
    one.set_speed(SPEED)
    one.events.wait_bearer("lte", after=mark)
    with one.clock.paced():
        one.set_speed(1)
        one.holder.move((True, 0.09))  # sampled twice before anything hangs, also on a busy machine
        if broken in WAITED:  # called as a connection is made
            one.wifi(False)
            one.sleep(0.3)
            one.wifi(True)
        one.sleep(2.5)
        one.holder.hold(False)  # while nobody looks, where it hangs
        one.set_speed(COMPUTING)
    end_of_hang(one, gateway, mark)
    press_of(one, gateway)
    if broken in (*WAITED, "surroundings"):
        # In the language of the settings, which are not read yet.
        told = f"{broken} pada papan ini macet: tidak dipakai untuk sementara"
        one.events.wait_for(lambda event: event.facts.get("what") == told, after=mark, what=told)
    assert one.chip.starts - before <= 2, "one reset of the watchdog, no more"
