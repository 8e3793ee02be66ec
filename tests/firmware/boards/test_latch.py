"""The hand from the chip's first line on: on the simulated chip, which takes its time to start, with the real loader's
latch, a real board and inputs.py. The simulated clock stands nearly still while the host starts a process for it, so
that no result hangs on how fast the machine is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from firmware.boards.bare_chip import BareChip
from siaga_tools.board_wiring import BOARDS

pytestmark = pytest.mark.side_by_side(4)

Bare = Callable[..., BareChip]
SPEED = 2.0
STILL = 0.01

PROGRAM = """
import siaga_latch
import machine, time
{before}
from siaga.app.board import SLEEP
from siaga.start import boards
for board in boards():
    from siaga.app.settings import Settings
    from siaga.app.inputs import Inputs
    hand = Inputs(board, Settings())
    print("woke", ",".join(board.causes()))
    held = None
    while not board.external_power():
        for word in hand.sample(board.awake_ms(), lambda: False):
            print("word", word)
        if hand.held != held:
            held = hand.held
            print("held", int(held))
        board.battery()
        time.sleep_ms(15)
    board.sleep_ms, board.modem_sleeps, board.ended = 3600000, False, SLEEP
"""
# A start that fails before anything looks at the hand, once; `again` is told to outlive it by nothing but the chip.
FAILS_ONCE = """
if machine.reset_cause() == machine.DEEPSLEEP_RESET:
    time.sleep_ms({ms})
    machine.reset()
"""


@dataclass
class Finger:
    """On the button of a chip that takes dark_ms + load_ms to start."""

    chip: BareChip
    down_us: int = 0
    up_us: int = 0

    def down(self, switch_on: bool = False) -> None:
        """Which wakes it, or is there as the power comes; it has begun its program when this returns."""
        clock, chip = self.chip.clock, self.chip.chip
        clock.set_speed(STILL)
        self.down_us = clock.now_us()
        button = self.chip.wiring.button
        chip.drive(button.pin, button.level(True))
        if switch_on:
            chip.power_on()
        self.chip.until(lambda: chip.is_here, "a process for it")
        clock.set_speed(SPEED)

    def up(self, held_ms: int) -> None:
        with self.chip.seen_until(self.down_us + held_ms * 1000):
            button = self.chip.wiring.button
            self.chip.chip.drive(button.pin, button.level(False))
            self.up_us = self.chip.clock.now_us()

    @property
    def held_ms(self) -> float:
        return (self.up_us - self.down_us) / 1000

    def words(self) -> list[str]:
        """What was understood by the time at which the finger is known to be gone."""
        return [line.removeprefix("word ") for line in self.chip.said if line.startswith("word ")]


def asleep(bare: Bare, board: str, dark_ms: int, load_ms: int, before: str = "") -> Finger:
    chip = bare(board, PROGRAM.format(before=before), speed=8, dark_ms=dark_ms, load_ms=load_ms)
    chip.line("woke")
    chip.goes_to_sleep()
    chip.said.clear()
    return Finger(chip)


def heard(finger: Finger) -> list[str]:
    """Once the finger is gone and its program has had the time to say what it meant, and on a busy machine has."""
    finger.chip.line("woke")
    finger.chip.clock.until(finger.chip.clock.now_us() + 1_500_000)
    finger.chip.samples(finger.chip.wiring.button.pin)
    return finger.words()


@pytest.mark.parametrize("load_ms", [0, 1000, 2960])
@pytest.mark.parametrize("held_ms", [300, 1500, 2400, 4500])
def test_a_hold_that_wakes_it_counts_from_the_finger(bare: Bare, load_ms: int, held_ms: int):
    finger = asleep(bare, "t_a7670", 540, load_ms)
    finger.down()
    finger.up(held_ms)
    words = heard(finger)
    if finger.held_ms <= 1900:
        assert words == ["touch"]
    elif held_ms >= 2100:
        assert words == ["press"]


@pytest.mark.parametrize("board", sorted(BOARDS))
def test_on_every_board_a_finger_that_left_while_the_firmware_was_loaded_is_a_press(bare: Bare, board: str):
    finger = asleep(bare, board, 540, 2960)
    finger.down()
    finger.up(2300)
    assert heard(finger) == ["press"]


@pytest.mark.parametrize("load_ms", [0, 2960])
@pytest.mark.parametrize("held_ms", [1500, 3200])
def test_a_hold_under_which_the_power_comes_counts_from_the_first_look(bare: Bare, load_ms: int, held_ms: int):
    """Nobody knows what was before: it may be a brown-out. A touch asks for a test, which takes another one."""
    chip = bare("t_a7670", PROGRAM.format(before=""), speed=8, dark_ms=540, load_ms=load_ms)
    chip.chip.power_off()
    chip.said.clear()
    finger = Finger(chip)
    finger.down(switch_on=True)
    finger.up(held_ms)
    words = heard(finger)
    if finger.held_ms <= 2300:
        assert words == []
    elif held_ms >= 2700:
        assert words == ["press"]


@pytest.mark.parametrize("board", ["t_a7670", "t_sim7600"])
def test_a_foot_switch_that_wakes_it_and_is_over_before_its_first_line_is_an_alarm(bare: Bare, board: str):
    finger = asleep(bare, board, 540, 1000)
    switch = finger.chip.wiring.foot_switch
    finger.chip.chip.drive(switch.pin, switch.level(True))
    finger.chip.chip.drive(switch.pin, switch.level(False))
    assert heard(finger) == ["closed"]


def test_a_foot_switch_that_is_kicked_while_the_firmware_is_loaded_is_an_alarm(bare: Bare):
    chip = bare("t_a7670", PROGRAM.format(before=""), speed=8, dark_ms=0, load_ms=3000)
    chip.chip.power_off()
    chip.said.clear()
    chip.clock.set_speed(STILL)
    chip.chip.power_on()
    chip.until(lambda: chip.chip.is_here, "a process for it")
    chip.clock.set_speed(SPEED)
    began_us, switch = chip.clock.now_us(), chip.wiring.foot_switch
    with chip.seen_until(began_us + 800_000):
        chip.chip.drive(switch.pin, switch.level(True))
    with chip.seen_until(began_us + 1_200_000):
        chip.chip.drive(switch.pin, switch.level(False))
    assert heard(Finger(chip)) == ["closed"]


@pytest.mark.parametrize(
    ("fails_ms", "held_ms", "expected"),
    [
        (3000, 2400, ["press"]),  # let go before the reset
        (1000, 6000, ["press"]),  # still down at the next start
        (3000, 900, ["touch"]),
        (3000, 200, ["touch"]),  # gone before the first line
    ],
)
def test_a_wake_that_nobody_decided_about_outlives_a_reset(
    bare: Bare, fails_ms: int, held_ms: int, expected: list[str]
):
    finger = asleep(bare, "t_a7670", 540, 0, FAILS_ONCE.format(ms=fails_ms))
    finger.down()
    finger.up(held_ms)
    assert heard(finger) == expected
    assert finger.chip.line("woke").startswith("reset")


FAILED = """
if machine.reset_cause() == 1:
    from siaga.start import boards
    for board in boards():
        board.ended = "failed"
        look = board.pressed
        def pressed():
            board.pressed = look
            level = look()
            print("pauses")
            return level
        board.pressed = pressed
