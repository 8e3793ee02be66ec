"""Frames as text messages in PDU mode: by messages known as bytes, and against the simulated modem's own way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micropython import run_micropython
from siaga.core import sms
from siaga_tools.silicon import sms_pdu

NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
# "hellohello", to and from: the example that most texts on PDU mode have.
SENT = "0011000B916407281553F80000A70AE8329BFD4697D9EC37"
CAME = b"07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"


def test_known_messages():
    assert sms.submit("+46708251358", "hellohello") == (len(SENT) // 2 - 1, SENT)
    assert sms_pdu.submitted(SENT, len(SENT) // 2 - 1) == ("+46708251358", "hellohello")
    assert sms.delivered(CAME) == b"hellohello"


def test_under_micropython(tmp_path: Path):
    program = tmp_path / "on_button.py"
    program.write_text(
        "from siaga.core import sms\n"
        f"print(sms.submit('+46708251358', 'hellohello') == ({len(SENT) // 2 - 1}, {SENT!r}))\n"
        f"print(sms.delivered({CAME!r}), sms.delivered(b'0791zz'), sms.delivered(b''), sms.delivered(b'0'))\n"
    )
    assert run_micropython(program).split("\n")[:2] == ["True", "b'hellohello' None None None"]


@given(st.binary(min_size=1, max_size=107), st.integers(10**7, 10**15 - 1))
def test_a_frame_there_and_back(frame: bytes, number: int):
    length, digits = sms.submit(f"+{number}", sms.text(frame))
    assert len(digits) <= 352
    to, text = sms_pdu.submitted(digits, length)
    assert to == f"+{number}" and sms.frame(text.encode()) == frame
    _, came = sms_pdu.deliver(f"+{number}", text, NOW)
    assert sms.frame(sms.delivered(came.encode()) or b"") == frame


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (4, b"c2lhZ2E="),
        (8, "c2lhZ2E=".encode("utf-16-be")),
        (0xF5, b"c2lhZ2E="),
        (0xE0, "c2lhZ2E=".encode("utf-16-be")),
    ],
)
def test_eight_and_sixteen_bits(coding: int, body: bytes):
    head = bytes.fromhex("00040C9126180000000000") + bytes([coding]) + bytes(7)
    assert sms.delivered((head + bytes([len(body)]) + body).hex().encode()) == b"c2lhZ2E="


def test_a_header_is_left_out():
    letters = "c2lhZ2E="
    # A header of six octets takes seven septets, the last of which it fills up.
    _, plain = sms.submit("+62110", "@" * 7 + letters)
    packed = bytearray(bytes.fromhex(plain)[-((7 + len(letters)) * 7 + 7) // 8 :])
    packed[:6] = bytes.fromhex("050003420201")
    packed[6] &= 0xFE
    head = bytes.fromhex("00440C91261800000000000000000000000000") + bytes([7 + len(letters)])
    assert sms.delivered((head + packed).hex().encode()) == letters.encode()


def test_what_is_no_message_that_came():
    whole = CAME.decode()
    assert sms.delivered(whole.replace("F5040B", "F5060B").encode()) is None, "a report on its delivery"
    for cut in range(len(whole)):
        assert sms.delivered(whole[:cut].encode()) is None
    assert sms.delivered(whole.replace("F10000", "F10020").encode()) is None, "compressed"


@given(st.binary(max_size=200))
def test_nothing_raises(noise: bytes):
    sms.delivered(noise)
    sms.delivered(noise.hex().encode())


DOWNLINKS = st.one_of(
    st.binary(min_size=34, max_size=34).map(lambda rest: b"\x13\x81" + rest),
    st.binary(min_size=0, max_size=40).map(
        lambda rest: b"\x13\x82" + bytes(17) + bytes([len(rest)]) + rest + bytes(range(200, 216))
    ),
)
CHANGES = {
    "keyword": lambda text: f"SIAGA {text}",
    "keyword with a colon": lambda text: f"[SIAGA]:{text}",
    "footer": lambda text: f"{text}\r\nPesan dari Contoh Telekom",
    "footer behind a blank": lambda text: f"{text} T&C Berlaku",
    "quotes": lambda text: f'"{text}"',
    "line breaks": lambda text: "\r\n".join(text[at : at + 20] for at in range(0, len(text), 20)),
    "trailing NUL": lambda text: f"{text}\0",
    "url-safe": lambda text: text.replace("+", "-").replace("/", "_"),
    "url-safe in the alphabet of GSM": lambda text: text.replace("+", "-").replace("/", "\x11"),
    "padding lost": lambda text: text.rstrip("="),
    "plus became blank": lambda text: text.replace("+", " "),
    "plus became blank, with a footer": lambda text: f"{text.replace('+', ' ')}\nContoh Telekom",
}


@pytest.mark.parametrize("change", CHANGES)
@given(frame=DOWNLINKS)
def test_an_answer_is_found_in_what_carriers_make_of_its_text(change: str, frame: bytes):
    text = sms.text(frame)
    if "plus" in change and text.endswith("+"):
        frame = bytes([*frame[:-1], 0])  # a blank at the very end is cut off: that answer comes again
        text = sms.text(frame)
    assert sms.frame(CHANGES[change](text).encode("latin-1")) == frame


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda rest: b"E4E" + rest) | st.just(b"E4EA" * 100))
def test_any_text_is_a_frame_or_none(noise: bytes):
    found = sms.frame(noise)
    assert found is None or len(found) <= 300


@pytest.mark.parametrize("text", [b"", b"Promo pulsa!", b"abc", b"A" * 164, b"ab\ncd", b"E4E", b"E4EA" * 7 + b"A"])
def test_a_text_that_is_no_frame(text: bytes):
    assert sms.frame(text) is None
