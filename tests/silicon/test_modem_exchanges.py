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
from scripted import PROGRAM, Answer, Scripted

PRESS = bytes([0x11, 1]) + bytes(range(97))


@dataclass(frozen=True)
class Exchange:
    """what, source: for people. replies: as Scripted takes them. told: to the program at the start; then: once the
    bearer `up` is up, as `says`, which the modem says unasked. heard: what the program tells then, in order. asked:
    that often at least; never: of which nothing may have been asked. state: what the program knows then."""

    what: str
    source: str
    replies: Mapping[str, Answer | list[Answer]] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    up: str = "lte"
    then: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    heard: tuple[dict[str, Any], ...] = ()
    asked: tuple[tuple[str, int], ...] = ()
    never: tuple[str, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)


FIX = "+CGNSSINFO: 3,07,,03,00,22.6562366,N,114.0598297,E,291124,023114.00,118.4,0.679,,3.43,2.74,2.06,06"
NO_REPAIR = ("AT+CFUN=0", "AT+CRESET", "AT+CPOF")
READY = ("+CPIN: READY", "OK")
START = [
    Exchange(
        "the SIM is not read yet at the first AT",
        "users' logs, A7670E: SIM failure, SIM busy, then ready",
        {"AT+CPIN?": [("+CME ERROR: SIM failure",), ("+CME ERROR: SIM busy",), READY]},
        asked=(("AT+CPIN?", 3),),
        never=NO_REPAIR,
    ),
    Exchange(
        "the same by numbers",
        "users' logs, A7608 and A7670G A124B01, before CMEE=2 is taken",
        {"AT+CPIN?": [("+CME ERROR: 313",), ("+CME ERROR: 13",), ("+CME ERROR: 14",), READY]},
        never=NO_REPAIR,
    ),
    Exchange(
        "the state comes unasked between the question and its answer",
        "user's log, A7670E",
        {"AT+CPIN?": ("+CPIN: READY", "+CPIN: READY", "OK")},
        never=NO_REPAIR,
    ),
    Exchange(
        "other words about the model's name",
        "users' logs: QCRDY (SIM7670G), COPN and MSTK (A7670), NMEA and a receiver's banner where its port was left on",
        {
            "AT+CGMM": (
                "QCRDY",
                '*COPN:0,"KT"',
                '+MSTK: 11, "D0308103012100820281028D"',
                "$GNRMC,,V,,,,,,,,,,N,V*37",
                "UC6228CI lite G1L1E1 COM1",
                "A7670E-FASE",
                "SMS DONE",
                "OK",
            )
        },
        state={"model": "A7670E-FASE"},
    ),
    Exchange(
        "a SIM7600 among other words is one",
        "users' logs, SIM7600: PB DONE after any command; bare QCRDY",
        {"AT+CGMM": ("SIMCOM_SIM7600E-H", "QCRDY", "PB DONE", "OK")},
        ("locate 1",),
        asked=(("AT+CGPS=1,1", 1), ("AT+CVAUXV=2800", 1)),
        state={"model": "SIMCOM_SIM7600E-H"},
    ),
    Exchange(
        "no SIM: its receiver works all the same",
        "users' logs, A7670E: +CPIN: SIM REMOVED twice, and fixes",
        {"AT+CPIN?": ("+CME ERROR: SIM not inserted",), "AT+CGNSSINFO": (FIX, "OK")},
        told=("locate 1",),
        up="",
        says=("+CPIN: SIM REMOVED", "+CPIN: SIM REMOVED"),
        heard=({"told": "modem: the SIM cannot be used: SIM not inserted"}, {"position": FIX}),
    ),
    Exchange(
        "its words after AT+CRESET, which nobody here asked for",
        "user's log, SIM7600EI",
        says=(
            "+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY",
            "+CMQTTCONNLOST: 0,3",
            "+CMQTTNONET",
            "RDY",
            "AT",  # it echoes again
            "+CPIN: READY",
            "SMS DONE",
            "PB DONE",
        ),
        heard=({"bearer": "lte", "up": False}, {"bearer": "lte", "up": True}),
        asked=(("ATE0", 2),),
        never=NO_REPAIR,
    ),
    Exchange(
        "two starts in a row: it has forgotten all, and is not sick",
        "user's log, A7670E: *ATREADY again right after PB DONE",
        says=("*ATREADY: 1", "AT+CEREG?"),  # it echoes again
        heard=({"told": "modem: it restarted by itself (brown-out?)"}, {"bearer": "lte", "up": True}),
        asked=(("ATE0", 2), ("AT+CREG=2", 2)),
        never=NO_REPAIR,
    ),
]


