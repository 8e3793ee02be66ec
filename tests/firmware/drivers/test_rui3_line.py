"""The words of real RAK3172, as their logs and their vendor's source have them, given to the bearer byte by byte."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from firmware.drivers.driver_process import Conversation
from firmware.drivers.lorawan_bearer_process import KEY, PRESS, PROGRAM, SPEED
from siaga_tools.silicon.pty_line import PtyLine
from spoiling import spoilt
from waiting import eventually

BANNER = (
    b"RAKwireless RAK3172-E Example\r\n"
    + b"-" * 54
    + b"\r\nVersion: RUI_4.0.6_RAK3172-E\r\nCurrent Work Mode: LoRaWAN.\r\n"
)
# A module that is set up and in a session: what it answers, by how the command begins.
WELL = {
    "AT+NWM=?": b"AT+NWM=1\r\nOK\r\n",
    "AT+BAND=?": b"AT+BAND=9\r\nOK\r\n",
    "AT+NJM=?": b"AT+NJM=1\r\nOK\r\n",
    "AT+CLASS=?": b"AT+CLASS=A\r\nOK\r\n",
    "AT+CFM=?": b"AT+CFM=0\r\nOK\r\n",
    "AT+DEVEUI=?": b"AT+DEVEUI=AC1F09FFFE05A1B2\r\nOK\r\n",
    "AT+APPEUI=?": b"AT+APPEUI=0000000000000000\r\nOK\r\n",
    "AT+APPKEY=?": b"AT+APPKEY=" + KEY.upper().encode() + b"\r\nOK\r\n",
    "AT+ADR=?": b"AT+ADR=0\r\nOK\r\n",
    "AT+LPM=?": b"AT+LPM=0\r\nOK\r\n",
    "AT+NJS=?": b"AT+NJS=1\r\nOK\r\n",
    "AT+DR=?": b"AT+DR=3\r\nOK\r\n",
    "AT+SEND=": b"OK\r\n+EVT:TX_DONE\r\n",
    "AT+JOIN=": b"OK\r\n+EVT:JOINED\r\n",
    "AT": b"OK\r\n",
}


class Words:
    """answers: as above; a list is used up, its last for ever. echo: what an ATE module says first. rst: what it says
    once its RST was pulled, from when on it is well."""

    def __init__(self, answers: dict[str, Any], rst: bytes | None = None) -> None:
        self.line = PtyLine()
        self.answers: dict[str, Any] = {**WELL, **answers}
        self.heard: list[str] = []
        self._rst = rst
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        held = b""
        while not self._stop.is_set():
            *lines, held = (held + self.line.read(0.01)).replace(b"\r", b"\n").split(b"\n")
            for line in lines:
                if line:
                    self._answer(line.decode())

    def _answer(self, command: str) -> None:
        self.heard.append(command)
        beginning = max((known for known in self.answers if command.startswith(known)), key=len)
        answer = self.answers[beginning]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        self.line.write(answer)

    def on_fact(self, fact: dict[str, Any]) -> None:
        if fact.get("rst") == 0 and self._rst is not None:
            self.answers = dict(WELL)
            self.line.write(self._rst)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self.line.close()


@contextmanager
def talking(
    answers: dict[str, Any], rst: bytes | None = None, **settings: object
) -> Iterator[tuple[Words, Conversation]]:
    words = Words(answers, rst)
    given = json.dumps({"app_key": KEY, **settings})
    try:
        with Conversation(PROGRAM, words.line.path, given, str(SPEED), "1") as talk:
            talk.on_fact = words.on_fact
            yield words, talk
    finally:
        words.close()


UNJOINED = {"AT+NJS=?": b"AT+NJS=0\r\nOK\r\n"}
SAID: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("as it should be", {}, {"up": True}),
    (
        "an answer with events before and within it",
        {"AT+DR=?": b"+EVT:LINKCHECK:0,21,1,-60,11\r\nAT+DR=3\r\n+EVT:TX_DONE\r\nOK\r\n"},
        {"up": True},
    ),
    ("an echo with LF CR", {"AT+NJM=?": b"AT+NJM=?\n\rAT+NJM=1\r\nOK\r\n"}, {"up": True}),
    ("joined", UNJOINED, {"up": True}),
    (
        "no network",
        {**UNJOINED, "AT+JOIN=": b"OK\r\n+EVT:JOIN_FAILED_TX_TIMEOUT\r\n"},
        {"up": False, "why": "no LoRaWAN network answered (JOIN_FAILED_TX_TIMEOUT)"},
    ),
    (
        "no network, as 1.0.x and the vendor's examples have it",
        {**UNJOINED, "AT+JOIN=": b"OK\r\n+EVT:JOIN FAILED\r\n"},
        {"up": False, "why": "no LoRaWAN network answered (JOIN FAILED)"},
    ),
    (
        "the low-frequency type",
        {"AT+BAND=?": b"AT+BAND=1\r\nOK\r\n", "AT+BAND=9": b"AT_UNSUPPORTED_BAND\r\n"},
        {"up": False, "why": "this LoRaWAN module has no band 9: it is of another type"},
    ),
    (
        "values without a name, as 1.0.4 has them",
        {"AT+NWM=?": b"1\r\n\r\nOK\r\n"},
        {"up": False, "why": "the module does not say its NWM"},
    ),
    (
        "another mode, and its OK runs into the words of its start",
        {
            "AT+NWM=?": [b"AT+NWM=0\r\nOK\r\n", b"AT+NWM=1\r\nOK\r\n"],
            "AT+PRECV=0": b"OK\r\n",
            "AT+NWM=1": b"OK" + BANNER,
        },
        {"up": True},
    ),
    (
        "another mode, without an OK, as before 4.0",
        {
            "AT+NWM=?": [b"AT+NWM=0\r\nOK\r\n", b"AT+NWM=1\r\nOK\r\n"],
            "AT+PRECV=0": b"OK\r\n",
            "AT+NWM=1": BANNER,
        },
        {"up": True},
    ),
    (
        "another mode, which it does not leave",
        {
            "AT+NWM=?": b"AT+NWM=0\r\nOK\r\n",
            "AT+PRECV=0": b"OK\r\n",
            "AT+NWM=1": b"P2P_RX_ON already, please disable P2P RX before setting.\r\nAT_BUSY_ERROR\r\n",
        },
        {"up": False, "why": "the LoRaWAN module stays in its P2P mode"},
    ),
    (
        "a data rate that cannot be set while it is busy",
        {"AT+DR=?": [b"AT+DR=5\r\nOK\r\n", b"AT+DR=3\r\nOK\r\n"], "AT+DR=3": [b"AT_ERROR\r\n", b"OK\r\n"]},
        {"up": True},
    ),
    (
        "a data rate that there is not, said once",
        {"AT+DR=?": [b"AT+DR=3\r\nOK\r\n", b"AT+DR=15\r\nOK\r\n", b"AT+DR=3\r\nOK\r\n"]},
        {"up": True, "limit": 53},
    ),
    (
        "a data rate that there is not",
        {"AT+DR=?": b"AT+DR=15\r\nOK\r\n", "AT+DR=3": b"OK\r\n"},
        {"up": False, "why": "the LoRaWAN module stays at DR15, which carries no press"},
    ),
    (
        "a mode of sleep that this version does not know",
        {"AT+LPM=?": b"AT_COMMAND_NOT_FOUND\r\n"},
        {"up": True},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("answers", "wanted"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_what_it_says_at_its_start(answers: dict[str, Any], wanted: dict[str, Any]) -> None:
    with talking(answers) as (_, talk):
        said = talk.until(up=wanted["up"])
        assert {name: said[name] for name in wanted} == wanted
        assert [fact["up"] for fact in talk.heard if "up" in fact] == [wanted["up"]]


@pytest.mark.parametrize(
    "said",
    [
        b"OK\r\n+EVT:TX_DONE\r\n",
        b"OK\r\n+EVT:SEND_CONFIRMED_OK\r\n",
        b"OK\r\n+EVT:SEND_CONFIRMED_FAILED(4)\r\n",
        b"OK\r\n",
        b"+EVT:RX_1:-28:8:UNICAST:2:00000710\r\nOK\r\n+EVT:TX_DONE\r\n",
        [b"AT_BUSY_ERROR\r\n", b"OK\r\n+EVT:TX_DONE\r\n"],
        [b"AT_ERROR\r\n", b"OK\r\n+EVT:TX_DONE\r\n"],
        [b"AT_PARAM_ERROR\r\n+EVT:TX_DONE\r\n", b"OK\r\n+EVT:TX_DONE\r\n"],
        [b"Restricted_Wait_1200_ms\r\nAT_BUSY_ERROR\r\n", b"OK\r\n+EVT:TX_DONE\r\n"],
        [b"AT_COMMAND_NOT_FOUND\r\n", b"OK\r\n+EVT:TX_DONE\r\n"],
    ],
)
def test_however_it_says_that_a_frame_is_over_the_next_one_goes(said: Any) -> None:
    with talking({"AT+SEND=": said}) as (words, talk):
        talk.until(up=True)
        talk.say(f"send 1 {PRESS.hex()}")
        second = spoilt(PRESS).hex()
        talk.say(f"send 2 {second}")
        talk.until(taken=2)
        eventually(lambda: any(command.endswith(second) for command in words.heard), "the second frame")
        assert [fact["up"] for fact in talk.heard if "up" in fact] == [True]


def test_a_downlink_in_every_form_that_logs_have() -> None:
    told = b"OK\r\n+EVT:RX_1:-28:8:UNICAST:10:00000710\r\n+EVT:RX_C:-64:5:UNICAST:10:b076\r\n"
    told += b"+EVT:RX_B:-47:3:UNICAST:10:4321\r\n+EVT:RX_C:-64:5:MULTICAST:10:b076\r\n+EVT:TX_DONE\r\n"
    with talking({"AT+SEND=": told}) as (_, talk):
        talk.until(up=True)
        talk.say(f"send 1 {PRESS.hex()}")
        for down in ("00000710", "b076", "4321"):
            talk.until(down=down)
        talk.until(rejected="a LoRaWAN downlink that is damaged")


def test_one_that_answers_a_single_letter_is_reset() -> None:
    """As the host's own start can leave it (forum topic 10235)."""
    deaf = dict.fromkeys(WELL, b"A")
    with talking({**deaf, "ATZ": b""}, rst=BANNER) as (words, talk):
        assert talk.until(up=False)["why"] == "the LoRaWAN module is silent"
        talk.until(rst=1)
        assert "ATZ" in words.heard
        talk.until(up=True)
