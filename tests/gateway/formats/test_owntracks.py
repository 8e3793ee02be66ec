"""What the OwnTracks apps really send: places, pings, what they leave out, and what is none of ours."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.formats.owntracks import LARGEST, MOST, Fix, OwntracksError, Passed, read, topic_parts

TST = 1_796_050_800
LOCATION: dict[str, Any] = {
    "_type": "location", "lat": -5.4292, "lon": 105.2611, "acc": 13, "tst": TST, "created_at": TST + 3, "t": "u",
    "tid": "BU", "batt": 71, "conn": "m", "vel": 12, "alt": 20, "topic": "owntracks/budi/hp", "m": 2,
}  # fmt: skip
FIX = Fix(-54_292_000, 1_052_611_000, 13, TST * 1000, (TST + 3) * 1000, False)


def one(**changes: Any) -> Fix | Passed | OwntracksError:
    told = {name: value for name, value in {**LOCATION, **changes}.items() if value is not ...}
    (found,) = read(json.dumps(told).encode())
    return found


def why(found: object) -> str:
    assert isinstance(found, OwntracksError)
    return found.key


def test_a_place_is_read_without_floating_point() -> None:
    assert one() == FIX
    (exact,) = read(
        b'{"_type":"location","lat":-5.42920011,"lon":105.2611,"acc":13,"tst":%d,"created_at":%d}' % (TST, TST + 3)
    )
    assert isinstance(exact, Fix) and exact.latitude == -54_292_001
    assert one(lat=0, lon=109) == Fix(0, 1_090_000_000, 13, TST * 1000, (TST + 3) * 1000, False), "on the equator"


def test_what_is_zero_is_left_out_and_an_accuracy_that_is_none_is_unknown() -> None:
    for accuracy in (..., 0, -1, None, "13", True, 10**9):
        found = one(acc=accuracy, created_at=..., vel=..., alt=...)
        assert isinstance(found, Fix) and (found.accuracy_m, found.made_ms) == (None, None)
    tenths = one(acc=0.3)
    assert isinstance(tenths, Fix) and tenths.accuracy_m == 1


def test_a_ping_is_told_from_a_fix() -> None:
    assert one(t="p") == Fix(*(-54_292_000, 1_052_611_000, 13, TST * 1000, (TST + 3) * 1000), True)


def test_a_transition_tells_a_place_too() -> None:
    assert one(_type="transition", event="enter", wtst=1, t="c") == FIX


@pytest.mark.parametrize("kind", ["lwt", "waypoint", "waypoints", "card", "status", "steps", "cmd", "beacon"])
def test_other_messages_of_the_app_are_passed_over(kind: str) -> None:
    assert one(_type=kind) == Passed(kind)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"_type": "encrypted", "data": "x"}, "owntracks.encrypted"),
        ({"_type": "osmand"}, "owntracks.kind"),
        ({"_type": ...}, "owntracks.kind"),
        ({"_type": ["location"]}, "owntracks.kind"),
        ({"lat": ...}, "owntracks.no_place"),
        ({"lon": "105"}, "owntracks.no_place"),
        ({"lat": True}, "owntracks.no_place"),
        ({"lat": 90.1}, "owntracks.off_globe"),
        ({"lon": -181}, "owntracks.off_globe"),
        ({"lat": 0, "lon": 0.00001}, "owntracks.zero"),
        ({"tst": ...}, "owntracks.no_time"),
        ({"tst": 0}, "owntracks.no_time"),
        ({"tst": 10**17}, "owntracks.no_time"),
        ({"tst": 10**30}, "owntracks.no_time"),
    ],
)
def test_what_says_no_place_is_refused_by_name(changes: dict[str, Any], wanted: str) -> None:
    assert why(one(**changes)) == wanted


def test_a_batch_is_read_and_what_is_wrong_with_one_leaves_the_others() -> None:
    found = read(json.dumps([LOCATION, {"_type": "lwt"}, 7, {**LOCATION, "lat": 99}, LOCATION]).encode())
    assert (found[0], found[1], found[4]) == (FIX, Passed("lwt"), FIX)
    assert (why(found[2]), why(found[3])) == ("owntracks.no_message", "owntracks.off_globe")


def test_an_empty_body_is_a_friend_who_was_deleted() -> None:
    assert read(b"") == read(b" \n") == read(b"[]") == []


@pytest.mark.parametrize(
    "raw",
    [b"{", b"\xff\xfe", b"nan", b'{"lat": NaN}', b"[" * 100_000, b'{"lat":1e999999999999999999999999}', b"9" * 5_000],
)
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(OwntracksError, match="no JSON"):
        read(raw)


def test_too_much_is_refused() -> None:
    with pytest.raises(OwntracksError, match="larger"):
        read(b" " * (LARGEST + 1))
    with pytest.raises(OwntracksError, match="at once"):
        read(b"[" + b"1," * MOST + b"1]")


def test_a_topic_names_user_and_device() -> None:
    assert topic_parts("owntracks/budi/hp") == topic_parts("owntracks/budi/hp/event") == ("budi", "hp")
    for topic in ("owntracks/budi", "owntracks//hp", "owntracks/budi/", "siaga/v1/up/x", "/owntracks/budi/hp"):
        assert topic_parts(topic) is None


@given(st.binary(max_size=300))
def test_nothing_breaks_the_reader(raw: bytes) -> None:
    with contextlib.suppress(OwntracksError):
        read(raw)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(LOCATION)), values), st.sampled_from(["location", "transition"]))
def test_no_field_of_a_place_breaks_the_reader(changes: dict[str, Any], kind: str) -> None:
    raw = json.dumps({**LOCATION, **changes, "_type": kind}).encode()
    try:
        (found,) = read(raw)
    except OwntracksError:  # NaN is no JSON
        return
    assert isinstance(found, Fix | OwntracksError)
    if isinstance(found, Fix):
        assert abs(found.latitude) <= 900_000_000 and abs(found.longitude) <= 1_800_000_000
        assert found.accuracy_m is None or found.accuracy_m > 0
