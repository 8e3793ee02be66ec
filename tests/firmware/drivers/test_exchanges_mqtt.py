"""What real modems said of MQTT and TLS: see modem_exchange.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.drivers.modem_exchange import NO_REPAIR, PRESS, Exchange, play
from firmware.drivers.scripted_modem import Answer, Scripted

pytestmark = pytest.mark.side_by_side(12)

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


# What a press can do without: asked at the start, at the connect, or beside it.
QUESTIONS = (
    "ATE0",
    "AT+CMEE",
    "AT+CMGF",
    "AT+CGMM",
    "AT+CGDCONT?",
    "AT+CREG=2",
    "AT+CFUN=1",
    "AT+CEREG?",
    "AT+CSQ",
    "AT+COPS?",
    "AT+CGPADDR",
    "AT+CMQTTCFG",
    "AT+CCERTLIST",
    'AT+CSSLCFG="sslversion"',
    'AT+CSSLCFG="negotiatetime"',
    "AT+CPMS",
    "AT+CNMI",
    "AT+CMGL",
    "AT+CGNSSPWR",
    "AT+CGNSSINFO",
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_that_is_not_answered_stops_a_press(question: str, tmp_path: Path):
    with Scripted(tmp_path, {question: ()}, ca=CA, access={"apn": "internet"}) as it:
        it.program.say("locate 1")
        it.up()
        it.until_asked(question)
        it.program.say(f"send lte 5 {PRESS.hex()}")
        it.until(puback=5)
        # An access point that nobody can tell is set anew, for which the radio goes off and on.
        repairs = NO_REPAIR[1:] if question == "AT+CGDCONT?" else NO_REPAIR
        assert not [start for start in repairs if it.count(start)], it.asked


def test_nor_do_all_of_them_refused(tmp_path: Path):
    refused: dict[str, Answer | list[Answer]] = dict.fromkeys(QUESTIONS, ("ERROR",))
    with Scripted(tmp_path, {**refused, "AT+CEREG?": ("+CEREG: 0,1", "OK")}, ca=CA) as it:
        it.program.say("locate 1")
        it.up()
        it.program.say(f"send lte 5 {PRESS.hex()}")
        it.until(puback=5)
        assert not [start for start in NO_REPAIR if it.count(start)], it.asked


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
        it.until_asked("AT+CSQ", 400 // 15 + it.count("AT+CSQ"))
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
        it.until(told="modem: a reset", within=60)
        it.until_asked("AT+CSQ", 500 // 15 + it.count("AT+CSQ"))
        deep = [fact for fact in it.program.heard if fact.get("told", "").startswith("modem: ")]
        assert len([fact for fact in deep if fact["told"] in ("modem: radio off and on", "modem: a reset")]) == 2


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


SECOND = 'AT+CMQTTCONNECT=0,"tcp://localhost'
FIRST = 'AT+CMQTTCONNECT=0,"tcp://first.test'
TWO = {"before": [["first.test", 8883]]}


def test_a_first_broker_that_swallows_everything_costs_a_press_half_a_minute(tmp_path: Path):
    """The modem takes the command and never says what became of it: the next one is called by a service that was
    started anew, as the old one may still be waiting."""
    with Scripted(tmp_path, {FIRST: ("OK",)}, **TWO) as it:
        it.program.say("urgent 1")
        it.up()
        tried = [command for command in it.asked if command.startswith((FIRST, SECOND))]
        assert [command.startswith(FIRST) for command in tried] == [True, False]
        assert not [start for start in NO_REPAIR if it.count(start)], it.asked


def test_a_broker_behind_which_no_gateway_answers_a_press_is_left_by_the_modem_too(tmp_path: Path):
    with Scripted(tmp_path, **TWO) as it:
        it.up()
        it.program.say("urgent 1")
        it.program.say(f"send lte 5 {PRESS.hex()}")
        assert it.until(bearer="lte", up=False)["why"] == "the gateway does not answer by this broker"
        it.until_asked(SECOND)
        it.up()
        assert not [start for start in NO_REPAIR if it.count(start)], it.asked


def test_the_modem_goes_back_to_the_first_broker_while_nobody_is_in_need(tmp_path: Path):
    refuses_once = [("+CMQTTCONNECT: 0,3", "ERROR"), ("OK", "+CMQTTCONNECT: 0,0")]
    with Scripted(tmp_path, {FIRST: refuses_once}, **{**TWO, "percent": 1}) as it:
        it.up()
        it.until_asked(SECOND)
        assert it.until(bearer="lte", up=False, why="back to the first broker")
        it.until_asked(FIRST, 2)
        it.up()
        assert it.count(SECOND) == 1 and not [start for start in NO_REPAIR if it.count(start)], it.asked
