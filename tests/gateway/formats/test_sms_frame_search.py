"""A frame is found in whatever carriers, daemons and aggregators make of its text, and nothing where none is."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import quopri
import re
import struct
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pressing_button import PressingButton
from siaga_gateway.domain.frame import FrameError, Kind, decode_uplink, lengths_after
from siaga_gateway.formats.sms import LetterCaseLost, NotAFrame, frame_of, frames_of, text_of
from siaga_gateway.formats.sms_carrier_encodings import LONGEST_LOOKED_AT
from siaga_gateway.formats.sms_frame_search import MOST_FRAMES, begins_in, frames_in

BODIES = {Kind.PRESS: 21, Kind.UPDATE: 21, Kind.CANCEL: 21, Kind.CHECKIN: 29, Kind.TAMPER: 21, Kind.RECEIPT: 5}


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Any uplink that lays out, its tag as random as a true one's."""
    kind, suite = draw(st.sampled_from(list(BODIES))), draw(st.sampled_from([1, 2]))
    body = draw(st.binary(min_size=BODIES[kind], max_size=BODIES[kind]))
    if kind is Kind.RECEIPT:
        body = body[:4] + bytes([body[4] % 3])
    head = struct.pack(
        ">BB8sI", 0x10 | suite, kind, draw(st.binary(min_size=8, max_size=8)), draw(st.integers(0, 2**32 - 1))
    )
    tag_length = 64 if suite == 1 else 8
    return head + body + hashlib.sha512(draw(st.binary(max_size=8))).digest()[:tag_length]


def wrapped(text: str, width: int, line_end: str) -> str:
    return line_end.join(text[start : start + width] for start in range(0, len(text), width))


def marked(text: str, mark: str) -> str:
    return mark.join(text[start : start + 9] for start in range(0, len(text), 9))


ALPHABETS: dict[str, Callable[[str], str]] = {
    "as sent": lambda text: text,
    "padding lost": lambda text: text.rstrip("="),
    "url-safe": lambda text: text.replace("+", "-").replace("/", "_"),
    "url-safe without padding": lambda text: text.replace("+", "-").replace("/", "_").rstrip("="),
    "plus became blank": lambda text: text.replace("+", " "),
    "dashes of a word processor": lambda text: text.replace("+", "\u2013").replace("/", "_"),
    "section sign for the underscore": lambda text: text.replace("+", "-").replace("/", "\u00a7"),
    "full width": lambda text: "".join(chr(ord(one) + 0xFEE0) for one in text),
}
WRAPS: dict[str, Callable[[str], str]] = {
    "in one line": lambda text: text,
    "wrapped at 70": lambda text: wrapped(text, 70, "\r\n"),
    "wrapped at 33": lambda text: wrapped(text, 33, "\n"),
    "a tab at 64": lambda text: wrapped(text, 64, "\t"),
    "zero width": lambda text: marked(text, "\u200b"),
    "soft hyphens": lambda text: marked(text, "\u00ad"),
}
AROUND: dict[str, Callable[[str], str]] = {
    "nothing": lambda text: text,
    "BOM": lambda text: f"\ufeff{text}",
    "trailing NUL": lambda text: f"{text}\0\0",
    "quotes": lambda text: f'"{text}"',
    "typographic quotes": lambda text: f"\u201c{text}\u201d",
    "keyword": lambda text: f"SIAGA {text}",
    "keyword with colon": lambda text: f"SIAGA: {text}.",
    "footer": lambda text: f"{text}\n-- sent by operator",
    "long footer": lambda text: (
        f"{text}\r\n\r\nPesan ini dikirim lewat Contoh Telekom, syarat dan ketentuan berlaku di example.org"
    ),
    "keyword and footer": lambda text: f"POLDA {text} (Contoh Telekom)",
    "bidi": lambda text: f"\u202a{text}\u202c",
    "brackets": lambda text: f"[{text}]",
}
ENCODINGS: dict[str, Callable[[str], str]] = {
    "none": lambda text: text,
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "entities": lambda text: html.escape(text).replace("+", "&#43;").replace("=", "&#x3D;").replace("/", "&sol;"),
    "xml": lambda text: f"<sms><from>628</from><text>{html.escape(text)}</text></sms>",
    "line breaks of a page": lambda text: f"<p>{text.replace(chr(10), '<br/>')}</p>",
    "quoted-printable": lambda text: quopri.encodestring(text.encode()).decode("ascii"),
    "JSON": lambda text: json.dumps(text).replace("/", "\\/"),
    "NULs between": lambda text: text.encode("utf-16-be").decode("latin-1") if text.isascii() else text,
    "at signs for NULs": lambda text: "@".join(text) if text.isascii() else text,
    "UCS-2 as digits": lambda text: text.encode("utf-16-be").hex().upper(),
    "ASCII as digits": lambda text: text.encode("ascii").hex() if text.isascii() else text,
}