"""


def test_a_hand_ends_the_pause_after_a_firmware_that_failed(bare: Bare):
    """Nothing else looks at the button in it."""
    chip = bare("t_a7670", PROGRAM.format(before=FAILED), speed=SPEED)
    chip.line("pauses")
    chip.clock.set_speed(0.02)  # nobody waits for its end
    chip.chip.drive(chip.wiring.button.pin, chip.wiring.button.level(True))
    assert chip.line("woke") == "reset"
    chip.clock.set_speed(SPEED)
    assert chip.line("word") == "press"


def test_what_was_decided_is_not_decided_again_by_a_reset(bare: Bare):
    finger = asleep(bare, "t_a7670", 540, 0)
    finger.down()
    finger.up(2400)
    assert heard(finger) == ["press"]
    chip = finger.chip
    chip.said.clear()
    chip.chip.restart(2)  # by the firmware itself
    assert heard(finger) == []
    assert chip.line("woke") == "reset"


@pytest.mark.parametrize("named", ["t_a7670 12", "t_a7670 12 +39 +14", "t_a7670 12 +x"])
def test_without_its_contacts_in_the_file_the_wake_still_counts_and_it_is_said(bare: Bare, named: str):
    write = f"f = open('/board.txt', 'w'); f.write({named!r}); f.close()\n"
    chip = bare("t_a7670", write + PROGRAM.format(before=""), speed=8, dark_ms=540, load_ms=1000)
    chip.line("held 0")
    chip.goes_to_sleep()
    assert any("/board.txt menyebut kontak lain" in line for line in chip.said)
    chip.said.clear()
    finger = Finger(chip)
    finger.down()
    finger.up(2500)
    assert heard(finger) == ["press"]
