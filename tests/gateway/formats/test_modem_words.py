"""What a modem says during calls, as values. The lines are those of manuals and of users' logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.formats.modem_words import (
    Heard,
    ModemWord,
    has_call,
    is_registered,
    refusal_in,
    rupiah_in,
    signal_of,
    sim_state,
    ussd_text,
    word_of,
)

WORDS = {
    "+RXDTMF: 4": (Heard.KEY, "4"),
    "+RXDTMF: *": (Heard.KEY, "*"),
    "+DTMF:4,160": (Heard.KEY, "4"),
    '+CLCC: 2,0,2,0,0,"+6281200000001",145': (Heard.STATE, "2"),
    "+CLCC: 3,0,0,0,0,081200000001,129": (Heard.STATE, "0"),
    "+CLCC:1,0,6,0,0": (Heard.STATE, "6"),
    "VOICE CALL: BEGIN": (Heard.BEGAN, ""),
    "VOICE CALL: END: 000003": (Heard.ENDED, ""),
    "VOICE CALL:END:000058": (Heard.ENDED, ""),
    "NO CARRIER": (Heard.NO_CARRIER, ""),
    "BUSY": (Heard.BUSY, ""),
    "NO ANSWER": (Heard.NO_ANSWER, ""),
    "+CTTS: 0": (Heard.SPOKEN, ""),
    "+CTTS:0": (Heard.SPOKEN, ""),
    "+AUDIOSTATE: audio play stop": (Heard.SPOKEN, ""),
    "*ATREADY: 1": (Heard.STARTED, ""),
    "RDY": (Heard.STARTED, ""),
    "+CPIN: SIM REMOVED": (Heard.SIM_GONE, ""),
    '+CUSD: 0,"Pulsa",15': (Heard.CREDIT, '+CUSD: 0,"Pulsa",15'),
}
NOTHING = (
    "+CLCC: 1,0,0,1,0",  # a data connection
    "+CLCC: 4,1,4,0,0,num,128",  # somebody calls the modem
    "+CTTS:",
    "+CTTS: 1",
    "+AUDIOSTATE: audio play",
    "+CPIN: READY",
    "RING",
    "SMS DONE",
    "+RXDTMF: ",
    "+RXDTMF: 44",
    "OK",
    "",
)


@pytest.mark.parametrize(("line", "expected"), WORDS.items())
def test_words(line: str, expected: tuple[Heard, str]) -> None:
    assert word_of(line) == ModemWord(*expected)


@pytest.mark.parametrize("line", NOTHING)
def test_what_says_nothing_of_a_call(line: str) -> None:
    assert word_of(line) is None


@given(st.text(max_size=60))
def test_any_line_is_read(line: str) -> None:
    word_of(line)
    ussd_text(line)
    rupiah_in(line)
    sim_state([line])
    signal_of([line])
    is_registered([line])
    has_call([line])


def test_registration_signal_and_sim() -> None:
    assert is_registered(["+CREG: 0,1"]) and is_registered(["+CREG: 0,0", '+CEREG: 2,5,"2F1A","0A1B2C3D",7'])
    assert not is_registered(["+CREG: 0,2", "+CEREG: 0,6"]) and not is_registered([])
    assert not is_registered(["+CREG: 0,11"])  # for emergency calls only
    assert signal_of(["+CSQ: 20,99"]) == 20 and signal_of(["+CSQ: 99,99"]) is None and signal_of([]) is None
    assert sim_state(["+CPIN: SIM PIN"]) == "SIM PIN" and sim_state(["+CPIN: READY"]) == "READY"


def test_whether_the_line_is_free() -> None:
    assert has_call(["+CLCC: 1,0,0,1,0", "+CLCC: 2,1,4,0,0"]) and has_call(["+CLCC: 2,0,0,0,0"])
    assert not has_call(["+CLCC: 1,0,0,1,0", "+CLCC: 2,0,6,0,0"]) and not has_call([])


def test_why_a_call_failed() -> None:
    assert refusal_in(['+CEER: "31 Normal unspecified"']) == "31 Normal unspecified"
    assert refusal_in(["+CEER: 17 User busy"]) == "17 User busy" and refusal_in(["OK"]) == ""


def test_credit() -> None:
    assert ussd_text('+CUSD: 0,"Pulsa Rp 15.250",15') == "Pulsa Rp 15.250"
    assert ussd_text('+CUSD: 0,"' + "Rp5".encode("utf-16-be").hex() + '",72') == "Rp5"
    assert ussd_text("+CUSD: 4") is None
    for written, rupiah in {
        "Pulsa Rp 15.250 s.d. 31/12/2026": 15_250,
        "Pulsa Rp15,250.00, aktif": 15_250,
        "Sisa IDR 1.234.567.": 1_234_567,
        "rp.500": 500,
        "Rp 0": 0,
    }.items():
        assert rupiah_in(written) == rupiah
    assert rupiah_in("Paket 3 GB, 31/12/2026") is None
