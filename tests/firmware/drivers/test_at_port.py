"""The serial line's own rules, under real MicroPython over a real pty: the test is the modem, byte for byte."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from micropython import HEAP, environment, micropython
from siaga_tools.silicon.pty_line import PtyLine
from waiting import ENDS_S

PROGRAM = Path(__file__).resolve().parent / "on_button" / "talk.py"
DEADLINE_S = ENDS_S


class Talk:
    """Both ends: say() and outcome() are the firmware's, hear() and answer() the modem's."""

    def __init__(self) -> None:
        self._line = PtyLine()
        self._process = subprocess.Popen(
            [micropython(), "-X", f"heapsize={HEAP}", str(PROGRAM), self._line.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=environment(),
        )

    def say(self, *calls: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(calls) + "\n")

    def urcs(self) -> list[list[Any]]:
        assert self._process.stdin is not None
        self._process.stdin.write('"urcs"\n')
        return self.outcome()

    def outcome(self) -> Any:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], DEADLINE_S)
        assert ready, "the firmware said nothing"
        return json.loads(self._process.stdout.readline())

    def hear(self, expected: bytes) -> None:
        got = b""
        until = time.monotonic() + DEADLINE_S
        while len(got) < len(expected) and time.monotonic() < until:
            if select.select([self._line], [], [], 0.2)[0]:
                got += os.read(self._line.fileno(), len(expected) - len(got))
        assert got == expected

    def hears_nothing(self, seconds: float) -> None:
        assert not select.select([self._line], [], [], seconds)[0]

    def answer(self, words: bytes) -> None:
        self._line.write(words)

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait(10)
        self._process.stdout.close()
        self._line.close()


@pytest.fixture
def talk() -> Iterator[Talk]:
    talk = Talk()
    yield talk
    talk.close()


def test_replies_urcs_payloads_and_results(talk: Talk):
    talk.say({"text": "AT+CSQ", "expects": "+CSQ:"})
    talk.hear(b"AT+CSQ\r")
    talk.answer(b"AT+CSQ\r\r\nPB DONE\r\n\r\n+CS")
    time.sleep(0.05)
    talk.answer(b"Q: 20,99\r\n\r\n+BAD\r\n\r\nOK\r\n")
    assert talk.outcome() == [["+CSQ: 20,99"]]
    talk.say({"text": "AT+CMQTTPAYLOAD=0,3", "payload": [0, 13, 255]})
    talk.hear(b"AT+CMQTTPAYLOAD=0,3\r")
    talk.hears_nothing(0.1)
    talk.answer(b"\r\n>")
    talk.hear(b"\x00\r\xff")
    talk.answer(b"\r\nOK\r\n")
    assert talk.outcome() == [[]]
    # Refused instead of a prompt: the payload stays here.
    talk.say({"text": "AT+CMGS=1", "payload": [65]})
    talk.hear(b"AT+CMGS=1\r")
    talk.answer(b"\r\n+CMS ERROR: 500\r\n")
    assert talk.outcome() == [{"AtError": "AT+CMGS: +CMS ERROR: 500"}]
    # A result before the OK, and one with an ERROR after it.
    talk.say({"text": "AT+CMQTTSTART", "result": "+CMQTTSTART:", "result_ms": 2000})
    talk.hear(b"AT+CMQTTSTART\r")
    talk.answer(b"\r\n+CMQTTSTART: 0\r\n\r\nOK\r\n")
    assert talk.outcome() == [["+CMQTTSTART: 0"]]
    talk.say({"text": "AT+CMQTTCONNECT=0", "result": "+CMQTTCONNECT:", "result_ms": 2000})
    talk.hear(b"AT+CMQTTCONNECT=0\r")
    talk.answer(b"\r\n+CMQTTCONNECT: 0,3\r\n\r\nERROR\r\n")
    assert talk.outcome() == [{"AtError": "AT+CMQTTCONNECT: +CMQTTCONNECT: 0,3"}]
    talk.answer(b"\r\n+CMQTTRXPAYLOAD: 0,2\r\n\r\n\r\n")
    assert talk.urcs() == [
        ["PB DONE", None],
        ["trouble", "b'+BAD' could not be handled: ValueError('bad',)"],
        ["+CMQTTRXPAYLOAD: 0,2", [13, 10]],
    ]


def test_one_at_a_time_but_another_while_only_a_result_is_awaited(talk: Talk):
    talk.say(
        {"text": "AT+CMQTTPUB=0,1,60", "result": "+CMQTTPUB:", "result_ms": 3000},
        {"text": "AT+CSQ", "expects": "+CSQ:"},
    )
    talk.hear(b"AT+CMQTTPUB=0,1,60\r")
    talk.hears_nothing(0.1)
    talk.answer(b"\r\nOK\r\n")
    talk.hear(b"AT+CSQ\r")
    talk.answer(b"\r\n+CMQTTPUB: 0,0\r\n\r\n+CSQ: 9,99\r\n\r\nOK\r\n")
    assert talk.outcome() == [["+CMQTTPUB: 0,0"], ["+CSQ: 9,99"]]


def test_a_late_reply_is_not_the_next_commands(talk: Talk):
    talk.say({"text": "AT+CEREG?", "expects": "+CEREG:", "deadline_ms": 100})
    talk.hear(b"AT+CEREG?\r")
    assert talk.outcome() == [{"AtTimeout": "AT+CEREG?: no final result within 100 ms"}]
    talk.say({"text": "AT+CMGF=1"}, {"text": "AT+CSQ", "expects": "+CSQ:"})
    talk.hear(b"\x1bAT\r")
    talk.answer(b"\r\n+CEREG: 0,1\r\n\r\nERROR\r\n")  # at last
    talk.answer(b"\r\nOK\r\n")
    talk.hear(b"AT+CMGF=1\r")
    talk.answer(b"\r\nOK\r\n")
    talk.hear(b"AT+CSQ\r")
    talk.answer(b"\r\n+CSQ: 1,99\r\n\r\nOK\r\n")
    assert talk.outcome() == [[], ["+CSQ: 1,99"]]


def test_nothing_is_asked_before_all_late_replies_came(talk: Talk):
    """A modem that has just started answers what it was asked meanwhile, one by one."""
    talk.say({"text": "AT+CSQ", "deadline_ms": 100})
    talk.hear(b"AT+CSQ\r")
    talk.outcome()
    talk.say({"text": "AT+CSQ"})
    talk.hear(b"\x1bAT\rAT\rAT\r")
    assert talk.outcome() == [{"AtTimeout": "the modem does not answer"}]
    talk.say({"text": "AT+CSQ", "expects": "+CSQ:"})
    talk.hear(b"\x1bAT\r")
    talk.answer(b"\r\nOK\r\n\x1bAT\r")
    talk.hears_nothing(0.1)
    talk.answer(b"\r\nOK\r\nAT\r\r\nOK\r\nAT\r\r\nOK\r\n\x1bAT\r\r\nOK\r\n")
    talk.hear(b"AT+CSQ\r")
    talk.answer(b"\r\n+CSQ: 1,99\r\n\r\nOK\r\n")
    assert talk.outcome() == [["+CSQ: 1,99"]]
    assert talk.urcs() == []


def test_given_up_from_outside_and_a_modem_that_is_gone(talk: Talk):
    talk.say({"text": "AT+CGMR", "expects": "", "give_up_ms": 100})
    talk.hear(b"AT+CGMR\r")
    assert talk.outcome() == [["given up"]]
    talk.say({"text": "AT+CSQ"})
    talk.hear(b"\x1bAT\rAT\rAT\r")
    assert talk.outcome() == [{"AtTimeout": "the modem does not answer"}]
    talk.say({"text": "AT+CSQ", "expects": "+CSQ:"})
    talk.hear(b"\x1bAT\r")
    talk.answer(b"\xff\x00\r\n\r\nOK\r\n")
    talk.hear(b"AT+CSQ\r")
    talk.answer(b"\r\n+CSQ: 31,99\r\n\r\nOK\r\n")
    assert talk.outcome() == [["+CSQ: 31,99"]]
