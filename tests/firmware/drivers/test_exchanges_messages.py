"""What real modems said of calls and text messages: see modem_exchange.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.drivers.modem_exchange import NO_REPAIR, PRESS, Exchange, play
from firmware.drivers.scripted_modem import PROGRAM, Scripted

pytestmark = pytest.mark.side_by_side(12)


class Telephone(Scripted):
    """With the driver for calls, after a press that is acknowledged."""

    program_file = PROGRAM.parent / "voice.py"


MADE = '+CLCC: 1,0,2,0,0,"+6272100110",145'
ENDED = '+CLCC: 1,0,6,0,0,"+6272100110",145'
CALLS = [
    Exchange(
        "no voice over LTE: the call ends at once, and no other word is in the log",
        "user's log, A7670E B01",
        {"ATD": ("OK", MADE, ENDED)},
        heard=({"call": "dialling"}, {"call": "over"}, {"call": "dialling"}),
        never=("AT+CHUP",),
    ),
    Exchange(
        "the same without the call's mode",
        "the log's short form",
        {"ATD": ("OK", "+CLCC: 1,0,2", "+CLCC: 1,0,6")},
        heard=({"call": "dialling"}, {"call": "over"}),
        never=("AT+CHUP",),
    ),
    Exchange(
        "a call that the network does not put through",
        "user's log, SIM7600EI",
        {"ATD": ("OK", "NO CARRIER")},
        heard=({"call": "dialling"}, {"call": "over"}),
        never=("AT+CHUP",),
    ),
    Exchange(
        "a call that goes right, and the other side ends it",
        "user's log, SIM7600",
        {"ATD": ("OK", MADE, "VOICE CALL: BEGIN", '+CLCC: 1,0,0,0,0,"+6272100110",145')},
        says=(ENDED, "VOICE CALL: END: 000003"),
        heard=({"call": "dialling"}, {"call": "began"}, {"call": "over"}),
        never=("AT+CHUP",),
    ),
    Exchange(
        "one that is over is listed as such: no call is up",
        "user's log, SIM7600: state 6",
        {"AT+CLCC": (ENDED, "+CLCC: 2,0,0,1,0", "OK"), "ATD": ("OK", MADE)},
        heard=({"call": "dialling"},),
    ),
    Exchange(
        "no answer to whether a call is up, nor to a setting: it is dialled all the same",
        "users' logs: settings of sound differ by version; +CLCC may stand still during a change of network",
        {"AT+CLCC": (), "AT+CMICGAIN": (), "AT+COUTGAIN": ("ERROR",), "ATD": ("OK", MADE)},
        heard=({"call": "dialling"},),
        asked=(("ATD+6272100110;", 1),),
        never=NO_REPAIR,
    ),
]


@pytest.mark.parametrize("exchange", CALLS, ids=lambda one: str(one.what))
def test_calls(exchange: Exchange, tmp_path: Path):
    with Telephone(tmp_path, exchange.replies) as it:
        it.up("sms")
        it.program.say("press")
        it.program.say("acknowledge 1")
        for fact in exchange.heard:
            if fact == {"call": "over"}:
                it.says(*exchange.says)
            it.until(**fact)
        for start, times in exchange.asked:
            it.until_asked(start, times)
        assert not [start for start in exchange.never if it.count(start)], it.asked


CENTRE = "+6281200000110"


@pytest.mark.parametrize(("number", "answers"), [(CENTRE, True), ("+6281299999999", False)])
def test_who_rings(number: str, answers: bool, tmp_path: Path):
    """User's log, SIM7600: RING, +CLCC without who it is (128), BEGIN before the OK; END before the OK of AT+CHUP."""
    replies = {"ATA": ("VOICE CALL: BEGIN", "OK"), "AT+CHUP": ("VOICE CALL: END: 000008", "OK")}
    with Telephone(tmp_path, replies) as it:
        it.up("sms")
        it.until_asked("AT+CMICGAIN")
        it.says("RING", '+CLCC: 4,1,4,0,0,"",128', f'+CLIP: "{number}",145,,,"",0')
        it.until_asked("ATA" if answers else "AT+CHUP")
        if answers:
            it.until(call="began")
            it.says('+CLCC: 4,1,6,0,0,"",128', "VOICE CALL: END: 000003")
            it.until(call="over")
        assert it.count("ATA") == answers


REJECTED = {"rejected": "a message that is no frame"}
MESSAGES = [
    Exchange(
        "a message came, and the modem does not say where it is",
        "user's log, SIM7000G",
        {"AT+CMGL": [("OK",), ('+CMGL: 4,0,"",39', "0004049126110000621129010000000548656C6C6F", "OK")]},
        up="sms",
        says=("+CMTI: ,-1",),
        heard=(REJECTED,),
        asked=(("AT+CMGD=4", 1),),
    ),
    Exchange(
        "the SIM is full of what came unseen, and takes no more: it is read and emptied",
        "user's log, A7670E: +SMS FULL, and no message until some were deleted (LilyGo-Modem-Series issue 184)",
        {"AT+CMGL": [("OK",), ('+CMGL: 0,1,"",39', "0004049126110000621129010000000548656C6C6F", "OK")]},
        up="sms",
        says=("+SMS FULL",),
        heard=(REJECTED,),
        asked=(("AT+CMGL=4", 2), ("AT+CMGD=0", 1)),
    ),
    Exchange(
        "the SIM is read only some seconds after the network is there",
        "users' logs, A7670E A110B01 and A011B07 (CPIN: READY, registered, then SMS DONE)",
        {"AT+CMGL": [("+CMS ERROR: SIM busy",), ("OK",)]},
        up="sms",
        says=("SMS DONE",),
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
        up="sms",
        says=('+CMT: "+62999","","26/11/29,10:00:00+28"', "+CMQTTCONNLOST: 0,1", "*ATREADY: 1", "RING"),
        heard=(REJECTED,),
        asked=(("AT+CMGF=0", 3), ("AT+CMGL=4", 2)),
        never=("AT+CFUN=0",),
    ),
]


@pytest.mark.parametrize("exchange", MESSAGES, ids=lambda one: str(one.what))
def test_messages(exchange: Exchange, tmp_path: Path):
    play(exchange, tmp_path)


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
