"""Events, incidents and what is known of a device, as values, for tests of the rules themselves: no store, no keys."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from pressing_button import report_body
from siaga_gateway.domain.device_report import Report
from siaga_gateway.domain.event import ButtonClock, Event
from siaga_gateway.domain.frame import Flags, Kind
from siaga_gateway.domain.incident import Change, Incident, IncidentState, Mode, Position
from siaga_gateway.domain.incident_outcome import IncidentBasis, Outcome
from siaga_gateway.domain.registry import Device, Owner, RegistrationState

NOW_MS = 1_790_000_000_000
ID = b"contoh-1"
OWNER = Owner(3, "Contoh Wati", "9900000000000001", "+620000000001", "Jl. Contoh 1")


def device(**changes: Any) -> Device:
    given: dict[str, Any] = {
        "device_id": ID,
        "public_xy": bytes(64),
        "owner_id": 3,
        "state": RegistrationState.ACTIVE,
        "label": "Toko Contoh, kasir",
        "enrolled_at_ms": 0,
    }
    return Device(**{**given, **changes})


def basis(registration: RegistrationState = RegistrationState.ACTIVE, **changes: Any) -> IncidentBasis:
    return IncidentBasis(9, "siaga-9.abc", Mode.ACTUAL, device(**changes), OWNER, registration)


def event(kind: Kind, counter: int, key: int | None = None, **changes: Any) -> Event:
    """key: None for one that does not say. silent, duress, test: as flags of the report and of the event."""
    flags = 0
    for name in ("silent", "duress", "test"):
        if changes.pop(name, False):
            flags |= int(Flags[name.upper()])
    flags |= changes.pop("flags", 0)
    fields = {
        name: changes.pop(name)
        for name in ("latitude", "longitude", "accuracy", "fix_age", "source")
        if name in changes
    }
    report = Report.from_body(report_body(changes.pop("time", 0), flags=flags, **fields))
    given: dict[str, Any] = {
        "device_id": ID,
        "counter": counter,
        "kind": kind,
        "report": report,
        "received_ms": NOW_MS,
        "clock": ButtonClock.SET,
        "happened_ms": NOW_MS - 4_000,
        "delayed_s": None,
        "claimed_s": None,
        "key": key,
        "test": report.test,
        "duress": report.duress,
    }
    return Event(**{**given, **changes})


def incident(**changes: Any) -> Incident:
    """One in earnest that opened by PRESS 10, seen by nobody yet."""
    given: dict[str, Any] = {
        "id": 5,
        "identifier": "siaga-5.abc",
        "mode": Mode.ACTUAL,
        "state": IncidentState.OPEN,
        "device_id": ID,
        "device_label": "Toko Contoh",
        "registration": RegistrationState.ACTIVE,
        "owner": OWNER,
        "opening_counter": 10,
        "opened_at_ms": NOW_MS - 60_000,
        "pressed_at_ms": NOW_MS - 61_000,
        "delayed_s": None,
        "position": None,
        "battery": 70,
        "sequence": 4,
        "last_press": 10,
    }
    return Incident(**{**given, **changes})


def place(metres_north: int = 0, **changes: Any) -> Position:
    """A satellite fix of a moment ago, so far north of a place in Bandar Lampung."""
    given: dict[str, Any] = {
        "latitude": -54_000_000 + 90 * metres_north,
        "longitude": 1_052_600_000,
        "accuracy_m": 10,
        "fix_age_s": 1,
        "source": "gnss",
        "at_ms": NOW_MS - 4_000,
    }
    return Position(**{**given, **changes})


def now(outcome: Outcome) -> Incident:
    assert outcome.incident is not None
    return outcome.incident


def changes(outcome: Outcome) -> list[Change]:
    return [one.change for one in outcome.happened]


def differs(before: Incident, after: Incident) -> dict[str, Any]:
    """What has become another, so that nothing else may."""
    return {
        field.name: getattr(after, field.name)
        for field in fields(Incident)
        if getattr(after, field.name) != getattr(before, field.name)
    }


def any_of(hint: Any, **given: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that a field has, as a store can keep it; of a class of values with these fields as given."""
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*(any_of(each) for each in get_args(hint)))
    if get_origin(hint) is tuple and get_args(hint)[1:] == (Ellipsis,):
        return st.lists(any_of(get_args(hint)[0]), max_size=3).map(tuple)
    if get_origin(hint) is tuple:
        return st.tuples(*(any_of(each) for each in get_args(hint)))
    if is_dataclass(hint):
        types = get_type_hints(hint)
        chosen = {each.name: given.get(each.name, any_of(types[each.name])) for each in fields(hint)}
        return st.builds(cast("type[Any]", hint), **chosen)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(-(2**63), 2**63 - 1),
        str: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        bytes: st.binary(max_size=32),
        bool: st.booleans(),
        NoneType: st.none(),
    }
    return plain[hint]
