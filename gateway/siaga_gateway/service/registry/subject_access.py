"""All data held about one person, for that person (UU 27/2022: the right to know and to get a copy)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from siaga_gateway.domain.battery_history import hours_of
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.frame import FrameError, decode_uplink
from siaga_gateway.domain.incident import Incident, Position
from siaga_gateway.domain.local_time import IN_UTC, LocalTime
from siaga_gateway.domain.operator_message import HOLDER
from siaga_gateway.domain.owner_cases import OwnerCase
from siaga_gateway.domain.owner_profile import told
from siaga_gateway.domain.registry import Device, Owner
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import Enrolled, Store
from siaga_gateway.service.store.audit import EventRow
from siaga_gateway.service.store.photographs import Photograph

_PAGE: Final = 1_000
_Told = Callable[[int | None], str | None]  # a time, Unix ms, for the person


def held_about(store: Store, owner: Owner, local: LocalTime = IN_UTC) -> dict[str, Any]:
    """Return as JSON the person, their buttons with all frames, the incidents, and what was decided and who looked.

    Times are ISO 8601 with the offset of `local`, positions in degrees.
    """

    def told_at(unix_ms: int | None) -> str | None:
        return None if unix_ms is None else local.iso(unix_ms, "milliseconds")

    enrolled = store.enrolled(store.devices_of(owner.id))
    words = store.code_words(owner.id)
    incidents = [found for id_ in store.incidents_of(owner.id) if (found := store.incident(id_)) is not None]
    return {
        "owner": {
            "number": owner.id,
            "registered_at": told_at(store.owner_registered(owner.id)),
            "name": owner.name,
            "nik": owner.nik,
            "phone": owner.phone,
            "address": owner.address,
            "language": owner.language,
            "registered_area": store.home_station(owner.id),
            "consents": [
                {
                    "version": each.version,
                    "signed_on": each.signed_on,
                    "recorded_at": told_at(each.recorded_ms),
                    "recorded_by": each.recorded_by,
                }
                for each in store.consents_of(owner.id)
            ],
            "told_for_helpers": _profile(store, owner.id, told_at),
            "photograph": _own_photograph(store, owner.id, told_at),
            "code_words_set": None if words is None else told_at(words.set_at_ms),
        },
        "buttons": [_button(store, one, store.status(device_id), told_at) for device_id, one in enrolled.items()],
        "incidents": [
            {
                **_incident(one, told_at),
                "photographs": [_photograph(store, each, told_at) for each in store.photographs_of(one.id)],
                "messages": _messages(store, one.id, owner, told_at),
                "journal": _journal(store.journal_of_incident(one.id), told_at),
            }
            for one in incidents
        ],
        "cases": [_case(one, told_at) for one in store.owner_cases_of(owner.id)],
        "journal": _journal(
            (
                entry
                for entry in _whole_journal(store)
                if entry.incident_id is None
                and (entry.device_id in enrolled or entry.facts.get("owner_id") == owner.id)
            ),
            told_at,
        ),
    }


def _profile(store: Store, owner_id: int, told_at: _Told) -> dict[str, Any] | None:
    stored = store.profile_of(owner_id)
    if stored is None:
        return None
    held = {"unreadable": True} if stored.unreadable else told(stored.profile)
    return {**held, "changed_at": told_at(stored.changed_ms)}


def _own_photograph(store: Store, owner_id: int, told_at: _Told) -> dict[str, Any] | None:
    taken_ms = store.owner_photograph_ms(owner_id)
    if taken_ms is None:
        return None
    picture = store.owner_photograph(owner_id)
    jpeg = None if picture is None else base64.b64encode(picture).decode("ascii")
    return {"changed_at": told_at(taken_ms), "jpeg": jpeg}


def _button(store: Store, enrolled: Enrolled, status: DeviceStatus | None, told_at: _Told) -> dict[str, Any]:
    device: Device = enrolled.device
    return {
        "device_id": device.device_id.hex(),
        "public_key": device.public_xy.hex(),
        "label": device.label,
        "registration": str(device.state),
        "enrolled_at": told_at(device.enrolled_at_ms),
        "valid_until": told_at(device.valid_until_ms),
        "suspended_until": told_at(device.suspended_until_ms),
        "installed_address": store.mounting_address(device.device_id),
        "sim_number": store.sims([device.device_id])[device.device_id].number,
        "installed": _place(device.installed_latitude, device.installed_longitude),
        "last_heard": None if status is None else told_at(status.last_seen_ms),
        "last_position": None if status is None else _position(status.position, told_at),
        "battery_percent": None if status is None else status.battery,
        "history": _history(store, device.device_id, status, told_at),
        "frames": [_frame(event, told_at) for event in _frames(store, device.device_id)],
    }


def _history(store: Store, device_id: bytes, status: DeviceStatus | None, told_at: _Told) -> list[dict[str, Any]]:
    """Return battery and signal, an hour each."""
    days = [*store.days_of(device_id, 0)]
    if status is not None and status.hours is not None:
        days.append((status.day, status.hours))
    return [
        {"at": told_at(one.at_ms), "battery_percent": one.battery, "signal_dbm": one.signal_dbm}
        for day, hours in days
        for one in hours_of(day, hours)
    ]


def _frames(store: Store, device_id: bytes) -> Iterator[EventRow]:
    after = (-1, 0)
    while page := store.event_rows_of(device_id, after, _PAGE):
        yield from page
        after = (page[-1].counter, page[-1].id)


def _frame(event: EventRow, told_at: _Told) -> dict[str, Any]:
    told: dict[str, Any] = {
        "counter": event.counter,
        "received_at": told_at(event.received_ms),
        "by": event.bearer,
        "incident": event.incident_id,
        "frame": event.frame.hex(),
        "signature": None if event.signature is None else event.signature.hex(),
    }
    try:
        uplink = decode_uplink(event.frame)
    except FrameError:
        return told
    told["kind"] = uplink.kind.name.lower()
    report = uplink.report
    if report is not None:
        told["happened_at"] = told_at(report.time * 1000) if report.clock_set else None
        told["position"] = _place(report.latitude, report.longitude) if report.has_position else None
        told["accuracy_m"] = report.accuracy_m
        told["battery_percent"] = report.battery_percent
    return told


def _incident(incident: Incident, told_at: _Told) -> dict[str, Any]:
    return {
        "number": incident.id,
        "identifier": incident.identifier,
        "mode": str(incident.mode),
        "state": str(incident.state),
        "device_id": incident.device_id.hex(),
        "label": incident.device_label,
        "opened_at": told_at(incident.opened_at_ms),
        "pressed_at": told_at(incident.pressed_at_ms),
        "position": _position(incident.position, told_at),
        "presses": incident.presses,
        "duress": incident.duress,
        "cancelled_by_holder": incident.cancelled_by_holder,
        "called_back": str(incident.call_back),
        "key_copied": incident.key_copied,
        "claimed_s": incident.claimed_s,
        "unit": incident.unit,
        "closed_at": told_at(incident.closed_at_ms),
        "disposition": None if incident.disposition is None else str(incident.disposition),
        "note": incident.note,
    }


def _photograph(store: Store, each: Photograph, told_at: _Told) -> dict[str, Any]:
    picture = store.picture(each.incident_id, each.number)
    jpeg = None if picture is None else base64.b64encode(picture).decode("ascii")
    return {"number": each.number, "by": each.responder, "at": told_at(each.at_ms), "jpeg": jpeg}


def _messages(store: Store, incident_id: int, owner: Owner, told_at: _Told) -> list[dict[str, Any]]:
    """Return what the desk wrote to the person; not what it wrote to those who were sent."""
    written = store.desk_messages_of(incident_id)
    if not written:
        return []
    own = {each.number for each in store.notifications_of(incident_id) if each.recipient.startswith(HOLDER)}
    return [
        {
            "at": told_at(each.made_ms),
            "by": each.made_by,
            "text": None if each.unreadable else each.text(owner.language),
        }
        for each in written
        if each.number in own
    ]


def _case(case: OwnerCase, told_at: _Told) -> dict[str, Any]:
    return {
        "number": case.id,
        "about": str(case.kind),
        "state": str(case.state),
        "opened_at": told_at(case.opened_ms),
        "calls": case.count,
        "decided_at": told_at(case.decided_ms),
        "decided_by": case.decided_by,
        "reason": case.reason,
        "until": told_at(case.until_ms),
        "ended_at": told_at(case.ended_ms),
        "ended_by": case.ended_by,
        "end_reason": case.end_reason,
    }


def _whole_journal(store: Store) -> Iterator[JournalEntry]:
    after = 0
    while page := store.journal_after(after, _PAGE):
        yield from page
        after = page[-1].id


def _journal(entries: Iterable[JournalEntry], told_at: _Told) -> list[dict[str, Any]]:
    return [
        {"id": one.id, "at": told_at(one.at_ms), "kind": one.kind, "by": one.actor, "facts": dict(one.facts)}
        for one in entries
    ]


def _position(position: Position | None, told_at: _Told) -> dict[str, Any] | None:
    if position is None:
        return None
    place = _place(position.latitude, position.longitude) or {}
    return {**place, "accuracy_m": position.accuracy_m, "source": position.source, "at": told_at(position.at_ms)}


def _place(latitude: int | None, longitude: int | None) -> dict[str, str] | None:
    """Format degrees from digits alone, without floating point."""
    if latitude is None or longitude is None:
        return None
    return {"latitude": _degrees(latitude), "longitude": _degrees(longitude)}


def _degrees(degrees_e7: int) -> str:
    whole, fraction = divmod(abs(degrees_e7), 10**7)
    return f"{'-' if degrees_e7 < 0 else ''}{whole}.{fraction:07d}"
