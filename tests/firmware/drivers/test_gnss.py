"""The GNSS driver under real MicroPython, on a serial line with a receiver that has good and bad days."""

from __future__ import annotations

import datetime
import itertools
import json
from pathlib import Path

import pytest

from firmware.drivers.driver_process import Conversation
from micropython import run_micropython
from siaga_tools.silicon.gnss import ReceiverCondition, SimulatedGnss, angle

PROGRAM = Path(__file__).parent / "on_button" / "follow_gnss.py"
PLACE = (-54292000, 1052610000)
SPEED = 50


def ticking() -> SimulatedGnss:
    """A receiver whose second, like the driver's, takes 20 ms."""
    seconds = itertools.count()
    start = datetime.datetime(2026, 7, 15, 12, 0, tzinfo=datetime.UTC)
    return SimulatedGnss(1 / SPEED, lambda: start + datetime.timedelta(seconds=next(seconds)))


def test_a_day_in_a_receivers_life() -> None:
    with ticking() as gnss, Conversation(PROGRAM, gnss.line.path, str(SPEED)) as driver:
        driver.until(state="searching", fix=None)
        gnss.place = PLACE
        fixed = driver.until(state="fixed")
        assert fixed["fix"][:4] == [*PLACE, 14, 0]
        gnss.mood = ReceiverCondition.NO_SKY
        lost = driver.until(state="searching")
        assert lost["fix"][:3] == [*PLACE, 14]  # kept, with its age
        assert lost["fix"][3] >= 10
        gnss.mood = ReceiverCondition.WELL
        gnss.place = (PLACE[0] + 5, PLACE[1])
        assert driver.until(state="fixed")["fix"][0] == PLACE[0] + 5
        gnss.mood = ReceiverCondition.FROZEN
        frozen = driver.until(state="frozen")
        assert frozen["fix"][3] >= 10
        assert driver.until(restarts=1)["state"] == "frozen"
        gnss.mood = ReceiverCondition.WELL
        driver.until(state="fixed", restarts=1)
        gnss.mood = ReceiverCondition.SILENT
        driver.until(state="silent")
        driver.until(restarts=2)
        gnss.mood = ReceiverCondition.NOISE
        assert driver.until(state="noise")["rejected"] > 0
        driver.until(restarts=3)
        gnss.mood = ReceiverCondition.WELL
        driver.until(state="fixed")


@pytest.mark.parametrize(
    ("kinds", "date", "accuracy"),
    [({"GNS", "GSV"}, None, 14), ({"GLL", "GSV"}, None, 65535), ({"RMC", "GSA"}, "3x0226", 14)],
)
def test_a_receiver_that_says_it_another_way_is_understood(kinds: set[str], date: str | None, accuracy: int) -> None:
    with ticking() as gnss, Conversation(PROGRAM, gnss.line.path, str(SPEED)) as driver:
        gnss.kinds, gnss.date = kinds, date
        driver.until(state="searching", fix=None)
        gnss.place = PLACE
        assert driver.until(state="fixed")["fix"][:3] == [*PLACE, accuracy]
        gnss.mood = ReceiverCondition.NO_SKY
        driver.until(state="searching")


def test_the_last_fix_is_known_again_after_a_reset() -> None:
    with ticking() as gnss, Conversation(PROGRAM, gnss.line.path, str(SPEED)) as driver:
        gnss.place = PLACE
        driver.until(state="fixed")
        driver.say("saved")
        record = _saved(driver)
    with ticking() as gnss, Conversation(PROGRAM, gnss.line.path, str(SPEED), record) as driver:
        again = driver.until(state="searching")
        assert again["fix"] == [*PLACE, 14, 65535, 1]  # no clock, so no age


def _saved(driver: Conversation) -> str:
    while True:
        fact = driver.until()
        if "saved" in fact:
            return str(fact["saved"])


def test_a_line_that_goes_away_is_silence_and_no_busy_loop() -> None:
    gnss = ticking()
    with Conversation(PROGRAM, gnss.line.path, str(SPEED)) as driver:
        with gnss:
            gnss.place = PLACE
            driver.until(state="fixed")
        driver.until(state="silent")


def test_a_modem_that_is_asked() -> None:
    answers = [
        "+CGNSSINFO: ,,,,,,,,",
        "+CGNSSINFO: 3,07,,03,00,5.42920,S,105.2610000,E,291126,023114.00,118.4,0.679,,3.43,1.00,2.06,06",
        "+CGNSSINFO: 3,07,,03,00,95.42920,S,105.2610000,E,291126,023115.00,118.4,0.679,,3.43,1.00,2.06,06",
        "+CGNSSINFO: 3,07,,03,00,5.42920,S,105.2610000,E,291126,023114.00,118.4,0.679,,3.43,1.00,2.06,06",
        "+CGPSINFO: 0525.752000,S,10515.660000,E,291126,023116.00,42.1,0.0,0.0",
    ]
    program = PROGRAM.with_name("ask_modem_gnss.py")
    told = [json.loads(line) for line in run_micropython(program, feed="\n".join(answers) + "\n").splitlines()]
    known = [*PLACE, 15, 0, 1]
    assert told[:4] == [[None, 0, False], [known, 0, True], [known, 1, True], [known, 1, True]]
    assert told[4] == [[*PLACE, 65535, 0, 2], 1, True]
    assert told[5] == [[*PLACE, 65535, 4, 1], 0, False]  # after a reset, with the age that the clock tells


@pytest.mark.parametrize(
    ("e7", "width", "letters", "written"),
    [
        (-1, 2, "NS", "0000.0000060,S"),
        (1052610000, 3, "EW", "10515.6600000,E"),
        (-900000000, 2, "NS", "9000.0000000,S"),
    ],
)
def test_the_simulated_receiver_writes_angles_exactly(e7: int, width: int, letters: str, written: str) -> None:
    assert angle(e7, width, letters) == written
