"""Texts that came in several messages are put together, in any order and with minutes between them, within bounds."""

from __future__ import annotations

import base64
import itertools

import pytest

from pressing_button import PressingButton, report_body
from siaga_gateway.adapters.sms.multipart import KEPT_MS, MultipartAssembly
from siaga_gateway.domain.frame import Kind
from siaga_gateway.formats.sms import Message, Part, text_of, whole_frames
from siaga_gateway.formats.sms_frame_search import begins_in

NUMBER, OTHER = "+6281200000001", "+6281200000002"
MINUTE_MS = 60_000


def cut(text: str, *at: int) -> list[str]:
    return [text[start:end] for start, end in itertools.pairwise((0, *at, len(text)))]


def put(parts: MultipartAssembly, messages: list[Message], apart_ms: int = MINUTE_MS) -> list[bytes]:
    """Adds them one after the other; the frames of the last."""
    frames: list[bytes] = []
    for number, message in enumerate(messages):
        at_ms = number * apart_ms
        joined = parts.add((message.text, message.number), message, at_ms, at_ms)
        frames = [] if joined is None else joined.frames
    return frames


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("told", [True, False])
def test_three_parts_in_any_order(order: tuple[int, ...], told: bool) -> None:
    button = PressingButton()
    press = button.frame(Kind.CHECKIN, 1, report_body(battery=80) + bytes(range(8)))
    texts = cut(text_of(press) or "", 67, 134)
    messages = [Message(NUMBER, texts[at], Part("a1", at + 1, 3) if told else None) for at in order]
    assert put(MultipartAssembly(), messages) == [press]


@pytest.mark.parametrize("head_first", [True, False])
def test_a_tail_that_looks_like_a_beginning_is_a_tail_all_the_same(head_first: bool) -> None:
    """One press in fifty has such a signature, and would have it each time that the button repeats it."""
    button = PressingButton()
    while not begins_in((text_of(press := button.press()) or "")[61:]):
        pass
    texts = cut(text_of(press) or "", 61)
    messages = [Message(NUMBER, text) for text in (texts if head_first else texts[::-1])]
    assert put(MultipartAssembly(), messages) == [press]


def test_a_part_that_comes_again_is_no_other_part() -> None:
    press = PressingButton().press()
    first, second = cut(text_of(press) or "", 70)
    parts = MultipartAssembly()
    assert put(parts, [Message(NUMBER, first)] * 3) == []
    assert put(parts, [Message(NUMBER, second)]) == [press]
    assert put(parts, [Message(NUMBER, second)]) == [press], "brought again, it is the same"


def test_parts_of_two_senders_or_of_two_texts_are_not_mixed() -> None:
    button = PressingButton()
    one, two = (cut(text_of(button.press()) or "", 70) for _ in range(2))
    assert put(MultipartAssembly(), [Message(NUMBER, one[0]), Message(OTHER, one[1])]) == []
    assert (
        put(MultipartAssembly(), [Message(NUMBER, one[0], Part("a", 1, 2)), Message(NUMBER, two[1], Part("b", 2, 2))])
        == []
    )
    assert put(MultipartAssembly(), [Message(None, one[0]), Message(None, one[1])]) == [], (
        "nobody says that they are one sender's"
    )
    named = [Message(None, one[0], Part("a", 1, 2)), Message(None, one[1], Part("a", 2, 2))]
    assert len(put(MultipartAssembly(), named)) == 1


def test_a_part_waits_for_a_quarter_of_an_hour_and_no_longer() -> None:
    press = PressingButton().press()
    first, second = cut(text_of(press) or "", 70)
    parts = MultipartAssembly()
    parts.add("1", Message(NUMBER, first), 0, 0)
    assert parts.waits("1", KEPT_MS)
    assert not parts.waits("1", KEPT_MS + 1)
    assert parts.add("2", Message(NUMBER, second), KEPT_MS + 1, KEPT_MS + 1) is None
    assert parts.add("1", Message(NUMBER, first), 0, KEPT_MS + 1) is None
    assert not parts.waits("1", KEPT_MS + 1)


@pytest.mark.parametrize("text", ["Pulsa Anda hampir habis", "Terimakasih", "OK", "1234567890", "E" * 300])
def test_what_is_no_part_of_a_frame_waits_for_nothing(text: str) -> None:
    parts = MultipartAssembly()
    assert parts.add("1", Message(NUMBER, text), 0, 0) is None
    assert not parts.waits("1", 0)


def test_whoever_sends_many_parts_costs_no_more_than_a_few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    press = PressingButton().press()
    first, second = cut(text_of(press) or "", 70)
    tries = []
    tried = lambda text: (tries.append(text), whole_frames(text))[1]  # noqa: E731
    monkeypatch.setattr("siaga_gateway.adapters.sms.multipart.whole_frames", tried)
    parts = MultipartAssembly()
    for number in range(2_000):
        tail = base64.b64encode(number.to_bytes(3, "big") * 9).decode()
        parts.add(number, Message(NUMBER, f"EQE7{tail}" if number % 2 else f"aB1{tail}"), number, number)
    assert len(tries) <= 2_000 * 40
    assert not parts.waits(0, 2_000), "the oldest went"
    tries.clear()
    parts.add("first", Message(OTHER, first), 2_000, 2_000)
    joined = parts.add("second", Message(OTHER, second), 2_000, 2_000)
    assert joined is not None and joined.frames == [press], "and nobody else's are kept from joining"


def test_a_whole_frame_vouches_for_none_that_was_put_together_wrongly_beside_it() -> None:
    """Its letters go on behind it: the third of these texts has its end, the second that of another."""
    button = PressingButton()
    first, second, other = button.press(), button.press(), button.press()
    one, two, three = (text_of(frame) or "" for frame in (first, second, other))
    for between in ("\n", " "):
        joined = one + between + two
        assert whole_frames(joined) == [first, second]
        for behind in ("abcd", "abcd\n", "abcd -- sent"):
            assert whole_frames(joined + behind) == [], behind
        for begin in (f"{two}abcd{between}{one}", f"{one}{between}{two}abcd{between}{three}"):
            assert whole_frames(begin) == [], begin
    parts = MultipartAssembly()
    assert put(parts, [Message(NUMBER, f"{one}\n{two[:40]}"), Message(NUMBER, three[30:])]) == []
    assert put(parts, [Message(NUMBER, two[40:])]) == [first, second]
