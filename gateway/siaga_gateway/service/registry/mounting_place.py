"""Corrects where a button is mounted and what it is called, after its enrolment; and in whose area its owner lives."""

from __future__ import annotations

from siaga_gateway.domain.installation_area import Area, Place, learnt
from siaga_gateway.domain.invisible_characters import tidied
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.registry import Device
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.enrol import EnrolError, check_address, check_place, check_registration
from siaga_gateway.service.registry.place_plausibility import OnLand, PlaceRules, anywhere
from siaga_gateway.service.store import Store


def place_device(
    store: Store,
    clock: Clock,
    device_id: bytes,
    *,
    actor: str,
    label: str | None = None,
    installed: Place | None = None,
    address: str | None = None,
    area: Area | None = None,
    on_land: OnLand = anywhere,
    sure: bool = False,
) -> tuple[str, Place | None]:
    """Change label, place and address, from the device's next frame on; None: unchanged. Returns label and place now.

    address: empty: there is none any more.

    installed: degrees x 10^7. area: the buttons' area from the settings; None: it is learnt from the others. sure: a
    doubtful place is intended. Raises: EnrolError; PlaceDoubted if the place is doubtful.
    """
    found = store.enrolled([device_id]).get(device_id)
    if found is None:
        raise EnrolError("registry.not_enrolled", device_id=device_id.hex())
    if found.owner is None:
        raise EnrolError("registration.erased", device_id=device_id.hex())
    device, now_ms = found.device, clock.now_ms()
    check_registration(device.label if label is None else label, None, installed, now_ms)
    if address:
        check_address(address)
    if installed is not None and not sure:  # last: a person is asked about it
        rules = PlaceRules(store, area or learnt(store.installed_places(without=device_id)), on_land)
        check_place(rules, installed, store.home_station(device.owner_id))
    before = _place(device)
    now = device.label if label is None else tidied(label), before if installed is None else installed
    moved_m = None if installed is None or before is None else distance_m(before, installed)
    with store.transaction() as transaction:
        transaction.lock([device_id])
        transaction.set_place(device_id, *now)
        if address is not None:
            transaction.set_address(device_id, tidied(address) or None)
        facts = {
            "placed": installed is not None,
            "labelled": label is not None,
            "addressed": address is not None,
            "moved_m": moved_m,
        }
        transaction.note(journal.PLACE_CHANGED, now_ms, facts, device_id=device_id, actor=actor)
    return now


def register_area(store: Store, clock: Clock, owner_id: int, station_key: str | None, *, actor: str) -> None:
    """Set in which station's area an owner lives, for presses without a position; None: it is not known.

    Raises: EnrolError.
    """
    if store.owner_registered(owner_id) is None:
        raise EnrolError("registry.owner_gone", owner_id=owner_id)
    if station_key is not None and station_key not in {station.key for station in store.stations()}:
        raise EnrolError("places.no_station", station=station_key)
    with store.transaction() as transaction:
        transaction.set_home_station(owner_id, station_key)
        transaction.note(journal.HOME_AREA_CHANGED, clock.now_ms(), {"owner_id": owner_id}, actor=actor)


def _place(device: Device) -> Place | None:
    if device.installed_latitude is None or device.installed_longitude is None:
        return None
    return device.installed_latitude, device.installed_longitude
