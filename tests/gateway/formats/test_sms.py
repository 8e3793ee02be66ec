"""Text messages, pure: a frame as a text and back, the daemons' spool files, the budget for answers."""

from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.formats import gammu, smstools
from siaga_gateway.formats.sms import LONGEST_TEXT, NotAFrame, Part, frame_of, masked, number_of, text_of
from siaga_gateway.formats.sms_number import e164
from siaga_gateway.service.downlink.sms_budget import ReplyBudget

# Bytes in whose base64 no frame begins, at whichever letter: one would be found there. One begins with an E (frame.py).
LETTERS = "".join(sorted({*string.ascii_letters, *string.digits, *"+/"} - {"E"}))
FRAMES = (
    st.tuples(st.text(LETTERS, min_size=32, max_size=160), st.integers(0, 2))
    .map(lambda drawn: base64.b64decode(drawn[0][: len(drawn[0]) // 4 * 4])[: -drawn[1] or None])
    .filter(lambda frame: b"E" not in base64.b64encode(frame))
)
BLANKS = st.sampled_from(["", " ", "\n", "\r\n", "\t", "\u00a0"])
SPOOLS = [gammu, smstools]
NUMBER = "+6281200000001"


@given(FRAMES)
def test_a_frame_comes_back_from_its_text(frame: bytes) -> None:
    text = text_of(frame)
    assert text is not None
    assert len(text) <= LONGEST_TEXT
    assert frame_of(text) == frame


@given(FRAMES, st.lists(BLANKS, min_size=160, max_size=160))
def test_whitespace_anywhere_is_passed_over(frame: bytes, blanks: list[str]) -> None:
    text = base64.b64encode(frame).decode()
    assert frame_of("".join(letter + blank for letter, blank in zip(text, blanks, strict=False))) == frame


@given(st.text(max_size=400))
def test_any_text_is_a_frame_that_makes_this_very_text_or_is_refused(text: str) -> None:
    try:
        frame = frame_of(text)
    except NotAFrame as error:
        assert len(text) < 4 or text not in str(error)
        return
    assert base64.b64encode(frame).decode() == "".join(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Pulsa Anda hampir habis",
        "Halo",  # base64 of three bytes
        "A" * 164,
        base64.b64encode(b"f" * 99).decode().rstrip("=") + "=",
        base64.urlsafe_b64encode(b"\xff" * 99).decode(),
        base64.b64encode(b"f" * 99).decode() + ".",
        base64.b64encode(b"f" * 98).decode().removesuffix("Y=") + "/=",  # bits set that stand for nothing
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(NotAFrame):
        frame_of(text)


def test_what_does_not_fit_in_one_message_has_no_text() -> None:
    assert len(text_of(b"c" * 120) or "") == 160
    assert text_of(b"c" * 121) is None


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+62 812-0000 0001", "+6281200000001"),
        ("(0812) 0000.0001", "081200000001"),
        ("7726", "7726"),
        ("TELKOMSEL", None),
        ("", None),
        ("+62812000000010001", None),
        ("../../etc", None),
        ("62812\n0000", "628120000"),
        ("tel:+6281200000001", NUMBER),
        ("sms:+6281200000001;phone-context=example.org", NUMBER),
        ("\u202a+6281200000001\u202c", NUMBER),
        (" 6281200000001", NUMBER),  # a plus sign, before somebody decoded a form
        ("%2B6281200000001", NUMBER),
        ("006281200000001", NUMBER),
        ("+62(0)81200000001", NUMBER),
        ("+62 (0) 812-0000-0001", NUMBER),
        ("(021) 555 0100", "0215550100"),
        ("+６２８１２０００００００１", NUMBER),
        ("+٦٢٨١٢٠٠٠٠٠٠٠١", NUMBER),
        (6281200000001, "6281200000001"),
        (6281200000001.0, "6281200000001"),
        (110, "110"),
        ("6281200000001\x00", "6281200000001"),
        ("1" * 100, None),
        ("+6281200000001" + "-" * 50, NUMBER),  # 64 characters
        ("+6281200000001" + "-" * 51, None),
        ("tel:+6281200000sms:001", None),
        ("001234567", "001234567"),  # a service's, not one of another country
        ("0012345678", "+12345678"),
        (999_999_999_999_999, "999999999999999"),
        (10**15, None),
        (0, None),
        (None, None),
        (True, None),
        (-5, None),
        (1.5, None),
        (float("nan"), None),
        ([], None),
        ({"number": "628"}, None),
    ],
)
def test_numbers_that_can_be_answered(written: object, number: str | None) -> None:
    assert number_of(written) == number


def test_a_whole_number_of_thousands_of_digits_is_nobody() -> None:
    assert number_of(10**5_000) is None, "Python refuses to write it"


def test_a_number_is_masked_where_enough_of_it_is_left_out() -> None:
    assert [masked(number) for number in ("", "7726", "0812345", "08123456", NUMBER)] == [
        *["..."] * 3,
        "081...56",
        "+62...01",
    ]


@given(st.from_regex(r"\+?[0-9]{3,15}", fullmatch=True))
def test_a_masked_number_shows_five_digits_at_most(number: str) -> None:
    shown = masked(number)
    assert number not in shown
    assert sum(letter.isdigit() for letter in shown) <= 5


@pytest.mark.parametrize("spool", SPOOLS)
@given(frame=FRAMES, urgent=st.booleans(), serial=st.integers(0, 2**45))
def test_a_file_to_send_is_named_for_its_daemon(spool: object, frame: bytes, urgent: bool, serial: int) -> None:
    text = base64.b64encode(frame).decode()
    name, content = spool.write_message(NUMBER, text, urgent=urgent, now_ms=1_790_000_000_000, serial=serial)  # type: ignore[attr-defined]
    assert spool.is_ours(name)  # type: ignore[attr-defined]
    assert not spool.is_ours(f".{name}.LOCK")  # type: ignore[attr-defined]
    assert "/" not in name
    assert len(name) < 100  # gammu-smsd's limit
    assert content.endswith(text.encode())


@pytest.mark.parametrize("spool", SPOOLS)
def test_what_is_urgent_goes_first_then_what_is_older(spool: object) -> None:
    def name(urgent: bool, now_ms: int, serial: int) -> str:
        return str(spool.write_message(NUMBER, "t", urgent=urgent, now_ms=now_ms, serial=serial)[0])  # type: ignore[attr-defined]

    names = [name(True, 1_790_000_000_000, 1), name(True, 1_790_000_001_000, 2), name(False, 1_789_000_000_000, 3)]
    assert sorted(names) == names


@pytest.mark.parametrize(
    ("name", "content", "number", "text"),
    [
        ("IN20261124_054001_00_+6281200000001_00.txt", b"EQE7", NUMBER, "EQE7"),
        ("IN20261124_054001_00_+6281200000001_00.txt", b"\xfe\xff\x00E\x00Q", NUMBER, "EQ"),
        ("IN20261124_054001_00_+6281200000001_00.txt", b"\xff\xfeE\x00Q\x00", NUMBER, "EQ"),
        ("IN20261124_054001_99_TELKOM_SEL_00.txt", b"", None, ""),
        ("IN20261124_054001_00_7726_01.txt", b"EQE7", "7726", "EQE7"),  # a part of a longer text
        ("IN20261124_054001_00__00.txt", b"EQE7", None, "EQE7"),
        ("IN20261124_054001_00_+6281200000001_00.txt", b"EQE7\xff", NUMBER, "EQE7\xff"),
        ("IN20261124_054001_00_+6281200000001_00.txt", b"\xfe\xff\x00E\x00", NUMBER, "E"),
    ],
)
def test_gammus_received_files(name: str, content: bytes, number: str | None, text: str) -> None:
    assert gammu.is_message(name)
    message = gammu.read_message(name, content)
    assert (message.number, message.text) == (number, text)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("IN20261124_054001_00_+6281200000001_00.bin", b"x"),
        ("IN20261124_054001_00_+6281200000001_00.txt", b"E" * 10_000),
    ],
)
def test_gammus_files_that_hold_no_frame(name: str, content: bytes) -> None:
    assert gammu.is_message(name)
    with pytest.raises(NotAFrame):
        gammu.read_message(name, content)


