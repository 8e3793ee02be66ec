"""Any incident that could exist gives a CAP message that the standard allows and that others read as we meant it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from lxml import etree

from gateway.outputs.cap_reading import all_of, check_prose, infos, one, pairs, read, tree
from gateway.outputs.sample_incidents import NOTICES, POSITIONS, closed, later, opened
from siaga_gateway.domain.incident import Change, Disposition, Notice, Position
from siaga_gateway.formats import cap
from siaga_gateway.formats.text_rules import one_line


@given(NOTICES)
@settings(max_examples=150)
def test_any_notice_keeps_the_schema_and_the_prose_of_the_standard(notice: Notice) -> None:
    check_prose(tree(cap.document(notice)))


@given(NOTICES)
@settings(max_examples=150)
def test_an_independent_parser_reads_back_what_was_meant(notice: Notice) -> None:
    incident = notice.incident
    alert = read(cap.document(notice, sender="siaga.example"))
    assert str(alert["cap_sender"]) == "siaga.example"
    assert str(alert["cap_id"]) == f"{incident.identifier}-{notice.sequence}"
    assert str(alert["cap_status"]) == incident.mode.capitalize()
    assert str(alert["cap_incidents"]) == incident.identifier
    assert len(str(alert.get("cap_references", "")).split()) == len(notice.previous)
    assert len(alert["cap_info"]) == 2
    for info in alert["cap_info"]:
        told = {str(pair["valueName"]): pair["value"].text or "" for pair in info["cap_parameter"]}
        assert told["siaga:device_id"] == incident.device_id.hex()
        assert told["siaga:presses"] == str(incident.presses)
        assert told.get("siaga:unit", "") == one_line(incident.unit or "")
        for name in ("name", "phone", "address"):
            written = "" if incident.owner is None else getattr(incident.owner, name)
            assert told.get(f"siaga:owner_{name}", "") == one_line(written)
        for name, value in (("battery_percent", incident.battery), ("delayed_s", incident.delayed_s)):
            assert told.get(f"siaga:{name}") == (None if value is None else str(value))
        (area,) = info["cap_area"]
        position = incident.position
        if position is None or not _on_earth(position):
            assert "circle" not in area
        else:
            latitude, longitude = str(area["circle"]).split(" ")[0].split(",")
            assert (Decimal(latitude).scaleb(7), Decimal(longitude).scaleb(7)) == (
                position.latitude,
                position.longitude,
            )
        if incident.owner is not None and (address := one_line(incident.owner.address)):
            assert address in str(area["area_description"])


@given(POSITIONS)
@settings(max_examples=120)
def test_a_position_comes_back_to_the_last_digit_with_its_sign(position: Position) -> None:
    root = tree(cap.document(opened(position=position)))
    for info in infos(root).values():
        circles = all_of(info, "area/circle")
        assert len(circles) == (1 if _on_earth(position) else 0)
        if circles:
            centre, radius = circles[0].split(" ")
            latitude, longitude = centre.split(",")
            assert Decimal(latitude).scaleb(7) == position.latitude
            assert Decimal(longitude).scaleb(7) == position.longitude
            assert latitude.startswith("-") == (position.latitude < 0)
            assert longitude.startswith("-") == (position.longitude < 0)
            if position.accuracy_m:
                assert Decimal(radius) * 1000 == position.accuracy_m
        assert pairs(info).get("siaga:accuracy_m") == (
            None if position.accuracy_m is None else str(position.accuracy_m)
        )


def _on_earth(position: Position) -> bool:
    return abs(position.latitude) <= 90 * 10**7 and abs(position.longitude) <= 180 * 10**7


@pytest.mark.parametrize(
    ("damage", "by"),
    [
        ("a time in Z", (b"-00:00</sent>", b"Z</sent>")),
        ("an unknown status", (b"<status>Actual<", b"<status>Active<")),
        ("an unknown urgency", (b"<urgency>Immediate<", b"<urgency>Now<")),
        ("elements out of order", (b"<msgType>Alert</msgType>", b"")),
        ("an unknown element", (b"<scope>", b"<kind/><scope>")),
        ("another namespace", (b"cap:1.2", b"cap:9.9")),
    ],
)
def test_the_official_schema_would_notice(damage: str, by: tuple[bytes, bytes]) -> None:
    """The schema that the other tests lean on refuses what it should."""
    document = cap.document(opened())
    assert by[0] in document
    with pytest.raises(etree.DocumentInvalid):
        tree(document.replace(*by))


@pytest.mark.parametrize(
    "by",
    [
        (b"<identifier>", b"<identifier>a b"),
        (b"105.2610000 0.012", b"105.2610000,0.012"),
        (b"<sender>", b"<sender>a,"),
    ],
)
def test_the_independent_parser_would_notice(by: tuple[bytes, bytes]) -> None:
    document = cap.document(opened())
    assert by[0] in document
    with pytest.raises(Exception, match="Error objectifying XML"):
        read(document.replace(*by))


def test_the_prose_check_would_notice_a_cancel_without_references() -> None:
    document = cap.document(closed(Disposition.ABUSE))
    root = tree(document)
    check_prose(root)
    (references,) = root.findall("{*}references")
    root.remove(references)
    with pytest.raises(AssertionError, match="only an Alert references nothing"):
        check_prose(root)


def test_the_document_is_plain_utf_8_without_a_doctype_and_with_one_namespace() -> None:
    document = cap.document(opened(device_label="Toko “Makmur” 🚨 <kasir>"))
    assert document.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<alert xmlns=")
    assert "Toko “Makmur” 🚨 &lt;kasir&gt;" in document.decode()
    assert b"<!DOCTYPE" not in document and b"<!ENTITY" not in document
    assert {etree.QName(element).namespace for element in tree(document).iter()} == {cap.NAMESPACE}
    assert not [element.attrib for element in tree(document).iter() if element.attrib]


def test_the_canonical_form_is_stable() -> None:
    """Whoever signs the messages (XML Signature is allowed by the standard) signs their canonical form: reading and
    writing a message again must not change it."""
    for notice in (opened(), later(Change.POSITION, device_label="<&>\"' \u00e9 é مرحبا 👩‍👩‍👧")):
        document = cap.document(notice)
        canonical = etree.canonicalize(document.decode())
        again = etree.tostring(etree.fromstring(document), xml_declaration=True, encoding="UTF-8")
        assert etree.canonicalize(again.decode().partition("?>")[2]) == canonical
        assert one(etree.fromstring(canonical.encode()), "identifier") == one(tree(document), "identifier")
        assert "\r" not in canonical
