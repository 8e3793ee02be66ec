"""How simulated modules sleep: the modem by AT+CSCLK and DTR, telling by RI what comes in; the RAK3172 by AT+SLEEP.

Here a test holds the other end of the wire itself.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modem_time import let_pass
from siaga_tools.silicon.a7670 import A7670
from siaga_tools.silicon.modem_sms import Message, write_message
from siaga_tools.silicon.rak3172 import SimulatedRak3172
from waiting import ENDS_S, eventually

PACE = 0.05


class Wire:
    """The button's end."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self.heard = b""

    def say(self, words: bytes) -> None:
        os.write(self._file, words)

    def until(self, wanted: bytes, within: float = ENDS_S) -> bool:
        until = time.monotonic() + within
        while wanted not in self.heard:
            left_s = until - time.monotonic()
            if left_s <= 0:
                return False
            if select.select([self._file], [], [], min(left_s, 0.2))[0]:
                self.heard += os.read(self._file, 4096)
        self.heard = self.heard.partition(wanted)[2]
        return True

    def ask(self, command: bytes) -> None:
        self.say(command + b"\r")
        assert self.until(b"OK\r\n"), (command, self.heard)

    def close(self) -> None:
        os.close(self._file)


@pytest.fixture
def modem(tmp_path: Path) -> Iterator[tuple[A7670, Wire, list[bool]]]:
    rings: list[bool] = []
    with A7670(tmp_path, pace=PACE) as simulated:
        simulated.on_ring = rings.append
        simulated.power_on()
        wire = Wire(simulated.path)
        assert wire.until(b"PB DONE")
        for command in (b"ATE0", b"AT+CMGF=1", b"AT+CNMI=2,1,0,0,0"):
            wire.ask(command)
        eventually(simulated.radio.has_network)
        yield simulated, wire, rings
        wire.close()


def test_it_sleeps_only_when_told_and_allowed_and_its_line_is_quiet(modem: tuple[A7670, Wire, list[bool]]):
    simulated, wire, _ = modem
    simulated.press_line("dtr", True)
    let_pass(simulated, 12)
    assert not simulated.is_asleep(), "it was not told to"
    wire.ask(b"AT+CSCLK=1")
    assert not simulated.is_asleep(), "its line is not quiet yet"
    eventually(simulated.is_asleep)
    wire.say(b"AT\r")
    assert not wire.until(b"OK", within=20 * PACE), "it is deaf"
    assert simulated.radio.has_network() and simulated.is_on
    simulated.press_line("dtr", False)
    eventually(lambda: not simulated.is_asleep())
    let_pass(simulated, 3)
    wire.ask(b"AT")


def test_ri_tells_of_messages_always_and_of_other_words_where_that_is_set(modem: tuple[A7670, Wire, list[bool]]):
    simulated, wire, rings = modem
    simulated.do(lambda: simulated.urc("+CMQTTNONET"))
    assert rings == []
    wire.ask(b"AT+CFGRI=1")
    assert rings == [], "an answer is not unasked"
    simulated.do(lambda: simulated.urc("+CMQTTNONET"))
    eventually(lambda: rings == [True, False])
    wire.ask(b"AT+CSCLK=1")
    simulated.press_line("dtr", True)
    eventually(simulated.is_asleep)
    write_message(simulated.sms.incoming, "From", Message("+6281200000000", "halo"))
    eventually(lambda: rings == [True, False] * 2)
    assert simulated.sms.store, "it waits on the SIM"


def test_a_short_pulse_on_the_reset_line_resets_nothing(modem: tuple[A7670, Wire, list[bool]]):
    simulated, wire, _ = modem
    boots = simulated.boots
    simulated.press_line("reset", True)
    time.sleep(0.5 * PACE)
    simulated.press_line("reset", False)
    wire.ask(b"AT")
    assert simulated.boots == boots
    simulated.press_line("reset", True)
    eventually(lambda: simulated.boots == boots + 1)
    simulated.press_line("reset", False)


def test_the_flight_line_switches_the_radio(modem: tuple[A7670, Wire, list[bool]]):
    simulated, _, _ = modem
    simulated.press_line("flight", False)
    eventually(lambda: not simulated.radio.has_network())
    simulated.press_line("flight", True)
    eventually(simulated.radio.has_network)


class NoNetwork:
    def uplink(self, *_: object) -> None: ...

    def downlink(self, *_: object) -> None: ...

    def waiting(self, *_: object) -> bool:
        return False


def test_the_lorawan_module_sleeps_and_what_wakes_it_is_lost():
    with SimulatedRak3172(NoNetwork(), app_key="00" * 16, speed=20) as module:  # type: ignore[arg-type]
        wire = Wire(module.line.path)
        wire.say(b"AT+LPM=1\r\n")
        assert wire.until(b"OK")
        time.sleep(0.05)
        wire.say(b"AT+LPM=?\r\n")
        assert wire.until(b"AT_COMMAND_NOT_FOUND")  # the byte that wakes it is heard wrong
        wire.say(b"\r\nAT+LPM=?\r\n")
        assert wire.until(b"AT+LPM=1\r\nOK")
        wire.say(b"\r\nAT+SLEEP\r\n")
        assert wire.until(b"OK")
        wire.say(b"\r\nAT\r\n")
        assert not wire.until(b"OK", within=0.5)
        wire.say(b"\r\nAT\r\n")
        assert wire.until(b"OK")
        wire.say(b"\r\nAT+SLEEP=x\r\n")
        assert wire.until(b"AT_PARAM_ERROR")
        wire.close()