@pytest.mark.parametrize("name", ["IN20261124_054001_00_+628_00.smsbackup", "notes.txt", "OUTA1_2.txt", "other"])
def test_other_files_in_gammus_inbox(name: str) -> None:
    assert not gammu.is_message(name)


@pytest.mark.parametrize(
    ("content", "number", "text"),
    [
        ("From: 6281200000001\n\nEQE7\n", NUMBER, "EQE7\n"),
        ("From: 7726\r\nAlphabet: ISO\r\n\r\nEQE7", "7726", "EQE7"),
        ("From_TOA: 91\nFrom: 081200000001\n\nEQ\n\nE7", "081200000001", "EQ\n\nE7"),
        ("From: TELKOMSEL\n\n", None, ""),
        ("From: 110\nFrom_TOA: D0 alphanumeric, unknown\n\nEQE7", None, "EQE7"),
        ("From: 6281200000001\nFrom_TOA: 91 international, ISDN/telephone\n\nEQE7", NUMBER, "EQE7"),
        ("From: 81200000001\nFrom_TOA: A1 national, ISDN/telephone\n\nEQE7", None, "EQE7"),
        ("From: 081200000001\nFrom_TOA: A1 national\n\nEQE7", "081200000001", "EQE7"),
        ("From: 81200000001\nFrom_TOA: 81 unknown\n\nEQE7", "81200000001", "EQE7"),
        ("Received: 26-11-24 05:40:01\nAlphabet: ISO\n\nEQE7", None, "EQE7"),  # no sender at all
        ("From: 628\nAlphabet: UCS2\n\n\0E\0Q", "628", "EQ"),
        ("From: 628\nAlphabet: Klingon\n\nEQE7", "628", "EQE7"),
    ],
)
def test_smstools_received_files(content: str, number: str | None, text: str) -> None:
    message = smstools.read_message("GSM1.a1B2c3", content.encode())
    assert (message.number, message.text) == (number, text)