@settings(max_examples=400, deadline=None)
@given(
    frames(),
    st.sampled_from(list(ALPHABETS)),
    st.sampled_from(list(WRAPS)),
    st.sampled_from(list(AROUND)),
    st.sampled_from(list(ENCODINGS)),
)
def test_a_frame_is_found_in_any_surroundings(
    frame: bytes, alphabet: str, wrap: str, around: str, encoding: str
) -> None:
    text = text_of(frame)
    assert text is not None
    changed = ENCODINGS[encoding](AROUND[around](WRAPS[wrap](ALPHABETS[alphabet](text))))
    assume(len(changed) <= LONGEST_LOOKED_AT)  # full width with marks between, encoded twice, is beyond it
    assert frame_of(changed) == frame, (alphabet, wrap, around, encoding, changed)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(frames(), min_size=2, max_size=5, unique=True), st.sampled_from(["\n", " ", ", ", "\r\n--\r\n", " SIAGA "])
)
def test_several_frames_in_one_text_are_all_found(several: list[bytes], between: str) -> None:
    assert frames_of(between.join(text_of(one) or "" for one in several)) == several


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=600)
    | st.text("EQg+/=-_ \n%&;#x0aA", max_size=400)
    | st.binary(max_size=400).map(lambda b: b.decode("latin-1"))
)
@example("E" * 4_000)
@example("EQE" * 1_300)
@example("%25" * 1_300)
@example("&amp;" * 800)
@example("<" * 4_000)
@example("\ufdfa" * 4_096)
def test_any_text_holds_frames_that_lay_out_or_is_refused(text: str) -> None:
    try:
        found = frames_of(text)
    except NotAFrame as error:
        assert len(text) < 8 or text not in str(error)
        return
    for frame in found:
        try:
            decode_uplink(frame)
        except FrameError:
            assert base64.b64encode(frame).decode() == "".join(text.split()), "only what is nothing but base64"


@pytest.mark.parametrize(
    "text", ["EQE7" * 40_000, "EQE " * 40_000, "%45%51" * 40_000, "&#69;" * 40_000, "0045" * 40_000]
)
def test_a_text_that_is_made_to_be_expensive_costs_no_more_than_its_bound(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_out = []
    monkeypatch.setattr(
        "siaga_gateway.formats.sms_frame_search.decode_uplink", lambda raw: laid_out.append(raw) or decode_uplink(raw)
    )
    with contextlib.suppress(NotAFrame):
        assert len(frames_of(text)) <= MOST_FRAMES
    assert len(laid_out) <= 12 * 3 * 64 * 2
    assert all(len(raw) <= LONGEST_LOOKED_AT for raw in laid_out)


def test_of_many_beginnings_in_one_reading_only_the_first_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    laid_out = []
    monkeypatch.setattr(
        "siaga_gateway.formats.sms_frame_search.decode_uplink", lambda raw: laid_out.append(raw) or decode_uplink(raw)
    )
    frames_in("EQE7" * 512)
    most = max(len(lengths_after(bytes([0x11, kind, 0]))) for kind in range(1, 8))
    assert 0 < len(laid_out) <= 64 * most * 2, "two ways to read blanks"


@pytest.mark.parametrize("fold", [str.lower, str.upper, lambda text: f"siaga {text.lower()}\n-- sent"])
@given(frame=frames())
@settings(max_examples=30, deadline=None)
def test_letters_of_one_case_are_lost_and_said_to_be(fold: Callable[[str], str], frame: bytes) -> None:
    """Nothing brings them back: 2^132 frames have this text. It is counted, and the person who looks is told."""
    text = fold(text_of(frame) or "")
    with pytest.raises(LetterCaseLost):
        frame_of(text)


def test_a_frame_that_happens_to_have_large_letters_only_goes_where_another_has_both() -> None:
    """In whatever order; alone it cannot be told from one that lost its case."""
    large, both = b"\x11\x01" + bytes(97), b"\x11\x01" + bytes(range(97))
    for several in ([large, both], [both, large]):
        assert frames_of(" ".join(text_of(one) or "" for one in several)) == several
    with pytest.raises(LetterCaseLost):
        frames_of(text_of(large) or "")


@settings(deadline=None)
@given(frames(), st.integers(8, 20))
def test_a_text_that_breaks_off_within_a_frame_is_known_as_its_beginning(frame: bytes, missing: int) -> None:
    text = text_of(frame) or ""
    assert begins_in(text[:-missing])
    assert not begins_in("Pulsa Anda hampir habis")


def test_no_frame_begins_within_a_whole_one() -> None:
    """One press in 120 has characters in its signature that look like a beginning: it waited as if unfinished."""
    start, button = re.compile("E[Qg][E-Za-f]"), PressingButton()
    while not start.search(text := text_of(button.press()) or "", 80):
        pass
    assert not begins_in(text)
    assert begins_in(f"{text} {text[:-20]}"), "behind it one may begin all the same"