@pytest.mark.parametrize("exchange", START, ids=lambda one: str(one.what))
def test_start(exchange: Exchange, tmp_path: Path):
    play(exchange, tmp_path)


APN = "online.telia.se"
NETWORK = [
    Exchange(
        "the network's own part behind the access point's name",
        "user's log, A7670E-LNXY-UBL: .mnc001.mcc240.gprs",
        {"AT+CGDCONT?": (f'+CGDCONT: 1,"IP","{APN}.mnc001.mcc240.gprs","10.43.156.248",0,0,,,,', "OK")},
        never=("AT+CFUN=0", "AT+CGDCONT=1"),
        given={"access": {"apn": APN}},
    ),
    Exchange(
        "another access point, whose name only begins alike",
        "the same, with what an installer may set",
        {"AT+CGDCONT?": (f'+CGDCONT: 1,"IP","{APN}.ims","0.0.0.0",0,0,,,,', "OK")},
        asked=(("AT+CGDCONT=1", 1), ("AT+CFUN=0", 1)),
        given={"access": {"apn": APN}},
    ),
    Exchange(
        "an access point that it does not take: it goes on with what it has",
        "users' logs: contexts that the network sets",
        {"AT+CGDCONT=": ("+CME ERROR: unknown error",), "AT+CGAUTH": ("ERROR",)},
        given={"access": {"apn": "internet.example", "user": "u", "password": "p"}},
    ),
    Exchange(
        "no answer to who the operator is: it is registered all the same",
        "3GPP TS 27.007 7.3: +COPS may take as long as the network; SIMCom's manual: 30 s",
        {"AT+COPS?": (), "AT+CSQ": ()},
        never=NO_REPAIR,
        state={"operator": ""},
    ),
    Exchange(
        "no answer to one of three registrations",
        "users' logs: answers of all three differ by firmware",
        {"AT+CEREG?": (), "AT+CGREG?": ("+CGREG: 2,1", "OK")},
        never=NO_REPAIR,
    ),
    Exchange(
        "denied, until the radio is off and on",
        "user's log, A7670E: 0,3 until CFUN=0 and CFUN=1",
        {f"AT+{name}?": (f"+{name}: 2,3", "OK") for name in ("CREG", "CGREG", "CEREG")},
        up="",
        heard=({"told": "modem: no network in 180 s"}, {"told": "modem: radio off and on"}),
        asked=(("AT+CFUN=0", 1),),
    ),
    Exchange(
        "registered for messages only: they go",
        "users' logs, A7670E and SIM7670G with a wrong APN: 0,6",
        {f"AT+{name}?": (f"+{name}: 2,{stat}", "OK") for name, stat in (("CREG", 6), ("CGREG", 0), ("CEREG", 0))},
        up="sms",
        never=("AT+CMQTTSTART",),
    ),
    Exchange(
        "registered for data alone, as a firmware without messages says it",
        "user's log, A7670E-LNXY-UBL",
        {f"AT+{name}?": (f"+{name}: 2,11", "OK") for name in ("CREG", "CGREG", "CEREG")},
    ),
]


@pytest.mark.parametrize("exchange", NETWORK, ids=lambda one: str(one.what))
def test_network(exchange: Exchange, tmp_path: Path):
    play(exchange, tmp_path)


