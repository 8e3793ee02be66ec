"""Enrolment of the demo's buttons, as a registrar does it: the button calls, waits in quarantine, gets its owner.

Uses the service behind `siaga gateway owner add` and `siaga gateway enrol`, on the running gateway's store.
"""

from __future__ import annotations

from typing import Final

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.service.registry.enrol import EnrolError, NewOwner, Registrar
from siaga_gateway.service.store import StoreFailing
from siaga_tools.demo.owners import DemoOwner
from siaga_tools.messages import Trouble

ACTOR: Final = "siaga demo"


def is_enrolled(store: SqlStore, device_id: str) -> bool:
    return bool(store.enrolled([bytes.fromhex(device_id)]))


def waits_in_quarantine(store: SqlStore, device_id: str) -> bool:
    """Return whether the gateway has its ENROL frame, which proves that the button holds its key."""
    stranger = store.stranger(bytes.fromhex(device_id))
    return stranger is not None and stranger.enrol_frame is not None


def enrol(store: SqlStore, owner: DemoOwner, device_id: str) -> None:
    """Bind the quarantined button to its owner. Raises Trouble (`gateway_refused`)."""
    registrar = Registrar(store, WallClock())
    try:
        known = next((person for person in store.owners() if person.nik == owner.nik), None)
        person = known or registrar.add_owner(NewOwner(owner.name, owner.nik, owner.phone, owner.address), actor=ACTOR)
        registrar.enrol(
            person.id,
            actor=ACTOR,
            label=owner.label,
            device_id=bytes.fromhex(device_id),
            installed=(owner.latitude, owner.longitude) if owner.installed else None,
        )
    except (EnrolError, StoreFailing) as error:
        raise Trouble("gateway_refused", command="enrol", why=error) from error
