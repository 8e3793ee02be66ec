"""SIA DC-09: frames, padding and answers against the standard's examples and a second implementation."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fake_ports import ManualClock
from gateway.outputs.alarm_receiver import AlarmReceiver, arc, frame, stamp
from siaga_gateway.formats import dc09
from siaga_gateway.formats.dc09 import Answer, Line, NotDc09

KEY = b"0123456789ABCDEF"
AT_MS = 1_795_417_407_300  # 2026-11-23 07:03:27 GMT
NOISE = bytes(range(8))
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='[]|"'), max_size=80)
KEYS = st.sampled_from((None, KEY, KEY + KEY[:8], KEY * 2))


def test_a_plain_message_byte_by_byte() -> None:
    line = Line("1234", "1", "0")
    written = dc09.message(line, "ADM-CID", 7, "#1234|1120 01 001]", AT_MS, NOISE)
    body = b'"ADM-CID"0007R1L0#1234[#1234|1120 01 001]_07:03:27,11-23-2026'
    assert written == b"\n%04X%04X%s\r" % (arc(body), len(body), body)
    assert dc09.null(line, 9999, AT_MS, NOISE)[9:-1] == b'"NULL"9999R1L0#1234[]_07:03:27,11-23-2026'


def test_the_crc_is_that_of_the_catalogue() -> None:
    assert dc09.crc(b"123456789") == arc(b"123456789") == 0xBB3D  # CRC-16/ARC's published check value


@given(TEXTS, KEYS, st.integers(1, 9999), st.binary(min_size=8, max_size=8))
def test_whatever_is_said_a_strict_receiver_reads_it(text: str, key: bytes | None, number: int, noise: bytes) -> None:
    receiver = AlarmReceiver(ManualClock(AT_MS), key)
    answer = receiver.judge(dc09.message(Line("0AB3", "1F", "2", key), "SIA-DCS", number, f"{text}]", AT_MS, noise))
    assert receiver.faults == []
    (event,) = receiver.events
    assert (event.data, event.sequence, event.account, event.encrypted) == (text, number, "0AB3", key is not None)
    assert answer is not None and dc09.is_whole(answer)
    told = dc09.read_answer(answer, key)
    assert (told.reply, told.sequence, told.account, told.encrypted) == ("ACK", number, "0AB3", key is not None)


@given(st.integers(0, 40), st.integers(0, 2**64 - 1))
def test_padding_is_never_missing_and_varies(length: int, seed: int) -> None:
    noise = seed.to_bytes(8, "big")
    one = dc09.message(Line("123", key=KEY), "NULL", 1, "x" * length + "]", AT_MS, noise)
    rest = one.partition(b"[")[2][:-1]
    assert len(rest) % 32 == 0 and len(rest) // 2 >= length + 23
    other = dc09.message(Line("123", key=KEY), "NULL", 1, "x" * length + "]", AT_MS, (seed ^ 2**63).to_bytes(8, "big"))
    assert one != other


def test_refusals_are_read_with_the_receivers_time() -> None:
    framed = frame('"NAK"0000R0L0A0[]' + stamp(AT_MS))
    assert dc09.read_answer(framed, KEY) == Answer("NAK", False, 0, None, AT_MS - 300)
    assert dc09.read_answer(b'"NAK"', KEY) == Answer("NAK", False, None, None, None)
    assert dc09.read_answer(frame('"DUH"0007R0L0#1234[]'), None) == Answer("DUH", False, 7, "1234", None)
    assert dc09.read_answer(frame('"NAK"0000R0L0A0[]_25:03:27,11-23-2026'), None).at_ms is None


@pytest.mark.parametrize(
    ("received", "key", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", None, "is no SIA DC-09"),
        (b"", None, "is no SIA DC-09"),
        (frame('"ACK"0007R0L0#1234[]').replace(b"0014", b"0015"), None, "20 characters long and says 21"),
        (frame('"ACK"0007R0L0#1234[]').replace(b"#1234", b"#1235"), None, "wrong check sum"),
        (frame('"WTF"0007R0L0#1234[]'), None, "neither ACK, NAK, DUH nor RSP"),
        (b'"ACK"', None, "is no SIA DC-09"),  # without a number it acknowledges nothing
        (AlarmReceiver(ManualClock(AT_MS), KEY).acknowledge("R0L0#1234", 7), None, "encrypted and cannot be read"),
        (AlarmReceiver(ManualClock(AT_MS), KEY[::-1]).acknowledge("R0L0#1234", 7), KEY, "under another key"),
        (frame('"*ACK"0007R0L0#1234[ABCD'), KEY, "encrypted and cannot be read"),
        (frame('"*ACK"0007R0L0#1234['), KEY, "encrypted and cannot be read"),
    ],
)
def test_what_is_no_answer_is_told(received: bytes, key: bytes | None, says: str) -> None:
    with pytest.raises(NotDc09) as refused:
        dc09.read_answer(received, key)
    assert says in str(refused.value)


@given(st.binary(max_size=120), KEYS)
def test_no_bytes_break_the_reader(received: bytes, key: bytes | None) -> None:
    dc09.is_whole(received)
    with suppress(NotDc09):
        dc09.read_answer(received, key)


@given(st.binary(max_size=60), st.sampled_from(("ACK", "NAK", "*ACK", "*RSP")), KEYS)
def test_no_frame_that_is_sound_outside_breaks_the_reader(inside: bytes, token: str, key: bytes | None) -> None:
    body = f'"{token}"0001R0L0#1[{inside.hex()}'
    with suppress(NotDc09):
        dc09.read_answer(frame(body), key)


def test_an_answer_is_whole_at_its_end_and_not_before() -> None:
    whole = frame('"ACK"0007R0L0#1234[]')
    assert dc09.is_whole(whole) and dc09.is_whole(b'"NAK"')
    assert not any(dc09.is_whole(whole[:length]) for length in range(len(whole)))
    assert not dc09.is_whole(b"\n\r")


def test_noise_fills_a_block_and_numbers_have_four_digits() -> None:
    assert (2 * dc09.NOISE_BYTES, dc09.LAST_SEQUENCE) == (16, 9999)


def test_a_key_is_not_shown() -> None:
    assert "0123456789" not in repr(Line("1234", key=KEY))


@pytest.mark.parametrize(
    "clear", ["xxxxx|no end in it_07:03:27,11-23-2026".rjust(48, "x"), "0123456789|]_99:99:99,99-99-9999"]
)
def test_what_lacks_the_end_of_the_data_or_a_time_is_under_another_key(clear: str) -> None:
    hidden = AlarmReceiver(ManualClock(AT_MS), KEY).hidden(clear)
    with pytest.raises(NotDc09, match="under another key"):
        dc09.read_answer(frame(f'"*ACK"0007R0L0#1234[{hidden}'), KEY)
