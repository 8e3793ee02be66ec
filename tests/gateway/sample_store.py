"""A real store with an owner, a device and incidents in it, for tests of what comes after ingest."""

from __future__ import annotations

from pathlib import Path

from databases import Place
from pressing_button import PressingButton, report_body
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.frame import Kind, Suite, digest_of
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.domain.incident import Change, Incident, IncidentState, Mode, Notice
from siaga_gateway.domain.incident_outcome import Mark
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.service.store import NewEvent

NOW_MS = 1_790_000_000_000
GATEWAY_KEY = GatewayKey.generate()
BUTTON = PressingButton().meet(GATEWAY_KEY)
PUBLIC_XY = BUTTON.public_xy
DEVICE_ID = BUTTON.device_id


def new_store(where: Path | Place) -> SqlStore:
    """On SQLite in a folder, or wherever the place is."""
    return (Place("sqlite", where) if isinstance(where, Path) else where).open(NOW_MS)


def owner(nik: str = "9900000000000001") -> Owner:
    """An invented one."""
    return Owner(0, "Contoh Wati", nik, "+620000000001", "Jl. Contoh 1, Bandar Lampung")


def with_device(store: SqlStore, state: RegistrationState = RegistrationState.ACTIVE) -> Device:
    """One invented owner with one device."""
    with store.transaction() as transaction:
        owner_id = transaction.add_owner(owner(), NOW_MS)
        device = Device(DEVICE_ID, PUBLIC_XY, owner_id, state, "Toko Contoh, kasir", NOW_MS)
        transaction.add_device(device)
    return device


def press(counter: int) -> bytes:
    """The PRESS that opens the incident under this counter."""
    return BUTTON.frame(Kind.PRESS, counter, report_body((NOW_MS - 900) // 1000), Suite.HS256_64)


def open_incident(
    store: SqlStore, counter: int = 1, *, outputs: tuple[str, ...] = (), held: bool = False, pressed: bool = True
) -> Incident:
    """An open incident as ingest leaves it, with its PRESS (if pressed) and its first notice for these outputs."""
    owner = store.owners()[0]
    with store.transaction() as transaction:
        transaction.lock([DEVICE_ID])
        incident_id = transaction.next_incident_id()
        incident = Incident(
            id=incident_id,
            identifier=f"siaga.test-{incident_id}.{store.name}",
            mode=Mode.ACTUAL,
            state=IncidentState.OPEN,
            device_id=DEVICE_ID,
            device_label="Toko Contoh, kasir",
            registration=RegistrationState.SUSPENDED if held else RegistrationState.ACTIVE,
            owner=owner,
            opening_counter=counter,
            opened_at_ms=NOW_MS,
            pressed_at_ms=NOW_MS - 900,
            delayed_s=None,
            position=None,
            held=held,
            sequence=0 if held else 1,
            last_press=counter,
        )
        transaction.put_incident(incident)
        transaction.put_mark(DEVICE_ID, False, Mark(counter, arrived=True), incident_id)
        if not held:
            transaction.add_notice(Notice(incident, Change.OPENED, 1, NOW_MS), outputs)
        frame = press(counter)
        if pressed and not transaction.events([(DEVICE_ID, counter)]):
            transaction.add_event(
                NewEvent(
                    DEVICE_ID,
                    counter,
                    Kind.PRESS,
                    Suite.HS256_64,
                    frame,
                    None,
                    NOW_MS,
                    "mqtt",
                    incident_id,
                    digest_of(frame),
                )
            )
    return incident
