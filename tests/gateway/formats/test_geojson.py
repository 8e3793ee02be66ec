"""Areas as map programs write them: what RFC 7946 says, and what its readers meet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.formats.geojson import Feature, GeojsonError, features

SQUARE = [[104.0, -6.0], [105.0, -6.0], [105.0, -5.0], [104.0, -5.0], [104.0, -6.0]]
HOLE = [[104.4, -5.6], [104.4, -5.4], [104.6, -5.4], [104.6, -5.6], [104.4, -5.6]]
WOUND = ((-60_000_000, 1_050_000_000), (-50_000_000, 1_050_000_000), (-50_000_000, 1_040_000_000))


def feature(*rings: Any, kind: str = "Polygon", **properties: Any) -> dict[str, Any]:
    coordinates = list(rings) if kind == "Polygon" else [[ring] for ring in rings]
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def collection(*members: Any, **more: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", **more, "features": list(members)}).encode()


def only(raw: bytes) -> Feature:
    (found,) = features(raw)
    return found


def problem(raw: bytes) -> str:
    found = only(raw).problem
    assert found is not None
    assert "{" not in found.say("id") and "geojson." not in found.say("id")
    return found.key


def test_a_polygon_with_a_hole_in_whole_numbers() -> None:
    found = only(collection(feature(SQUARE, HOLE, station_key="polsek-a")))
    assert (found.problem, found.turned, found.properties) == (None, 0, {"station_key": "polsek-a"})
    ((outer, hole),) = found.polygons
    assert outer == ((-60_000_000, 1_050_000_000), (-50_000_000, 1_050_000_000), (-50_000_000, 1_040_000_000),
                     (-60_000_000, 1_040_000_000))  # fmt: skip
    assert len(hole) == 4 and hole[-1] == (-56_000_000, 1_044_000_000)


def test_digits_are_not_rounded_by_floats() -> None:
    text = collection(feature(SQUARE)).replace(b"104.0", b"104.00000015").replace(b"-6.0", b"-6.00000005000000000001")
    ((outer,),) = only(text).polygons
    assert outer[0] == (-60_000_001, 1_050_000_000)  # half of the last digit is rounded to the even one
    assert outer[-1] == (-60_000_001, 1_040_000_002)


def test_rings_of_the_other_winding_are_turned_as_readers_should() -> None:
    there, back = only(collection(feature(SQUARE, HOLE))), only(collection(feature(SQUARE[::-1], HOLE[::-1])))
    assert (there.turned, back.turned) == (0, 2)
    assert [[set(ring) for ring in polygon] for polygon in there.polygons] == [
        [set(ring) for ring in polygon] for polygon in back.polygons
    ]

    def doubled(ring: tuple[tuple[int, int], ...]) -> int:
        return sum(a[1] * b[0] - b[1] * a[0] for a, b in zip(ring, (*ring[1:], ring[0]), strict=True))

    for polygon in (*there.polygons, *back.polygons):
        assert doubled(polygon[0]) > 0 > doubled(polygon[1])


def test_several_parts_repeated_positions_altitudes_and_a_byte_order_mark() -> None:
    other = [[105.0, -5.0, 12.5], [106.0, -5.0], [106.0, -5.0], [106.0, -4.0], [105.0, -5.0, 12.5]]
    found = only(b"\xef\xbb\xbf" + collection(feature(SQUARE, other, kind="MultiPolygon")))
    assert found.problem is None and [len(polygon[0]) for polygon in found.polygons] == [4, 3]


def test_each_feature_has_the_line_in_which_it_begins() -> None:
    text = '{\n"type": "FeatureCollection",\n"name": "x",\n"features": [\n  %s,\n\n  %s\n]\n}\n'
    members = [json.dumps(feature(SQUARE, n=number), indent=1 if number == 0 else None) for number in range(2)]
    found = features((text % tuple(members)).encode())
    assert [(each.number, each.line, each.properties) for each in found] == [
        (1, 5, {"n": 0}),
        (2, 5 + members[0].count("\n") + 2, {"n": 1}),
    ]


def test_a_feature_or_a_bare_area_alone_will_do() -> None:
    alone = feature(SQUARE, name="x")
    assert only(json.dumps(alone).encode()).polygons == only(json.dumps(alone["geometry"]).encode()).polygons
    assert features(collection()) == []


@pytest.mark.parametrize(
    "name",
    [
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "urn:ogc:def:crs:OGC::CRS84",
        "EPSG:4326",
        "urn:ogc:def:crs:EPSG::4326",
        "ogc:crs84",
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    ],
)
def test_an_older_file_may_say_that_it_is_in_wgs_84(name: str) -> None:
    system = {"type": "name", "properties": {"name": name}}
    assert only(collection(feature(SQUARE), crs=system)).problem is None
    assert only(collection({**feature(SQUARE), "crs": None}, crs=None)).problem is None


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:EPSG::32748", "EPSG:23838", "EPSG:4755", "EPSG:43261", 7])
def test_another_reference_system_is_refused_by_its_name(name: object) -> None:
    system = {"type": "name", "properties": {"name": name}}
    with pytest.raises(GeojsonError, match=f"{name}.*WGS 84"):
        features(collection(feature(SQUARE), crs=system))
    assert problem(collection({**feature(SQUARE), "crs": system})) == "geojson.system"
    with pytest.raises(GeojsonError):
        features(collection(feature(SQUARE), crs={"type": "link", "properties": {"href": "x"}}))


@pytest.mark.parametrize(
    ("ring", "key"),
    [
        (SQUARE[:3], "geojson.short"),
        (SQUARE[:4], "geojson.unclosed"),
        ([SQUARE[0]] * 4, "geojson.flat"),
        ([SQUARE[0], SQUARE[1], SQUARE[0], SQUARE[0]], "geojson.flat"),
        ([[p[1], p[0]] for p in SQUARE], "geojson.swapped"),
        ([[512345.6, 9400000.1]] * 4, "geojson.metres"),
        ([[181.0, 0.0]] * 4, "geojson.off_globe"),
        ([[104.0, -190.0]] * 4, "geojson.off_globe"),
        ([[179.0, 0.0], [-179.0, 0.0], [-179.0, 1.0], [179.0, 1.0], [179.0, 0.0]], "geojson.antimeridian"),
        ([[104.0]] * 4, "geojson.no_position"),
        ([["104", "-5"]] * 4, "geojson.no_position"),
        ([[True, False]] * 4, "geojson.no_position"),
        ([7] * 4, "geojson.no_position"),
        ("x", "geojson.no_ring"),
    ],
)
def test_a_ring_that_is_none_is_said(ring: Any, key: str) -> None:
    assert problem(collection(feature(ring))) == key


def test_an_area_cut_at_the_antimeridian_is_whole() -> None:
    east = [[179.0, 0.0], [180.0, 0.0], [180.0, 1.0], [179.0, 1.0], [179.0, 0.0]]
    west = [[-180.0, 0.0], [-179.0, 0.0], [-179.0, 1.0], [-180.0, 1.0], [-180.0, 0.0]]
    assert only(collection(feature(east, west, kind="MultiPolygon"))).problem is None


@pytest.mark.parametrize(
    ("member", "key"),
    [
        ({"type": "Feature", "properties": {}, "geometry": None}, "geojson.no_geometry"),
        ({"type": "Feature", "properties": {}}, "geojson.no_geometry"),
        ({"type": "Feature", "geometry": {"type": "Point", "coordinates": [104, -5]}}, "geojson.no_area"),
        ({"type": "Feature", "geometry": {"type": "GeometryCollection", "geometries": []}}, "geojson.no_area"),
        ({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}}, "geojson.empty"),
        ({"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [[]]}}, "geojson.empty"),
        ({"type": "Feature", "geometry": {"type": "Polygon"}}, "geojson.empty"),
        ({"type": "Polygon", "coordinates": [SQUARE]}, "geojson.no_feature"),
        (7, "geojson.no_feature"),
    ],
)
def test_a_feature_without_an_area_is_said_and_the_others_are_read(member: Any, key: str) -> None:
    bad, good = features(collection(member, feature(SQUARE)))
    assert bad.problem is not None and bad.problem.key == key
    assert good.problem is None and good.number == 2


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"", "geojson.no_json"),
        (b"[]", "geojson.no_json"),
        (b"{", "geojson.no_json"),
        (collection(feature(SQUARE))[:-30], "geojson.no_json"),
        (collection(feature(SQUARE)) + b"x", "geojson.no_json"),
        (b'{"type": "FeatureCollection", "features": [NaN]}', "geojson.no_json"),
        (b'{"features": [' + b"1" * 5_000 + b"]}", "geojson.no_json"),
        (b"[" * 100_000, "geojson.no_json"),
        (b'{"a": ' + b"[" * 100_000, "geojson.no_json"),
        (b"\xff\xfe{\0}\0", "geojson.no_utf8"),
        (b"{}", "geojson.no_collection"),
        (b'{"type": "FeatureCollection", "features": 7}', "geojson.no_collection"),
        (b'{"type": "Topology", "objects": {}}', "geojson.topology"),
        (b'{"geometryType": "esriGeometryPolygon", "features": []}', "geojson.esri"),
        (b'{"type": "Point", "coordinates": [1, 2]}', "geojson.no_collection"),
    ],
)
def test_a_file_that_is_none_is_refused_by_what_it_is(raw: bytes, key: str) -> None:
    with pytest.raises(GeojsonError) as raised:
        features(raw)
    assert raised.value.key == key and "geojson." not in raised.value.say("id")


def test_where_json_breaks_is_told_by_its_line() -> None:
    with pytest.raises(GeojsonError) as raised:
        features(b'{"type": "FeatureCollection",\n"features": [\n{"type": }]}')
    assert raised.value.values["line"] == 3


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,features type0.1e-', max_size=80).map(str.encode))
def test_no_bytes_bring_it_down(raw: bytes) -> None:
    try:
        features(raw)
    except GeojsonError:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["Feature", "Polygon", "MultiPolygon"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "geometry", "coordinates", "properties", "crs"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_no_feature_brings_it_down(members: list[Any]) -> None:
    found = features(collection(*members))
    assert len(found) == len(members)


@pytest.mark.parametrize("number", ["1e99999999999999999999", "1e1000000", "-1e-99999999999999999999"])
def test_a_number_that_nothing_can_calculate_with_is_refused(number: str) -> None:
    with pytest.raises(GeojsonError) as refused:
        features(collection(feature(SQUARE)).replace(b"104.0", number.encode(), 1))
    assert refused.value.key == "geojson.no_json"
