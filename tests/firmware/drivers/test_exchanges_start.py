"""What real modems said at their start, of their network and of their satellites: see modem_exchange.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware.drivers.modem_exchange import FIX, NO_REPAIR, Exchange, play

pytestmark = pytest.mark.side_by_side(12)

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
        "an OK without the model's name is the answer to something else: without the name it would never have a fix",
        "seen on a busy machine: late answers to AT, one by one",
        {"AT+CGMM": [("OK",), ("ERROR",), ("SIMCOM_SIM7600E-H", "OK")]},
        ("locate 1",),
        asked=(("AT+CGPS=1,1", 1), ("AT+CVAUXV=2800", 1)),
        never=("AT+CGNSSPWR=1",),
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