POSITION = {"position": FIX}
OFF = ("+CGNSSPWR: 0,0,1", "OK")
SATELLITES = [
    Exchange(
        "on by =1, READY some seconds later, then a fix in degrees",
        "users' logs, A7670E-FASE",
        {"AT+CGNSSPWR?": OFF, "AT+CGNSSINFO": [("+CGNSSINFO: ,,,,,,,,", "OK"), (FIX, "OK")]},
        ("locate 1",),
        says=("+CGNSSPWR: READY!",),
        heard=(POSITION,),
        never=("AT+CGNSSPWR=1,1",),
    ),
    Exchange(
        "a refused power-on is tried again",
        "users' logs: ERROR while the modem still starts; for ever on A7670G and -LASE, which have none",
        {"AT+CGNSSPWR?": OFF, "AT+CGNSSPWR=1": [("ERROR",), ("ERROR",), ("OK",)], "AT+CGNSSINFO": (FIX, "OK")},
        ("locate 1",),
        heard=(POSITION,),
        never=NO_REPAIR,
    ),
    Exchange(
        "it is on already: the chip started anew, and the modem did not",
        "users' logs: +CGNSSPWR: 1,0,1",
        {"AT+CGNSSPWR?": ("+CGNSSPWR: 1,0,1", "OK"), "AT+CGNSSINFO": (FIX, "OK")},
        ("locate 1",),
        heard=(POSITION,),
        never=("AT+CGNSSPWR=1", "AT+CGNSSPWR=0"),
    ),
    Exchange(
        "it went off: what it is asked is refused, until it is put on again",
        "users' logs: AT+CGNSSINFO is ERROR while it is off",
        {"AT+CGNSSPWR?": OFF, "AT+CGNSSINFO": [(FIX, "OK")] + [("ERROR",)] * 5 + [(FIX, "OK")]},
        ("locate 1",),
        heard=(POSITION, POSITION),
        asked=(("AT+CGNSSPWR=1", 2),),
        never=NO_REPAIR,
    ),
    Exchange(
        "OK, and never READY: off and on again",
        "user's log, A7670E-FASE A011B04",
        {"AT+CGNSSPWR?": OFF},
        ("locate 1",),
        asked=(("AT+CGNSSPWR=0", 1), ("AT+CGNSSPWR=1", 2)),
        never=NO_REPAIR,
    ),
    Exchange(
        "no receiver's answer is a reason to repair the modem",
        "users' logs, SIM7670G: the receiver's commands stop to answer",
        {"AT+CGNSSPWR?": OFF, "AT+CGNSSINFO": [(), (FIX, "OK")]},
        ("locate 1",),
        heard=(POSITION,),
        never=NO_REPAIR,
    ),
]


@pytest.mark.parametrize("exchange", SATELLITES, ids=lambda one: str(one.what))
def test_satellites(exchange: Exchange, tmp_path: Path):
    play(exchange, tmp_path)


