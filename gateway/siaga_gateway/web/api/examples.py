"""An example of each request and answer of the API, made from its own description, so that none goes out of date.

What a field shows stands below by its name, or with the field itself (`examples`); all people and numbers are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_DEVICE: Final = "0123456789abcdef"
# By the field's name, where its kind allows it.
_VALUES: Final[Mapping[str, Any]] = {
    "actor": "Rina Contoh",
    "address": "Jl. Contoh 1, Kedaton",
    "cases": [],
    "contacts": ["station:polsek-contoh"],
    "device": _DEVICE,
    "devices": [_DEVICE],
    "buttons": [_DEVICE],
    "disposition": "verified",
    "eta_minutes": 8,
    "frame": "0101" + _DEVICE,
    "identifier": "contoh-17.bcdfg",
    "key": "polsek-contoh",
    "label": "Toko Contoh, kasir",
    "latitude": -5.4292,
    "longitude": 105.261,
    "name": "Contoh Pemilik",
    "next_cursor": None,
    "nik": "9900000000000001",
    "note": "Pintu belakang terkunci.",
    "number": "+6281200000000",
    "operator": "Contoh Seluler",
    "ordered_by": "Rina Contoh",
    "phone": "+6281200000000",
    "progress": _DEVICE,
    "properties": {"name": "Polsek Contoh", "kind": "polsek", "parent": None},
    "query": "contoh",
    "reason": "Surat tidak cocok dengan KTP.",
    "saved_by": "Dewi Contoh",
    "steps_en": ["Ask where the holder is."],
    "steps_id": ["Tanyakan di mana pemegang tombol."],
    "text": "Unit dikirim: Sabhara 12",
    "unit": "Sabhara 12",
}
_OF_FORMAT: Final = {"date-time": "2026-12-01T07:03:27Z", "date": "2026-12-31"}


def with_examples(document: dict[str, Any]) -> None:
    """Put an example to each request body and each answer that has a schema, where none stands."""
    schemas = document["components"]["schemas"]
    for methods in document["paths"].values():
        for operation in methods.values():
            contents = [operation.get("requestBody", {}).get("content", {})]
            contents += [
                answer.get("content", {}) for status, answer in operation["responses"].items() if status.startswith("2")
            ]
            for content in contents:
                for kind, told in content.items():
                    if kind == "application/json" and "schema" in told:
                        told.setdefault("example", example_of(told["schema"], schemas))


def example_of(schema: Schema, schemas: Mapping[str, Schema], name: str = "") -> Any:
    """Return what fits a schema. name: of the field that it is of."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    kinds = schema.get("anyOf") or schema.get("oneOf")
    kind = schema.get("type")
    if name in _VALUES and _allows(_VALUES[name], schema, schemas):
        return _VALUES[name]
    if kinds:
        return example_of(next(each for each in kinds if each.get("type") != "null"), schemas, name)
    if "enum" in schema:
        return schema["enum"][0]
    if "default" in schema:
        return schema["default"]
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, name)]
    if kind == "object":
        return {each: example_of(of, schemas, each) for each, of in schema.get("properties", {}).items()}
    if kind == "boolean":
        return False
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    return _OF_FORMAT.get(schema.get("format", ""), "contoh")


def _allows(value: Any, schema: Schema, schemas: Mapping[str, Schema]) -> bool:
    """Whether a value is of the schema's kind."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if each := schema.get("anyOf"):
        return any(_allows(value, one, schemas) for one in each)
    if "enum" in schema:
        return value in schema["enum"]
    kind = schema.get("type")
    return {
        "null": value is None,
        "string": isinstance(value, str) and "format" not in schema,
        "integer": isinstance(value, int),
        "number": isinstance(value, int | float),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }.get(str(kind), False)
