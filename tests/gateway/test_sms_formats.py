"""Text messages, pure: a frame as a text and back, the daemons' spool files, the budget for answers."""

from __future__ import annotations

import base64
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.formats import gammu, smstools
from siaga_gateway.formats.sms import LONGEST_TEXT, NotAFrame, frame_of, masked, number_of, text_of
from siaga_gateway.service.reply_budget import ReplyBudget

FRAMES = st.binary(min_size=22, max_size=120)
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
        base64.b64encode(b"f" * 98).decode()[:-2] + "/=",  # bits set that stand for nothing
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
    ],
)
def test_numbers_that_can_be_answered(written: str, number: str | None) -> None:
    assert number_of(written) == number


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
        ("IN20261124_054001_00_+6281200000001_01.txt", b"EQE7"),
        ("IN20261124_054001_00_+6281200000001_00.txt", b"\xff\xff\xff"),
        ("IN20261124_054001_00_+6281200000001_00.txt", b"\xfe\xff\x00"),
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
    ],
)
def test_smstools_received_files(content: str, number: str | None, text: str) -> None:
    message = smstools.read_message("GSM1.a1B2c3", content.encode())
    assert (message.number, message.text) == (number, text)


@pytest.mark.parametrize("content", [b"", b"EQE7", b"To: 628\n\nEQE7", b"From: 628\nEQE7", b"From: 628\n\n\xff\xfe"])
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


def test_a_smstools_message_of_ours_is_one_for_the_modem() -> None:
    _, content = smstools.write_message(NUMBER, "EQE7", urgent=True, now_ms=0, serial=1)
    assert textwrap.dedent(content.decode()) == "To: 6281200000001\n\nEQE7"


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