# A server's word at the connect; heard: what the driver makes of it.
TLS = "TLS is refused: the server's certificate was not signed by an authority in mqtt_ca"
SERVICE_ON = ("+CMQTTSTART: 23", "ERROR")
NOT_SUBSCRIBED = "+CME ERROR: requested service option not subscribed (#33)"
MQTT = [
    Exchange(
        "the result before the OK",
        "users' logs, SIM7600: +CMQTTSTART: 0, OK",
        {"AT+CMQTTSTART": ("+CMQTTSTART: 0", "OK"), "AT+CMQTTSTOP": ("+CMQTTSTOP: 0", "OK")},
    ),
    Exchange(
        "the service runs already: it is released and stopped first",
        "users' logs, A7670E and SIM7600: +CMQTTSTART: 23, ERROR",
        {"AT+CMQTTSTART": [SERVICE_ON, ("OK", "+CMQTTSTART: 0")]},
        asked=(("AT+CMQTTREL=0", 1), ("AT+CMQTTSTOP", 1)),
    ),
    Exchange(
        "a context that is refused although it is up",
        "users' logs, A7670E on 2G: AT+CGPADDR=1 is only OK; AT+CGACT refused, and NETOPEN then good",
        {"AT+CGPADDR": ("OK",), "AT+CGACT": (NOT_SUBSCRIBED, "+CGEV: ME PDN DEACT 1")},
        asked=(("AT+CGACT=1,1", 1),),
        never=NO_REPAIR,
    ),
    Exchange(
        "another refusal of it",
        "user's log, A7670E: unknown error",
        {"AT+CGPADDR": ("+CGPADDR: 1,0.0.0.0", "OK"), "AT+CGACT": ("+CME ERROR: unknown error",)},
    ),
    Exchange(
        "settings that this version does not know",
        "users' logs: versions differ in what CSSLCFG and CMQTTCFG take; SIM7600 has no MQTT version",
        {
            "AT+CMQTTCFG": ("ERROR",),
            'AT+CSSLCFG="sslversion"': ("ERROR",),
            'AT+CSSLCFG="enableSNI"': ("ERROR",),
            'AT+CSSLCFG="negotiatetime"': ("ERROR",),
            'AT+CSSLCFG="ignorelocaltime"': ("ERROR",),
        },
        given={"ca": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
    ),
    Exchange(
        "a topic that the server does not allow",
        "user's log, SIM7600: OK, +CMQTTPUB: 0,6, +CMQTTCONNLOST: 0,1",
        {"AT+CMQTTPUB": [("OK", "+CMQTTPUB: 0,6", "+CMQTTCONNLOST: 0,1"), ("OK", "+CMQTTPUB: 0,0")]},
        then=(f"send lte 5 {PRESS.hex()}",),
        heard=({"bearer": "lte", "up": False}, {"bearer": "lte", "up": True}),
        never=NO_REPAIR,
    ),
    Exchange(
        "the same, with ERROR for its OK",
        "the same user's",
        {"AT+CMQTTPUB": [("+CMQTTPUB: 0,6", "ERROR", "+CMQTTCONNLOST: 0,1"), ("OK", "+CMQTTPUB: 0,0")]},
        then=(f"send lte 5 {PRESS.hex()}",),
        heard=(
            {
                "bearer": "lte",
                "up": False,
                "why": "CMQTTPUB: the server does not take this topic (its access list?) (error 6)",
            },
            {"bearer": "lte", "up": True},
        ),
        never=NO_REPAIR,
    ),
    Exchange(
        "busy at the subscription",
        "user's log, SIM7600M21-A: 0,14",
        {"AT+CMQTTSUB=": [(">", "OK", "+CMQTTSUB: 0,14"), (">", "OK", "+CMQTTSUB: 0,0")]},
        never=NO_REPAIR,
    ),
    Exchange(
        "a client that is held already: dropped, and acquired again",
        "users' logs: +CMQTTACCQ: 0,19, ERROR",
        {"AT+CMQTTACCQ": [("+CMQTTACCQ: 0,19", "ERROR"), ("OK",)], "AT+CMQTTREL": [("OK",)]},
        up="",
        heard=(
            {"bearer": "lte", "up": False, "why": "CMQTTACCQ: the modem's client is in use (error 19)"},
            {"bearer": "lte", "up": True},
        ),
        never=NO_REPAIR,
    ),
    Exchange(
        "a topic given twice, refused with a code and no prompt",
        "user's log, SIM7600EI: +CMQTTSUBTOPIC: 0,12, ERROR",
        {"AT+CMQTTTOPIC": [("+CMQTTTOPIC: 0,12", "ERROR"), (">", "OK")]},
        then=(f"send lte 5 {PRESS.hex()}",),
        heard=({"bearer": "lte", "up": False}, {"bearer": "lte", "up": True}),
        never=NO_REPAIR,
    ),
]


@pytest.mark.parametrize("exchange", MQTT, ids=lambda one: str(one.what))
def test_mqtt(exchange: Exchange, tmp_path: Path):
    play(exchange, tmp_path)


def test_a_message_comes_in_pieces_one_after_the_other(tmp_path: Path):
    """User's log, A7670E: RXSTART, RXTOPIC and the topic, RXPAYLOAD and the bytes, RXEND."""
    topic, payload = "siaga/v1/down/00112233445566ff", "\r\nOK\r\n+CMQTTRXEND: 0\r\n"
    with Scripted(tmp_path) as it:
        it.up()
        it.says(f"+CMQTTRXSTART: 0,{len(topic)},{len(payload)}", f"+CMQTTRXTOPIC: 0,{len(topic)}\r\n{topic}")
        it.says(f"+CMQTTRXPAYLOAD: 0,{len(payload)}\r\n{payload}", "+CMQTTRXEND: 0")
        it.until(downlink=payload.encode().hex(), on="lte")


CA = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (("+CMQTTCONNECT: 0,34", "ERROR"), TLS),  # users' logs, A7670: AWS, EMQX, RabbitMQ, 0.3 s after the command
        (("+CMQTTCONNECT: 0,32", "ERROR"), TLS),  # users' logs, A7670
        (("OK", "+CMQTTCONNECT: 0,32"), TLS),  # user's log, SIM7600: Azure
        (("OK", "+CMQTTCONNECT: 0,26"), "the server closed the connection"),  # user's log, SIM7600EI
        (("OK", "+CMQTTCONNECT: 0,12"), "a parameter is not taken"),  # user's log, SIM7600
        (("OK", "+CMQTTCONNECT: 0,13"), "connected already"),  # user's log
        (("OK", "+CMQTTCONNECT: 0,31"), "not authorised"),
        (("+CMQTTCONNECT: 0,3", "ERROR"), "no connection to the server"),  # user's log, A7670E: server not reached
        (("OK", "+CMQTTCONNECT: 0,25"), "the server's name is not known"),
        (("ERROR",), "AT+CMQTTCONNECT: ERROR"),  # user's log, A7670E-LNXY-UBL: a token as user name
    ],
)
def test_no_word_of_a_server_takes_the_messages_away(answer: Answer, why: str, tmp_path: Path):
    """400 s of the modem's time: formerly the radio went off at 66 s, and the power at 150 s."""
    with Scripted(tmp_path, {"AT+CMQTTCONNECT=": answer}, ca=CA, percent=2) as it:
        it.up("sms")
        assert why in it.until(bearer="lte", up=False)["why"]
        it.program.say("urgent 1")
        it.until_asked("AT+CSQ", 400 // 15 + it.count("AT+CSQ"), within=60)
        assert not [start for start in NO_REPAIR if it.count(start)], it.asked
        assert it.count("AT+CMQTTCONNECT=") > 5
        it.program.say(f"send sms 5 {PRESS.hex()}")
        it.until(puback=5)


@pytest.mark.parametrize("command", ["AT+CMQTTSTART", "AT+CMQTTCONNECT="])
def test_without_messages_a_broker_that_is_away_costs_the_radio_less_and_less_often(command: str, tmp_path: Path):
    """A bare ERROR (users' logs: firmware without MQTT) or 3; 1000 s of the modem's time, formerly a dozen."""
    answers = {"AT+CMQTTSTART": ("ERROR",), "AT+CMQTTCONNECT=": ("+CMQTTCONNECT: 0,3", "ERROR")}
    replies = {command: answers[command], "AT+CMGF": ("ERROR",)}
    with Scripted(tmp_path, replies, wires="power_key reset supply", percent=2) as it:
        it.until(told="modem: radio off and on", within=60)
        it.until(told="modem: reset", within=60)
        it.until_asked("AT+CSQ", 500 // 15 + it.count("AT+CSQ"), within=60)
        deep = [fact for fact in it.program.heard if fact.get("told", "").startswith("modem: ")]
        assert len([fact for fact in deep if fact["told"] in ("modem: radio off and on", "modem: reset")]) == 2


def test_the_next_authority_and_dates_that_do_not_count_while_the_clock_is_not_known(tmp_path: Path):
    """A7670: 34 is all that it says. It cannot tell which of both is wrong, nor "expired" from "not yet valid"."""
    other = CA.replace("MIIB", "MIIC")
    with Scripted(tmp_path, {"AT+CMQTTCONNECT=": ("+CMQTTCONNECT: 0,34", "ERROR")}, ca=CA + other) as it:
        it.program.say("clock 1795000000")
        it.until_asked('AT+CSSLCFG="ignorelocaltime",0,0', 2)
        it.until_asked('AT+CSSLCFG="ignorelocaltime",0,1', 2)
        files = [text for text in it.asked if "cacert" in text][-4:]
        assert len(set(files)) == 2
        it.program.say("known 1795000000")
        it.until_asked("AT+CMQTTCONNECT=", it.count("AT+CMQTTCONNECT=") + 1)
        undated = it.count('AT+CSSLCFG="ignorelocaltime",0,1')
        it.until_asked("AT+CMQTTCONNECT=", it.count("AT+CMQTTCONNECT=") + 4)
        assert it.count('AT+CSSLCFG="ignorelocaltime",0,1') == undated, "now that it is known, dates count"


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


def play(exchange: Exchange, folder: Path) -> None:
    with Scripted(folder, exchange.replies, **exchange.given) as it:
        for words in exchange.told:
            it.program.say(words)
        if exchange.up:
            it.up(exchange.up)
        if exchange.up == "sms":
            it.until_asked("AT+CMGL")
        for words in exchange.then:
            it.program.say(words)
        it.says(*exchange.says)
        for fact in exchange.heard:
            it.until(**fact)
        for start, times in exchange.asked:
            it.until_asked(start, times)
        known = it.state()
        assert {name: known[name] for name in exchange.state} == exchange.state
        assert not [start for start in exchange.never if it.count(start)], it.asked


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