def test_letters_of_an_alphabet_that_nobody_names_are_read_all_the_same() -> None:
    assert smstools.read_message("GSM1.a", b"From: 628\n\nEQE7 \xe9\xff").text == "EQE7 \xe9\xff"


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("05 00 03 A1 02 01", Part("a1", 1, 2)),
        ("06 08 04 A1 B2 03 02", Part("a1b2", 2, 3)),
        ("0A 24 01 02 05 00 03 01 02 02", None),
        ("0B 05 04 15 8A 00 00 00 03 07 02 02", Part("07", 2, 2)),
        ("", None),
        ("05 00", None),
        ("zz", None),
    ],
)
def test_smstools_names_the_part_of_a_longer_text(header: str, part: Part | None) -> None:
    content = f"From: 628\nUDH: true\nUDH-DATA: {header}\n\nEQE7"
    assert smstools.read_message("GSM1.a", content.encode()).part == part


@pytest.mark.parametrize("content", [b"", b"EQE7", b"To: 628\n\nEQE7", b"From: 628\nEQE7"])
def test_smstools_files_that_hold_no_frame(content: bytes) -> None:
    with pytest.raises(NotAFrame):
        smstools.read_message("GSM1.a1B2c3", content)


@given(name=st.text(max_size=60), content=st.binary(max_size=300))
def test_no_file_brings_out_a_fault(name: str, content: bytes) -> None:
    for spool in SPOOLS:
        try:
            message = spool.read_message(name, content)
        except NotAFrame:
            continue
        assert isinstance(message.text, str)


@pytest.mark.parametrize(
    ("number", "to"),
    [
        (NUMBER, "6281200000001"),
        ("6281200000001", "6281200000001"),
        ("7726", "s7726"),  # a short number is not an international one
        ("110", "s110"),
        ("081200000001", "s081200000001"),  # nor is one with the trunk's zero
        ("+110", "110"),
    ],
)
def test_a_smstools_message_of_ours_is_one_for_the_modem(number: str, to: str) -> None:
    _, content = smstools.write_message(number, "EQE7", urgent=True, now_ms=0, serial=1)
    assert content.decode() == f"To: {to}\n\nEQE7"


@pytest.mark.parametrize("number", ["7726", "081200000001"])
def test_gammu_is_given_national_and_short_numbers_as_they_are_dialled(number: str) -> None:
    name, _ = gammu.write_message(number, "EQE7", urgent=True, now_ms=0, serial=1)
    assert f"_{number}_" in name


def test_answers_within_a_minute_and_an_hour_are_counted_for_each_receiver() -> None:
    budget = ReplyBudget(per_minute=2, per_hour=5)
    assert [budget.take(("a",), at) for at in (0, 1, 2, 59_999, 60_000)] == [True, True, False, False, True]
    assert budget.take(("b",), 60_000)
    assert not budget.take(("b", "a"), 60_000)  # a has had two within the minute
    assert [budget.take(("a",), at) for at in (200_000, 300_000, 400_000)] == [True, True, False]
    assert budget.take(("a",), 3_600_000)  # the first is an hour past


def test_a_refused_answer_counts_for_nobody() -> None:
    budget = ReplyBudget(per_minute=1, per_hour=9)
    assert budget.take(("a",), 0)
    assert not budget.take(("a", "b"), 1)
    assert budget.take(("b",), 2)


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    budget = ReplyBudget(per_minute=1, per_hour=1)
    assert budget.take(("a",), 10_000_000)
    assert budget.take(("a",), 1_000)


def test_receivers_longest_without_an_answer_are_forgotten() -> None:
    budget = ReplyBudget(per_minute=1, per_hour=1, remembered=2)
    for receiver in "abc":
        assert budget.take((receiver,), 0)
    assert budget.take(("a",), 1)
    assert not budget.take(("c",), 1)


@pytest.mark.parametrize(
    "written",
    ["+6281200000001", "6281200000001", "081200000001", "006281200000001", "+62 0812-0000-0001", "+62(0)812 0000 0001"],
)
def test_one_telephone_is_one_number_however_it_is_written(written: str) -> None:
    assert e164(written) == "+6281200000001"


@pytest.mark.parametrize(
    "written", [None, "", "TELKOMSEL", "110", "7726", "81200000001", "0812", True, "+0812000000", "+62"]
)
def test_names_short_numbers_and_what_lacks_its_country_are_no_number(written: object) -> None:
    assert e164(written) is None


def test_a_number_of_another_country_stays_its_own() -> None:
    assert e164("+6591234567") == "+6591234567"
