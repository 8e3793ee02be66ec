"""What an incident's changes are in the codes of alarm receiving centres."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from gateway.outputs.sample_incidents import NOTICES, OWNER, POSITION, closed, later, opened
from siaga_gateway.domain.incident import Change, Disposition, Mode, Notice
from siaga_gateway.domain.value import copied
from siaga_gateway.formats import dc09_events
from siaga_gateway.formats.dc09_events import CONTACT_ID, SIA, Format

CID = Format(CONTACT_ID, False, 2, 17)
DCS = Format(SIA, True)

CODES: list[tuple[Notice, str | None, str | None]] = [
    (opened(), "1120", "PA"),
    (opened(silent=True), "1122", "HA"),
    (opened(duress=True), "1121", "HA"),
    (later(Change.PRESSED_AGAIN), "1120", "PA"),
    (later(Change.DURESS, duress=True), "1121", "HA"),
    (later(Change.POSITION), None, "PA"),
    (closed(Disposition.VERIFIED), "3120", "PR"),
    (closed(Disposition.ABUSE, silent=True), "3122", "HR"),
    (closed(Disposition.ACCIDENTAL, duress=True), "3121", "HR"),
    (later(Change.CANCELLED_BY_HOLDER, cancelled_by_holder=True), None, None),
    *[(later(change), None, None) for change in (Change.SEEN, Change.ASSIGNED, Change.ON_SCENE, Change.KEY_COPIED)],
    (opened(mode=Mode.EXERCISE), "1601", "RX"),
    (later(Change.DURESS, mode=Mode.EXERCISE, duress=True), "1601", "RX"),
    (closed(Disposition.EXERCISE, mode=Mode.EXERCISE), None, None),
    (opened(mode=Mode.TEST), "1601", "RX"),
    (closed(None, mode=Mode.TEST), "1601", "RX"),  # what `siaga gateway output test` sends
]


@pytest.mark.parametrize(("notice", "event", "code"), CODES)
def test_the_code_of_each_change(notice: Notice, event: str | None, code: str | None) -> None:
    plain, sia = dc09_events.content(notice, "1234", CID), dc09_events.content(notice, "1234", DCS)
    assert plain == (None if event is None else f"#1234|{event} 02 017]")
    found = None if sia is None else re.match(r"#1234\|Nri1/(..)001\^", sia)
    assert (found and found[1]) == code


def test_text_time_and_place_in_sia() -> None:
    assert dc09_events.content(opened(), "1234", DCS) == (
        "#1234|Nri1/PA001^siaga.lampung-17.k7q2; Toko Makmur, kasir; Siti Aminah; +628127900001^]"
        "[H07:03:26,11-23-2026][X105E15.6600][Y05S25.7520]"
    )
    late = opened(pressed_at_ms=None, position=None, owner=None, mode=Mode.EXERCISE)
    assert dc09_events.content(late, "9", DCS) == (
        "#9|Nri1/RX001^LATIHAN; siaga.lampung-17.k7q2; Toko Makmur, kasir^][H07:03:27,11-23-2026]"
    )
    blocks = Format(CONTACT_ID, True)
    assert dc09_events.content(later(Change.POSITION), "1", blocks) == (
        "#1|6120 01 001][H07:03:26,11-23-2026][X105E15.6600][Y05S25.7520]"
    )


@pytest.mark.parametrize("how", [{"silent": True}, {"duress": True}])
def test_no_number_to_ring_where_that_can_endanger(how: dict[str, bool]) -> None:
    for language, words in (("id", "JANGAN DITELEPON"), ("en", "DO NOT PHONE")):
        said = dc09_events.content(opened(**how), "1", copied(DCS, language=language))
        assert said is not None and words in said and OWNER.phone not in said


@pytest.mark.parametrize(
    ("latitude", "longitude", "written"),
    [
        (0, 0, "[X000E00.0000][Y00N00.0000]"),
        (-1, -1, "[X000W00.0000][Y00S00.0000]"),
        (900_000_000, 1_800_000_000, "[X180E00.0000][Y90N00.0000]"),
        (-59_999_999, 1_059_999_999, "[X106E00.0000][Y06S00.0000]"),  # minutes never become 60
        (599_999_900, 10_000, "[X000E00.0600][Y59N59.9994]"),
    ],
)
def test_places_from_digits(latitude: int, longitude: int, written: str) -> None:
    there = copied(POSITION, latitude=latitude, longitude=longitude)
    said = dc09_events.content(opened(position=there), "1", DCS)
    assert said is not None and said.endswith(written)


def test_a_button_may_be_an_account_of_its_own() -> None:
    assert dc09_events.account(opened(), DCS) is None
    assert dc09_events.account(opened(), copied(DCS, by_button=True)) == "00A1B2C3D4E5F607"


@given(NOTICES)
def test_whatever_people_write_the_fields_stay_apart(notice: Notice) -> None:
    said = dc09_events.content(notice, "1234", DCS)
    if said is not None:
        assert said.isascii() and said.isprintable()
        assert re.fullmatch(r"#1234\|Nri1/[A-Z]{2}001\^[^\[\]|^\"/]{0,200}\^\](\[[A-Z][^\[\]]*\])+", said)


@pytest.mark.parametrize("notice", [notice for notice, *_ in CODES])
def test_the_identity_number_never_leaves(notice: Notice) -> None:
    assert OWNER.nik not in (dc09_events.content(notice, "1234", DCS) or "")


def test_letters_of_other_alphabets_become_like_ones() -> None:
    assert dc09_events.ascii_text('Café [Ny. Ñusa] | 2/3 ^ "x" 🚨') == "Cafe ?Ny. Nusa? ? 2?3 ? ?x? ?"


def test_a_text_has_an_end() -> None:
    assert dc09_events.ascii_text("x" * 201) == "x" * 200
    said = dc09_events.content(opened(device_label="x" * 61), "1", DCS)
    assert said is not None and f"; {'x' * 59}...; " in said  # an ellipsis is three full stops
