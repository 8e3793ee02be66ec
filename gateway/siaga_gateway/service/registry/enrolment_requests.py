"""An installer's tool asks for an enrolment: the button's own proof, whose it is, where it hangs, its SIM card.

All of it is one commit. The enrolment waits for a registrar. Asked again, nothing is changed. Without an owner the
button goes into the quarantine, as if it had called over the broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.installation_area import Area, Place, learnt
from siaga_gateway.domain.invisible_characters import tidied
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.owner_cases import as_its_owner
from siaga_gateway.domain.registry import Device, RegistrationState
from siaga_gateway.domain.sim_card import SimCard
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.enrol import EnrolError, NewOwner, check_place, check_registration, proven_key
from siaga_gateway.service.registry.place_plausibility import OnLand, PlaceRules, anywhere
from siaga_gateway.service.registry.registration_list import frame_of
from siaga_gateway.service.registry.sim_cards import checked_sim, put_sim
from siaga_gateway.service.store import Store, StoreConflict, UnknownDevice

QUARANTINE: Final = 1_000  # buttons; ingest keeps as many
_E7: Final = 10**7


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """What is asked for. owner None: nobody says whose it is."""

    frame: bytes
    owner: NewOwner | None
    label: str
    installed: Place | None
    sim: SimCard | None
    sure: bool


def asked_enrolment(told: Mapping[str, Any], owner: NewOwner | None, local: LocalTime) -> EnrolmentRequest:
    """Return what a program has told, in JSON's types. owner: of what it tells. Raises: EnrolError."""
    latitude, longitude = told["latitude"], told["longitude"]
    if (latitude is None) is not (longitude is None):
        raise EnrolError("enrol.no_position", text=str(latitude if longitude is None else longitude))
    installed = None if latitude is None else (round(latitude * _E7), round(longitude * _E7))
    sim = told["sim"]
    card = None
    if sim is not None:
        ends = [None if sim[name] is None else local.end_of(date.fromisoformat(sim[name])) for name in _DAYS]
        card = SimCard(sim["number"], sim["operator"], ends[0], sim["quota_mb"], ends[1])
    return EnrolmentRequest(frame_of(told["frame"]), owner, told["label"] or "", installed, card, bool(told["sure"]))


_DAYS: Final = ("active_until", "quota_until")


def request_enrolment(
    store: Store,
    clock: Clock,
    wanted: EnrolmentRequest,
    *,
    actor: str,
    area: Area | None = None,
    on_land: OnLand = anywhere,
) -> tuple[bytes, bool]:
    """Return the device_id, and whether anything is new. Raises: EnrolError; PlaceDoubted; StoreFailing."""
    try:
        return _requested(store, clock, wanted, actor, area, on_land)
    except StoreConflict:  # the same, or another button of the same owner, was committed after what was read
        return _requested(store, clock, wanted, actor, area, on_land)


def _requested(
    store: Store, clock: Clock, wanted: EnrolmentRequest, actor: str, area: Area | None, on_land: OnLand
) -> tuple[bytes, bool]:
    public_xy, device_id = proven_key(wanted.frame)
    now_ms = clock.now_ms()
    enrolled = store.enrolled([device_id]).get(device_id)
    if enrolled is not None:
        if wanted.owner is not None and store.owner_by_nik(wanted.owner.nik) != enrolled.device.owner_id:
            raise EnrolError("enrol.enrolled", found_id=device_id.hex())
        return device_id, False
    if wanted.owner is None:
        return device_id, _quarantined(store, wanted.frame, device_id, now_ms, actor)
    check_registration(wanted.label, None, wanted.installed, now_ms)
    if wanted.installed is not None and not wanted.sure:
        check_place(PlaceRules(store, area or learnt(store.installed_places()), on_land), wanted.installed)
    draft, sim = wanted.owner.draft(), None if wanted.sim is None else checked_sim(wanted.sim)
    owner_id = store.owner_by_nik(draft.nik)
    known = None if owner_id is None else store.owner(owner_id)
    if known is not None and not known.unreadable and known.name != draft.name:
        raise EnrolError("lists.other_name", where=Localized("errors.lists.owner", number=known.id))
    with store.transaction() as transaction:
        if owner_id is None:
            owner_id = transaction.add_owner(draft, now_ms)
            transaction.note(journal.OWNER_ADDED, now_ms, {"owner_id": owner_id}, actor=actor)
        device = Device(
            device_id=device_id,
            public_xy=public_xy,
            owner_id=owner_id,
            state=RegistrationState.PENDING,
            label=tidied(wanted.label),
            enrolled_at_ms=now_ms,
            installed_latitude=None if wanted.installed is None else wanted.installed[0],
            installed_longitude=None if wanted.installed is None else wanted.installed[1],
        )
        device = as_its_owner(device, store.owner_cases_of(owner_id), now_ms)
        transaction.add_device(device)
        transaction.release(device_id)
        facts = {"owner_id": owner_id, "state": str(device.state)}
        transaction.note(journal.ENROLLED, now_ms, facts, device_id=device_id, actor=actor)
        if sim is not None:
            put_sim(transaction, device_id, sim, now_ms, actor)
    return device_id, True


def _quarantined(store: Store, frame: bytes, device_id: bytes, now_ms: int, actor: str) -> bool:
    stranger = store.stranger(device_id)
    if stranger is not None and stranger.enrol_frame is not None:
        return False
    with store.transaction() as transaction:
        transaction.quarantine([UnknownDevice(device_id, now_ms, now_ms, 1, frame, frame)], QUARANTINE)
        facts = {"kind": "ENROL", "counter": 0, "proven": True}
        transaction.note(journal.UNKNOWN_DEVICE, now_ms, facts, device_id=device_id, actor=actor)
    return True
