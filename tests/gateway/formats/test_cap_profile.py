"""What strict receivers of CAP want besides the incident, by the official schema, the prose and a second parser."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gateway.outputs.cap_reading import all_of, check_prose, infos, one, pairs, read, tree
from gateway.outputs.sample_incidents import NOTICES, POSITION, SENT_MS, closed, opened
from gateway.sample_site import WIB
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.incident import Disposition, Notice, Position
from siaga_gateway.domain.value import copied
from siaga_gateway.formats import cap
from siaga_gateway.formats.cap_profile import PLAIN, Profile, check_code, check_event_code, check_web, polygon
from siaga_gateway.formats.text_rules import search_radius_m

WHOLE = Profile(
    expires_s=86_400,
    event_codes=(("OET:v1.2", "OET-000"),),
    web="https://console.example/#{id}?{incident}",
    contact="+62 721 000000 & <110>",
    polygon=True,
    geocodes=lambda position: (("Kemendagri", "18.71"), ("Kemendagri", "18.72")) if position else (("x", "18"),),
)


@given(NOTICES, st.booleans(), st.booleans())
def test_any_notice_with_all_of_it_keeps_schema_and_prose(notice: Notice, circle: bool, corners: bool) -> None:
    document = cap.document(notice, profile=copied(WHOLE, circle=circle, polygon=corners))
    check_prose(tree(document))
    assert len(read(document)["cap_info"]) == 2


def test_what_each_block_then_has() -> None:
    root = tree(cap.document(opened(), local=WIB, profile=WHOLE))
    for info in infos(root).values():
        assert one(info, "expires") == "2026-11-24T14:03:27+07:00"
        assert one(info, "web") == "https://console.example/#17?siaga.lampung-17.k7q2"
        assert one(info, "contact") == "+62 721 000000 & <110>"
        assert pairs(info, "eventCode") == {"siaga:event": "sos", "OET:v1.2": "OET-000"}
        assert all_of(info, "area/geocode/value") == ["18.71", "18.72"]
        assert len(all_of(info, "area/polygon")) == len(all_of(info, "area/circle")) == 1
    for info in infos(tree(cap.document(opened(position=None), profile=WHOLE))).values():
        assert all_of(info, "area/geocode/value") == ["18"] and not all_of(info, "area/polygon")
    for info in infos(tree(cap.document(opened(), profile=copied(WHOLE, circle=False)))).values():
        assert not all_of(info, "area/circle") and all_of(info, "area/polygon")


def test_the_end_of_a_call_lapses_too() -> None:
    root = tree(cap.document(closed(Disposition.VERIFIED), profile=WHOLE))
    assert all(one(info, "expires").startswith("2026-11-24T07:03:33") for info in infos(root).values())
    assert SENT_MS % 86_400_000 < 86_400_000 - 6_000


def test_without_a_profile_nothing_of_it_is_there() -> None:
    assert cap.document(opened()) == cap.document(opened(), profile=PLAIN)
    for info in infos(tree(cap.document(opened()))).values():
        assert not any(all_of(info, name) for name in ("expires", "web", "contact", "area/polygon", "area/geocode"))


PLACES = st.builds(
    lambda latitude, longitude, accuracy: copied(POSITION, latitude=latitude, longitude=longitude, accuracy_m=accuracy),
    st.integers(-850_000_000, 850_000_000),
    st.integers(-1_780_000_000, 1_780_000_000),  # beside the antimeridian there is no polygon
    st.none() | st.integers(0, 3_000),
)


@given(PLACES, st.floats(0, 2 * math.pi))
def test_the_corners_hold_the_whole_circle_and_little_more(position: Position, angle: float) -> None:
    corners = _corners(position)
    assert corners[0] == corners[-1] and len(corners) == 25
    drawn = shapely.Polygon([(float(east), float(north)) for north, east in corners])
    assert drawn.is_valid and drawn.exterior.is_ccw
    for radius_m, inside in ((search_radius_m(position), True), (search_radius_m(position) * 1.02 + 5, False)):
        high = radius_m / 111_195
        wide = high / math.cos(math.radians(position.latitude / 10**7))
        point = shapely.Point(
            position.longitude / 10**7 + wide * math.cos(angle), position.latitude / 10**7 + high * math.sin(angle)
        )
        assert drawn.contains(point) is inside


def _corners(position: Position) -> list[tuple[Decimal, Decimal]]:
    written = polygon(position)
    assert written is not None
    pairs_of = [corner.split(",") for corner in written.split(" ")]
    return [(Decimal(north), Decimal(east)) for north, east in pairs_of]


def test_the_first_corner_of_a_known_circle() -> None:
    """101 m, lengthened by the cosine of half a corner's angle, by 111,195 m a degree."""
    there = copied(POSITION, latitude=0, longitude=0, accuracy_m=100)
    assert _corners(there)[0] == (Decimal("0.0000000"), Decimal("0.0009162"))


