"""The AT parser: words from real modems' logs by example, any order and any split by property."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropython import run_micropython
from siaga.core import at
from siaga.core.at import FINAL, PROMPT, REPLY, URC, AtError, Parser

ON_BUTTON = Path(__file__).resolve().parents[1] / "on_button"


def heard(wire: bytes, command: bytes = b"", expects: bytes | None = None, prompt: bool = False) -> list[tuple]:
    parser = Parser()
    if command:
        parser.begin(command, expects, prompt)
    return parser.feed(wire, 0)


def test_under_micropython():
    said = run_micropython(ON_BUTTON / "at_fuzz.py").splitlines()
    assert len([line for line in said if line.startswith("holds:")]) == 2


def test_an_urc_between_a_command_its_echo_and_its_reply():
    wire = b"AT+IPADDR\r\r\nSMS DONE\r\nAT+IPADDR\r\r\n+IPADDR: 10.17.51.118\r\n\r\nOK\r\n"
    assert heard(wire, b"AT+IPADDR", b"+IPADDR:") == [
        (URC, b"SMS DONE", None),
        (REPLY, b"+IPADDR: 10.17.51.118", None),
        (FINAL, b"OK"),
    ]


def test_a_network_event_between_a_question_and_its_answer():
    wire = b"\r\n+CGEV: EPS PDN ACT 1\r\n\r\n+CGREG: 0,1\r\n\r\nOK\r\n"
    assert [event[0] for event in heard(wire, b"AT+CGREG?", b"+CGREG:")] == [URC, REPLY, FINAL]


@pytest.mark.parametrize(
    ("wire", "order"),
    [
        (b"\r\n+CMQTTSTART: 0\r\n\r\nOK\r\n", [URC, FINAL]),
        (b"\r\nOK\r\n\r\n+CMQTTSTART: 0\r\n", [FINAL, URC]),
        (b"\r\n+CMQTTCONNECT: 0,3\r\n\r\nERROR\r\n", [URC, FINAL]),
    ],
)
def test_a_result_before_and_after_its_ok(wire: bytes, order: list[str]):
    assert [event[0] for event in heard(wire, b"AT+CMQTTSTART")] == order


def test_what_ends_a_command():
    for word in (b"OK", b"ERROR", b"+CME ERROR: SIM not inserted", b"+CMS ERROR: 500"):
        assert heard(b"\r\n" + word + b"\r\n", b"AT+X") == [(FINAL, word)]
        assert heard(b"\r\n" + word + b"\r\n") == [(URC, word, None)], "nothing was asked"
    assert heard(b"\r\nNO CARRIER\r\n", b"ATD+62811;") == [(FINAL, b"NO CARRIER")]
    assert heard(b"\r\nNO CARRIER\r\n", b"AT+CSQ", b"+CSQ:") == [(URC, b"NO CARRIER", None)]


def test_a_name_without_a_prefix():
    wire = b"ATI\r\r\nRDY\r\n+CPIN: READY\r\nA7670E-FASE\r\nOK\r\n"
    assert heard(wire, b"AT+CGMM", b"") == [
        (URC, b"RDY", None),
        (URC, b"+CPIN: READY", None),
        (REPLY, b"A7670E-FASE", None),
        (FINAL, b"OK"),
    ]


def test_a_prompt_only_where_one_is_awaited():
    assert heard(b"AT+CMGS=1\r\r\n> ", b"AT+CMGS=1", None, True) == [(PROMPT,)]
    assert heard(b"\r\n> \r\n", b"AT+CSQ", b"+CSQ:") == [(URC, b">", None)]
    assert heard(b"\r\n> \r\n+CMGS: 7\r\n\r\nOK\r\n", b"AT+CMGS=1", b"+CMGS:", True) == [
        (PROMPT,),
        (REPLY, b"+CMGS: 7", None),
        (FINAL, b"OK"),
    ]


SPEAKS = b'x\r\nOK\r\n+CMQTTCONNLOST: 0,1\r\n*ATREADY: 1\r\nRING\r\n+CLIP: "+6281200000110",145\r\n'


@pytest.mark.parametrize(
    "head",
    [
        b'+CMT: "+62811","","26/11/23,10:00:00+28"',  # CSDH=0
        b'+CMT: "+62811","","26/11/23,10:00:00+28",145,4,0,0,"+62",145,1',  # a length that is not its own
        b'+CMGL: 3,"REC UNREAD","+62811","","26/11/23,10:00:00+28"',
        b'+CMGL: 3,"REC UNREAD","+62811","","26/11/23,10:00:00+28",145,1',  # seven fields, TS 27.005 3.4.2
        b'+CMGL: 3,"REC UNREAD","+62811","","26/11/23,10:00:00+28",145,4,0,0,"+62",145,1',  # twelve, the maker's manual
        b'+CMGR: "REC UNREAD","+62811","","26/11/23,10:00:00+28"',
        b'+CMT: "+62811","Ay\xc3\xbc","26/11/23,10:00:00+28"',
    ],
)
def test_no_text_in_text_mode_is_taken_for_the_modem(head: bytes):
    parser = Parser()
    parser.begin(b"AT+CMGL=4", b"+CMGL:")
    events = parser.feed(b"\r\n" + head + b"\r\n" + SPEAKS[:40], 0) + parser.feed(SPEAKS[40:] + b"\r\nOK\r\n", 100)
    assert [(event[1], event[2]) for event in events] == [(head.replace(b"\xc3\xbc", b"??"), None)]
    # A modem writes a message in one go: after a pause it is heard again.
    assert parser.feed(b"\r\nOK\r\n", 100 + at.PAYLOAD_GAP_MS + 1) == [(FINAL, b"OK")]


@pytest.mark.parametrize("head", [b"+CMT: ,27", b'+CMT: "",27', b'+CMGR: 0,"",27', b"+CMGL: 3,0,,27"])
def test_a_message_in_pdu_mode_is_the_one_line_after_its_head(head: bytes):
    line = b"07912618010000000004"
    command = head[:5].replace(b"+", b"AT+")
    events = heard(b"\r\n" + head + b"\r\n" + line + b"\r\n\r\nOK\r\n", command, head[:6])
    assert events == [(REPLY, head, line), (FINAL, b"OK")]
    assert heard(b"\r\n+CMT: ,27\r\n" + line + b"\r\n\r\nRING\r\n") == [
        (URC, b"+CMT: ,27", line),
        (URC, b"RING", None),
    ]


def test_the_longest_message_in_pdu_mode_is_held_whole():
    line = b"0" * 352
    assert heard(b"\r\n+CMT: ,164\r\n" + line + b"\r\n") == [(URC, b"+CMT: ,164", line)]


def test_a_piece_that_is_too_long_passes_unheld():
    parser = Parser()
    wire = b"\r\n+CMQTTRXPAYLOAD: 0,6000\r\n" + b"\r\nOK\r\n" * 1000 + b"\r\n+CMTI: 1\r\n"
    got = [event for start in range(0, len(wire), 100) for event in parser.feed(wire[start : start + 100], 0)]
    assert got == [(URC, b"+CMQTTRXPAYLOAD: 0,6000", None), (URC, b"+CMTI: 1", None)]
    assert parser.cut == 1


def test_a_piece_that_never_comes_ends_after_its_gap():
    parser = Parser()
    assert parser.feed(b"\r\n+CMQTTRXPAYLOAD: 0,36\r\nabc", 1000) == []
    assert parser.feed(b"\r\nRING\r\n", 1000 + at.PAYLOAD_GAP_MS + 1) == [(URC, b"RING", None)]
    assert parser.cut == 1


def test_a_setting_that_no_modem_takes_is_refused_by_name():
    assert at.given("apn", "internet") == "internet"
    with pytest.raises(AtError, match="mqtt_password"):
        at.given("mqtt_password", 'a"b')


def test_fields_and_numbers():
    assert at.fields(b'+COPS: 0,0,"TELKOMSEL, ID",7') == [b"0", b"0", b"TELKOMSEL, ID", b"7"]
    assert at.fields(b"+CMQTTRXEND: 0") == [b"0"]
    assert at.fields(b"+HTTPACTION:  0,204,0") == [b"0", b"204", b"0"], "two blanks in a user's log"
    assert [at.number(part) for part in (b"42", b"", b"-1", b"4x", b"9" * 10)] == [42, -1, -1, -1, -1]


def test_a_parameter_cannot_break_out_of_its_quotes():
    assert at.quoted("pass word~") == '"pass word~"'
    for text in ('a"b', "a\rAT+CFUN=0", "a\nb", "sandi\u00e9"):
        with pytest.raises(AtError):
            at.quoted(text)


LINES = st.sampled_from(
    [b"SMS DONE", b"+CGEV: ME PDN DEACT 1", b"+CMQTTNONET", b"VOICE CALL: END: 000003", b"+CREG: 2"]
)
PIECES = st.binary(max_size=80).map(lambda data: (URC, b"+CMQTTRXPAYLOAD: 0,%d" % len(data), data))
WORDS = st.one_of(LINES.map(lambda line: (URC, line, None)), PIECES)


def on_the_wire(event: tuple) -> bytes:
    return b"\r\n" + event[1] + b"\r\n" + (event[2] + b"\r\n" if event[2] is not None else b"")


@given(
    st.lists(WORDS, max_size=8), st.lists(WORDS, max_size=3), st.lists(st.integers(1, 40), min_size=1), st.booleans()
)
def test_any_words_around_a_reply_in_any_pieces(before: list[tuple], after: list[tuple], cuts: list[int], echo: bool):
    wire = b"AT+CSQ\r" if echo else b""
    wire += b"".join(map(on_the_wire, before)) + b"\r\n+CSQ: 23,99\r\n"
    wire += b"".join(map(on_the_wire, after)) + b"\r\nOK\r\n"
    parser = Parser()
    parser.begin(b"AT+CSQ", b"+CSQ:")
    got, start, turn = [], 0, 0
    while start < len(wire):
        step = cuts[turn % len(cuts)]
        got += parser.feed(wire[start : start + step], turn)
        start, turn = start + step, turn + 1
    assert got == [*before, (REPLY, b"+CSQ: 23,99", None), *after, (FINAL, b"OK")]
    assert (parser.cut, parser.garbage) == (0, 0)


@given(st.lists(st.binary(max_size=200), max_size=10))
def test_no_noise_raises_or_leaves_it_deaf(noise: list[bytes]):
    parser = Parser()
    parser.begin(b"AT", None, True)
    for turn, chunk in enumerate(noise):
        parser.feed(chunk, turn)
    # The line that the noise ends in, and a text that a head in it announced: either may be a late reply's.
    later = at.PAYLOAD_GAP_MS + len(noise) + 1
    parser.feed(b"\r\n", later)
    parser.feed(b"\r\n", later)
    parser.begin(b"AT")
    assert (FINAL, b"OK") in parser.feed(b"\r\nOK\r\n", later)
