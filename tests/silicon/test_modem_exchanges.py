"""What real modems said, from users' and vendors' public logs, and what the driver has to do then.

Each exchange is what a modem of that kind answers instead of what one that is well does (scripted.WELL). What no log
shows is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from scripted import Answer, Scripted

PRESS = bytes([0x11, 1]) + bytes(range(97))


@dataclass(frozen=True)
class Exchange:
    """what, source: for people. replies: as Scripted takes them. says: unasked, once the bearer `up` is up. heard: what
    the program tells then, in order. asked: that often at least; never: of which nothing may have been asked."""

    what: str
    source: str
    replies: Mapping[str, Answer | list[Answer]] = field(default_factory=dict)
    up: str = "lte"
    says: tuple[str, ...] = ()
    heard: tuple[dict[str, Any], ...] = ()
    asked: tuple[tuple[str, int], ...] = ()
    never: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


REJECTED = {"rejected": "a message that is no frame"}
MESSAGES = [
    Exchange(
        "a message came, and the modem does not say where it is",
        "user's log, SIM7000G",
        {"AT+CMGL": [("OK",), ('+CMGL: 4,0,"",39', "0004049126110000621129010000000548656C6C6F", "OK")]},
        "sms",
        ("+CMTI: ,-1",),
        (REJECTED,),
        (("AT+CMGD=4", 1),),
    ),
    Exchange(
        "the SIM is read only some seconds after the network is there",
        "users' logs, A7670E A110B01 and A011B07 (CPIN: READY, registered, then SMS DONE)",
        {"AT+CMGL": [("+CMS ERROR: SIM busy",), ("OK",)]},
        "sms",
        ("SMS DONE",),
        asked=(("AT+CMGL=4", 2), ("AT+CNMI=2,2", 2)),
    ),
    Exchange(
        "no messages in this firmware: the rest works",
        "user's log, A7670E-LNXY-UBL 23110B01",
        {"AT+CMGF": ("ERROR",), "AT+CNMI": ("ERROR",), "AT+CMGL": ("ERROR",)},
    ),
    Exchange(
        "a text in text mode, though PDU mode was asked for: set up anew, and none of its lines heard",
        "users' logs, SIM7600 with CSDH=0: a text with line breaks is several lines",
        {},
        "sms",
        ('+CMT: "+62999","","26/11/29,10:00:00+28"', "+CMQTTCONNLOST: 0,1", "*ATREADY: 1", "RING"),
        (REJECTED,),
        (("AT+CMGF=0", 3), ("AT+CMGL=4", 2)),
        ("AT+CFUN=0",),
    ),
]


@pytest.mark.parametrize("exchange", MESSAGES, ids=lambda one: str(one.what))
def test_messages(exchange: Exchange, tmp_path: Path):
    play(exchange, tmp_path)


def play(exchange: Exchange, folder: Path) -> None:
    with Scripted(folder, exchange.replies, **exchange.given) as it:
        it.up(exchange.up)
        if exchange.asked or exchange.says:
            it.until_asked("AT+CMGL")
        it.says(*exchange.says)
        for fact in exchange.heard:
            it.until(**fact)
        for start, times in exchange.asked:
            it.until_asked(start, times)
        assert not [start for start in exchange.never if it.count(start)]


def test_a_text_that_is_refused_after_two_minutes_resets_nothing(tmp_path: Path):
    """User's log, SIM7600A-H: +CMS ERROR: Unknown error some two minutes after Ctrl-Z, and nothing before."""
    slowly = [(">", 120 * 0.04, "+CMS ERROR: Unknown error"), (">", "+CMGS: 8", "OK")]
    with Scripted(tmp_path, {"AT+CMGS": slowly}) as it:
        it.up("sms")
        it.program.say(f"send sms 5 {PRESS.hex()}")
        assert "Unknown error" in it.until(bearer="sms", up=False)["why"]
        it.up("sms")
        it.program.say(f"send sms 5 {PRESS.hex()}")
        it.until(puback=5)
        assert not it.count("AT+CRESET") and not [fact for fact in it.program.heard if "reset" in fact.get("told", "")]
        assert it.payloads["AT+CMGS"].isalnum(), "hexadecimal digits and nothing else"