def test_up_to_the_very_edge_there_are_corners() -> None:
    assert polygon(copied(POSITION, latitude=850_000_000)) is not None
    east = max(int(east * 10**7) for _, east in _corners(copied(POSITION, longitude=1_799_000_000)))
    at_the_edge = copied(POSITION, longitude=1_799_000_000 + 1_800_000_000 - east)
    assert max(east for _, east in _corners(at_the_edge)) == 180
    assert polygon(copied(at_the_edge, longitude=at_the_edge.longitude + 1)) is None


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(850_000_001, 0), (-900_000_000, 0), (0, 1_800_000_000), (0, -1_799_999_999)]
)
def test_where_no_corners_can_be_drawn_the_circle_stands(latitude: int, longitude: int) -> None:
    there = copied(POSITION, latitude=latitude, longitude=longitude)
    assert polygon(there) is None
    for info in infos(tree(cap.document(opened(position=there), profile=copied(WHOLE, circle=False)))).values():
        assert all_of(info, "area/circle") and not all_of(info, "area/polygon")


@pytest.mark.parametrize("code", ["18", "18.71", "18.71.01", "18.71.01.1001"])
def test_codes_of_the_ministry(code: str) -> None:
    assert check_code(code, "Kemendagri") == code


@pytest.mark.parametrize("code", ["", "1871", "18.7", "18.71.1", "18.71.01.101", "18.71.01.1001.1", " 18", "٣٣"])
def test_what_is_none(code: str) -> None:
    with pytest.raises(SettingError, match="no code of the Ministry"):
        check_code(code, "Kemendagri")


def test_other_codes_are_only_printable() -> None:
    assert check_code("ID-LA", "ISO 3166-2") == "ID-LA"
    for code in ("", " ", "a\n", " a"):
        with pytest.raises(SettingError, match="printable"):
            check_code(code, "ISO 3166-2")


def test_an_event_code_is_a_name_and_a_value() -> None:
    assert check_event_code("OET:v1.2 = OET-000") == ("OET:v1.2", "OET-000")
    for written in ("", "OET", "=x", "x=", " = "):
        with pytest.raises(SettingError, match="name=value"):
            check_event_code(written)


@pytest.mark.parametrize("web", ["https://k.example/#{id}", "http://k.example/{incident}", "https://k.example/"])
def test_addresses(web: str) -> None:
    assert check_web(web) == web


@pytest.mark.parametrize(
    "web",
    [
        "",
        "k.example",
        "ftp://k.example",
        "https://",
        "https://k.example/{name}",
        "https://k.example/{",
        "https://k.e/{}",
        "https://k.example/{id.real}",
        "https://k.example/{id:>9}x y",
        "https://k.example/{0}",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address_of_an_incident(web: str) -> None:
    with pytest.raises(SettingError, match="must be an address"):
        check_web(web)
