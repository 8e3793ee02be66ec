"""Calls by the real driver under real MicroPython, over a simulated modem's real pty."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from firmware.drivers.driver_process import Conversation
from modem_time import let_pass
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.modem_faults import Fault
from siaga_tools.silicon.modem_voice import FarEnd
from waiting import eventually

pytestmark = pytest.mark.side_by_side(4)

PROGRAM = Path(__file__).resolve().parent / "on_button" / "voice.py"
PACE = 0.04  # one second of the telephone network in 40 ms
CENTRE = "+6281200000110"
RECEIVED, CLOSED = 1, 5


class Button:
    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.modem = A7670(folder, pace=PACE, model=settings.pop("model", "A7670E-FASE"))
        self.far = self.modem.voice
        self._file = folder / "settings.json"
        self._file.write_text(json.dumps({"percent": int(PACE * 100), **settings}))

    def __enter__(self) -> Button:
        self.modem.__enter__()
        self.program = Conversation(PROGRAM, self.modem.path, self.modem.pins.path, str(self._file))
        self.until(bearer="sms", up=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.program.__exit__()
        self.modem.__exit__(None, None, None)

    def until(self, within: float = 60, **facts: object) -> dict[str, Any]:
        try:
            return self.program.until(within, **facts)
        except AssertionError as error:
            raise AssertionError(f"{error}\nasked: {self.modem.asked[-40:]}") from None

    def say(self, *lines: str) -> None:
        for line in lines:
            self.program.say(line)

    def ask(self) -> dict[str, Any]:
        """phase, busy, heap, repair, now."""
        self.say("state")
        while "phase" not in (fact := self.program.until(20)):
            pass
        return fact

    def is_quiet(self) -> bool:
        now = self.ask()
        return not now["busy"] and not self.far.is_busy


Maker = Callable[..., Button]


@pytest.fixture
def button(tmp_path: Path) -> Iterator[Maker]:
    made: list[Button] = []

    def make(far_end: FarEnd = FarEnd.ANSWERS, *faults: Fault, **settings: Any) -> Button:
        one = Button(tmp_path, settings)
        one.modem.faults.update(faults)
        one.far.far_end = far_end
        made.append(one)
        return one.__enter__()

    yield make
    for each in made:
        each.__exit__()


@pytest.mark.parametrize("model", ["A7670E-FASE", "SIMCOM_SIM7600E-H"])
def test_a_press_that_is_acknowledged_is_called_for_until_the_incident_is_closed(button: Maker, model: str):
    it = button(FarEnd.ANSWERS, Fault.STRAY_WORDS, Fault.NOISE, model=model)
    it.say("test", "acknowledge 7")
    it.say("press")
    assert it.ask()["busy"], "a button that has yet to call stays awake"
    assert not it.far.dialled, "the press has the modem to itself"
    it.say("acknowledge 1")
    it.until(call="dialling")
    it.until(call="began")
    assert it.far.dialled == ["+6272100110"]
    eventually(lambda: it.far.is_up)
    assert it.ask()["heap"] < 150_000
    it.say("press", "acknowledge 1")  # while they talk, a further press calls nobody
    it.say("acknowledge 5")
    it.until(call="hanging_up")
    it.until(call="over")
    eventually(it.is_quiet)
    assert it.far.dialled == ["+6272100110"] and not it.far.collisions
    asked = it.modem.asked
    for needed in ("ATS0=0", "AT+CLIP=1", "AT+CMICGAIN=5", "AT+CRSL=0"):
        assert asked.count(needed) == 1


def test_without_an_acknowledgement_the_call_goes_after_a_while(button: Maker):
    it = button(wait_ms=400)
    it.say("press")
    it.until(call="began")
    it.say("cancel 1")  # a forced cancel ends it as any other
    it.until(call="over")
    eventually(it.is_quiet)
    it.say("press", "acknowledge 1")  # forced as well
    assert not it.ask()["busy"] and len(it.far.dialled) == 1


@pytest.mark.parametrize("far_end", [FarEnd.BUSY, FarEnd.NO_ANSWER, FarEnd.NO_CARRIER, FarEnd.NO_VOICE])
def test_a_call_that_nobody_takes_is_tried_three_times(button: Maker, far_end: FarEnd):
    it = button(far_end)
    it.say("press", "acknowledge 1")
    for _ in range(3):
        it.until(call="dialling", within=30)
        it.until(call="over", within=30)
    eventually(it.is_quiet)
    assert len(it.far.dialled) == 3 and not it.far.collisions
    if far_end is not FarEnd.NO_ANSWER:  # the modem says that it is over: nothing is left to be hung up
        assert not it.far.hang_ups
    it.far.far_end = FarEnd.ANSWERS
    it.say("press", "acknowledge 1")  # the hand asks again
    it.until(call="began")
    let_pass(it.modem, 10)
    it.far.hang_up()
    it.until(call="over")
    eventually(it.is_quiet)
    assert len(it.far.dialled) == 4


def test_a_network_that_says_no_carrier_first_and_goes_on(button: Maker):
    it = button(FarEnd.LATE)
    it.say("press", "acknowledge 1")
    it.until(call="over")
    it.until(call="began")
    assert it.far.is_up and it.far.dialled == ["+6272100110"]
    it.say("acknowledge 5")
    eventually(it.is_quiet)


def test_only_the_centre_is_answered_and_everybody_else_rejected(button: Maker):
    it = button()
    eventually(lambda: "AT+CMICGAIN=5" in it.modem.asked)
    for stranger in ("+6281299999999", "081299999999", None):
        known = it.far.hang_ups
        it.far.call(stranger)
        eventually(lambda known=known: it.far.hang_ups > known and it.is_quiet())
    assert not it.far.answered
    for form in (CENTRE, "081200000110", "6281200000110"):
        it.far.call(form)
        it.until(call="answering")
        eventually(lambda: it.far.is_up)
        it.far.hang_up()
        it.until(call="over")
        eventually(it.is_quiet)
    assert it.far.answered == [CENTRE, "081200000110", "6281200000110"]
    it.say("press", "cancel 0")
    it.far.call(CENTRE)  # who cancelled is not listened to, forced or not
    eventually(lambda: not it.far.is_busy)
    assert len(it.far.answered) == 3


def test_a_silent_button_neither_calls_nor_answers(button: Maker):
    it = button(allowed=False)
    eventually(lambda: "AT+CMICGAIN=5" in it.modem.asked)
    it.say("press", "acknowledge 1")
    it.far.call(CENTRE)
    eventually(lambda: it.far.hang_ups and it.is_quiet())
    assert not it.far.answered and not it.far.dialled


def test_while_a_call_is_up_an_old_modem_s_messages_and_all_repairs_wait(button: Maker):
    it = button(model="SIMCOM_SIM7600E-H")
    it.say("press", "acknowledge 1")
    it.until(call="began")
    it.say("send " + bytes([0x11, 1, *range(97)]).hex(), "want 3")
    before = it.ask()["repair"]  # none, unless the start was slow
    let_pass(it.modem, 20)
    assert it.far.is_up and it.ask()["repair"] == before
    assert not any("CMGS" in text for text in it.modem.asked)
    it.say("acknowledge 5")
    it.until(puback=99)
    eventually(it.is_quiet)
    it.say("want 3")
    it.until(told="modem: a reset")
    it.until(bearer="sms", up=True)


def test_a_modem_that_hangs_or_falls_in_a_call_is_repaired_and_the_call_made_again(button: Maker):
    it = button()
    it.say("press", "acknowledge 1")
    it.until(call="began")
    it.modem.fail(Fault.HANG)
    it.until(told="modem: a reset", within=30)
    it.until(call="began", within=30)
    it.modem.brown_out()
    it.until(call="began", within=30)
    it.say("cancel 0")
    eventually(it.is_quiet)
    assert len(it.far.dialled) == 3 and not it.far.collisions


def test_an_end_that_is_not_said_a_lost_network_and_a_call_that_does_not_end(button: Maker):
    it = button()
    it.far.mumbles = True
    it.say("press", "acknowledge 1")
    it.until(call="began")
    let_pass(it.modem, 10)
    it.far.hang_up()
    it.until(call="over")
    it.far.mumbles = False
    it.until(call="began")  # it was cut off, for all that is known
    let_pass(it.modem, 10)
    it.modem.fail(Fault.NO_NETWORK)
    it.until(call="over")
    it.modem.heal()
    it.until(bearer="sms", up=True)
    it.far.holds = True
    it.say("press", "acknowledge 1")
    it.until(call="began")
    it.say("cancel 0")
    it.until(told="modem: radio off and on", within=30)
    eventually(lambda: not it.far.is_busy)
    eventually(it.is_quiet)
