"""A SIM and its PIN: a card that locks after three wrong ones, restarts, resets and power cuts in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.drivers.scripted_modem import Scripted
from modem_time import let_pass
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.modem_sim import Sim

pytestmark = pytest.mark.side_by_side

PACE = 0.04
PIN = ("+CPIN: SIM PIN", "OK")
WRONG = ("+CME ERROR: incorrect password",)


class Button(Scripted):
    """The same program on the simulated modem, whose card remembers."""

    def __init__(self, folder: Path, sim: Sim, pin: str, **given: object) -> None:
        super().__init__(folder, access={"pin": pin}, **given)
        self.modem = A7670(folder, pace=PACE, sim=sim)
        self.asked = self.modem.asked

    def __enter__(self) -> Button:
        self.modem.__enter__()
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.program.__exit__()
        self.modem.__exit__(None, None, None)
        self._line.close()
        self._pins.close()

    def start(self) -> None:
        self._begin(self.modem.path, self.modem.pins.path)

    @property
    def tries(self) -> list[str]:
        return [text for text in self.modem.asked if text.startswith("AT+CPIN=")]


def test_a_wrong_pin_is_tried_once_whatever_restarts(tmp_path: Path):
    sim = Sim(pin="1234")
    with Button(tmp_path, sim, "4321", wires="power_key reset supply") as it:
        said = it.until(complaint="the SIM has refused setting sim_pin, which is not tried again: "
                        "a third wrong SIM PIN locks it")  # fmt: skip
        assert "SIM PIN" in said["complaint"]
        it.restart()
        it.until(complaint=said["complaint"])
        for happens in (it.modem.brown_out, lambda: it.modem.do(it.modem.power.turn_off)):  # a dip, and a cut
            boots = it.modem.boots
            happens()
            it.until_asked("ATE0", it.count("ATE0") + 1)
            assert it.modem.boots > boots
        let_pass(it.modem, 60)
        assert it.tries == ['AT+CPIN="4321"'] and sim.tries == 2


def test_no_repair_is_made_for_a_card_that_only_a_person_can_open(tmp_path: Path):
    with Button(tmp_path, Sim(pin="1234"), "") as it:
        assert (
            "sim_pin is empty"
            in it.until(complaint="the SIM asks for its SIM PIN, and setting sim_pin is empty")["complaint"]
        )
        let_pass(it.modem, 200)
        assert it.modem.boots == 1 and "AT+CFUN=0" not in it.modem.asked and not it.tries
        # Meanwhile its receiver works.
        it.modem.place = (-5.3971, 105.2668)
        it.program.say("locate 1")
        while "5.3971000,S" not in it.until().get("position", ""):
            pass
        # A person takes the PIN off, in a telephone or with another tool.
        it.modem.do(lambda: setattr(it.modem.card, "unlocked", True))
        it.up("sms")


def test_a_locked_sim_is_said_by_its_name_and_works_once_it_is_open(tmp_path: Path):
    sim = Sim(pin="1234", tries=0)
    with Button(tmp_path, sim, "1234") as it:
        assert (
            "SIM PUK"
            in it.until(
                complaint="the SIM is locked and asks for its SIM PUK: open it in a telephone, with the operator's PUK"
            )["complaint"]
        )
        let_pass(it.modem, 100)
        assert not it.tries and it.modem.boots == 1
        it.modem.do(lambda: setattr(sim, "tries", 3))
        it.up("sms")


def test_a_new_setting_is_tried_once_and_a_good_one_writes_nothing_more(tmp_path: Path):
    sim = Sim(pin="1234")
    for pin, tries in (("4321", 2), ("5555", 1)):
        with Button(tmp_path, sim, pin) as it:
            while "complaint" not in it.until():
                pass
        assert sim.tries == tries
    sim.tries = 3
    with Button(tmp_path, sim, "1234") as it:
        it.up("sms")
        assert [fact["stored"] for fact in it.program.heard if "stored" in fact] == [[1], [0]]
        it.modem.brown_out()
        it.until(told="modem: it restarted by itself (brown-out?)")
        it.up("sms")
        assert len(it.tries) == 2
        assert [fact["stored"] for fact in it.program.heard if "stored" in fact] == [[1], [0]]
    # Another card with the same setting: it may be that one's PIN.
    with Button(tmp_path, Sim(pin="1234", iccid="8962100000000000002"), "1234") as it:
        it.up("sms")


def test_a_power_cut_in_the_middle_of_the_try_costs_one_more_and_no_third(tmp_path: Path):
    """The chip loses its power after the record and before the answer: whether the card counted it nobody knows."""
    never = {"AT+CPIN?": PIN, "AT+CPIN=": (5.0,)}
    tried = 0
    for _ in range(4):
        with Scripted(tmp_path, never, access={"pin": "4321"}) as it:
            if tried < 2:
                it.until_asked("AT+CPIN=")
            else:
                while "complaint" not in it.until():
                    pass
            tried += it.count("AT+CPIN=")
    assert tried == 2


@pytest.mark.parametrize("words", ["SIM busy", "SIM failure", "14", "operation not allowed"])
def test_what_no_card_has_looked_at_is_no_try(words: str, tmp_path: Path):
    pins = [(f"+CME ERROR: {words}",), ("OK",)]
    states = [PIN, PIN, ("+CPIN: READY", "OK")]
    with Scripted(tmp_path, {"AT+CPIN?": states, "AT+CPIN=": pins}, access={"pin": "1234"}) as it:
        it.up("sms")
        assert it.count("AT+CPIN=") == 2


def test_where_the_flash_keeps_nothing_it_is_tried_once_a_run(tmp_path: Path):
    with Scripted(tmp_path, {"AT+CPIN?": PIN, "AT+CPIN=": WRONG}, access={"pin": "4321"}, flash="worn") as it:
        while "complaint" not in it.until():
            pass
        it.says("*ATREADY: 1", "+CPIN: SIM PIN", "+CPIN: SIM PIN")
        it.until_asked("AT+CPIN?", 6)
        assert it.count("AT+CPIN=") == 1
