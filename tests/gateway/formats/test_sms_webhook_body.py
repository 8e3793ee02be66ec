"""What is read of an aggregator's request, without the webhook around it (formats/sms_webhook_body.py)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.formats.sms import Part
from siaga_gateway.formats.sms_webhook_body import (
    MOST_MESSAGES,
    PRESETS,
    Form,
    NotPosted,
    Posted,
    flat_fields,
    form_fields,
    read_posted,
)

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
NUMBER = "+6281200000001"


def read(told: Any, preset: str = "generic", content_type: str = JSON) -> list[Posted | None]:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return read_posted(PRESETS[preset], body, content_type)


def only(told: Any, form: Form) -> Posted:
    (one,) = read_posted(form, json.dumps(told).encode(), JSON)
    assert one is not None
    return one


@pytest.mark.parametrize(
    ("told", "preset", "key"),
    [
        (b"", "generic", "sms.no_json_nor_form"),
        (b"", "infobip", "sms.no_json_nor_form"),
        (b"{", "generic", "sms.no_json"),
        (b"from=1&text=a", "generic", "sms.no_json"),  # it says that it is JSON
        ([], "generic", "sms.no_messages"),
        ("text", "generic", "sms.no_messages"),
        (7, "generic", "sms.no_messages"),
        (None, "generic", "sms.no_messages"),
        ({"results": []}, "infobip", "sms.no_messages_under"),
        ({"results": "text"}, "infobip", "sms.no_messages_under"),
        ({"text": "a"}, "infobip", "sms.no_messages_under"),
        ([{"text": "a"}] * (MOST_MESSAGES + 1), "generic", "sms.many_messages"),
        ({"results": [{"text": "a"}] * (MOST_MESSAGES + 1)}, "infobip", "sms.many_messages"),
    ],
)
def test_a_body_without_messages_is_refused_with_its_reason(told: Any, preset: str, key: str) -> None:
    with pytest.raises(NotPosted) as refused:
        read(told, preset, "" if told == b"" else JSON)
    assert refused.value.key == key


def test_one_request_has_five_hundred_messages_at_most() -> None:
    assert MOST_MESSAGES == 500
    assert len(read([{"from": NUMBER, "text": "a"}] * 500)) == 500


@given(st.lists(st.tuples(st.text("abc&=+%", max_size=5), st.text(max_size=8)), max_size=6))
def test_a_form_is_read_as_it_was_written(fields: list[tuple[str, str]]) -> None:
    body = urlencode(fields, errors="surrogatepass").encode()
    assert form_fields(body, FORM) == form_fields(body, f'{FORM}; charset="utf-8"') == fields


@pytest.mark.parametrize(
    ("charset", "letter"), [("", "\ufffd"), ("windows-1251", "\u0439"), ("latin-1", "\xe9"), ("cp-nobody", "\xe9")]
)
def test_a_form_has_the_letters_of_its_character_set_and_empty_values(charset: str, letter: str) -> None:
    told = form_fields(b"a=&b=%E9", f"{FORM}; charset={charset}" if charset else FORM)
    assert told == [("a", ""), ("b", letter)]


def test_a_form_of_very_many_fields_is_none() -> None:
    assert len(form_fields(b"&".join([b"a=1"] * 1_000))) == 1_000
    for content_type in (FORM, f"{FORM}; charset=cp-nobody"):
        with pytest.raises(ValueError, match="fields"):
            form_fields(b"&".join([b"a=1"] * 1_001), content_type)
        with pytest.raises(NotPosted):
            read_posted(PRESETS["generic"], b"&".join([b"text=1"] * 1_001), content_type)


def test_of_a_name_that_comes_twice_the_first_counts() -> None:
    (one,) = read(b"from=%2B6281200000001&text=first&text=second", content_type=FORM)
    assert one is not None and (one.message.number, one.message.text) == (NUMBER, "first")


@pytest.mark.parametrize("body", [b"[]", b"7", b"{", b"", b"[" * 100_000])
def test_what_is_no_object_has_no_fields(body: bytes) -> None:
    assert flat_fields(body) == []
    assert flat_fields(b'{"a": 1, "b": "c"}') == [("a", "1"), ("b", "c")]


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b" \r\n\t", b""])
def test_what_looks_like_json_is_json_whatever_it_is_called(mark: bytes) -> None:
    (one,) = read(mark + b'{"from": "110", "text": "EQE7"}', content_type="text/plain")
    assert one is not None and (one.message.number, one.message.text) == ("110", "EQE7")
    for written in ("utf-16", "utf-16-be"):
        bom = b"\xfe\xff" if written == "utf-16-be" else b""
        (one,) = read(bom + '{"text": "EQE7"}'.encode(written), content_type="text/plain")
        assert one is not None and one.message.text == "EQE7"


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("12345", None),  # such a number comes again with another message
        ("123456", "123456"),
        (12345, None),
        (123456, "123456"),
        (None, None),
        ([1, 2, 3, 4, 5], None),
        (1234.567, None),
    ],
)
def test_a_message_is_known_again_by_a_name_that_is_long_enough(told: Any, named: str | None) -> None:
    assert only({"text": "a", "id": told}, PRESETS["generic"]).id == named


@pytest.mark.parametrize(
    ("reference", "number", "total", "part"),
    [
        ("a1", 1, 2, Part("a1", 1, 2)),
        (7, "2", "3", Part("7", 2, 3)),
        ("a1", 1, 1, None),  # whole
        ("a1", 1, 0, None),
        (None, 1, 2, None),
        ("a1", None, 2, None),
        ("a1", 1, None, None),
        ("a1", "x", 2, None),
        ("a1", float("inf"), 2, None),
    ],
)
def test_which_part_of_a_text_it_is(reference: Any, number: Any, total: Any, part: Part | None) -> None:
    told = {"text": "a", "concat-ref": reference, "concat-part": number, "concat-total": total}
    assert only(told, PRESETS["vonage"]).message.part == part
    assert only(told, PRESETS["generic"]).message.part is None


def test_a_path_leads_through_objects_and_lists_and_ends_where_nothing_is() -> None:
    form = Form(("a.1.n", "n"), ("a.0.t", "a.2.t", "a.x.t", "t.t.t", "t"))
    assert only({"a": [{}, {"n": "110"}], "t": "text"}, form).message.number == "110"
    assert only({"a": [{}, {"n": "110"}], "t": "text"}, form).message.text == "text"
    assert only({"a": [{"t": "x"}], "n": "7726", "t": "y"}, form).message.number == "7726"
    assert only({"a.0.t": "dotted", "a": [{"t": "x"}]}, form).message.text == "dotted"


@pytest.mark.parametrize(
    ("text", "read_as"), [(["one", 2, "two"], "one\ntwo"), ("", None), ([], None), ([1], None), (7, None), ({}, None)]
)
def test_a_text_is_letters_or_lines(text: Any, read_as: str | None) -> None:
    (one,) = read([{"from": "110", "text": text}])
    assert (None if one is None else one.message.text) == read_as
