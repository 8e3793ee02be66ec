"""The registrar's changes on the store, as the commands make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from siaga_gateway.domain.consent import VERSIONS, Consent
from siaga_gateway.domain.installation_area import Area, Place, typed_place
from siaga_gateway.domain.invisible_characters import tidied
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.registry.enrol import EnrolError, NewOwner, Registrar, check_reason
from siaga_gateway.service.registry.enrolment_requests import asked_enrolment, request_enrolment
from siaga_gateway.service.registry.mounting_place import place_device
from siaga_gateway.service.registry.place_plausibility import OnLand, anywhere
from siaga_gateway.service.registry.profile_book import ProfileBook
from siaga_gateway.service.registry.registry_changes import OwnerDoubted, fingerprint
from siaga_gateway.service.registry.typed_owner import doubts_of, person
from siaga_gateway.service.store import Store

_FIELDS = ("name", "nik", "phone", "address", "language")


class RegistryBook:
    """Implements service.registry.registry_changes.RegistryChanges. Thread-safe."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        notifier: Notifier,
        local: LocalTime,
        area: Area | None = None,
        on_land: OnLand = anywhere,
    ) -> None:
        """area: the buttons' area from the settings; None: it is learnt."""
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._local = local
        self._area = area
        self._on_land = on_land
        self._registrar = Registrar(store, clock, notifier, local)
        self._profiles = ProfileBook(store, clock, notifier)

    def add_owner(self, name: str, nik: str, phone: str, address: str, language: str, sure: bool, actor: str) -> int:
        new = self._sound(person(name, nik, phone, address, language), sure)
        return self._registrar.add_owner(new, actor=actor).id

    def change_owner(
        self,
        owner_id: int,
        seen: str,
        name: str,
        nik: str,
        phone: str,
        address: str,
        language: str,
        sure: bool,
        actor: str,
    ) -> None:
        draft = self._sound(person(name, nik, phone, address, language), sure).draft()
        with self._store.transaction() as transaction:
            transaction.lock_owner(owner_id)
            before = self._store.owner(owner_id)
            if before is None or before.unreadable:
                raise EnrolError(
                    "registry.owner_gone" if before is None else "registry.owner_sealed", owner_id=owner_id
                )
            if fingerprint(before) != seen:
                raise EnrolError("registry.owner_changed", owner_id=owner_id)
            after = replace(draft, id=owner_id)
            fields = [each for each in _FIELDS if getattr(before, each) != getattr(after, each)]
            if not fields:
                return
            same = self._store.owner_by_nik(after.nik)
            if same not in (None, owner_id):
                raise EnrolError("enrol.nik_taken", same=same)
            transaction.change_owner(after)
            facts = {"owner_id": owner_id, "fields": fields}
            transaction.note(journal.OWNER_CHANGED, self._clock.now_ms(), facts, actor=actor)
        self._notifier.ring()

    def record_consent(self, owner_id: int, version: str, signed_on: str, actor: str) -> None:
        now_ms = self._clock.now_ms()
        if version not in VERSIONS:
            raise EnrolError("registry.no_consent_text", version=version, known=", ".join(VERSIONS))
        try:
            day = date.fromisoformat(signed_on)
        except ValueError:
            raise EnrolError("enrol.no_day", text=signed_on) from None
        if day > self._local.at(now_ms).date():
            raise EnrolError("registry.consent_in_future", day=signed_on)
        with self._store.transaction() as transaction:
            transaction.lock_owner(owner_id)  # else an erasure in between would leave the consent behind
            if self._store.owner_registered(owner_id) is None:
                raise EnrolError("registry.owner_gone", owner_id=owner_id)
            transaction.add_consent(owner_id, Consent(version, day.isoformat(), now_ms, actor))
            facts = {"owner_id": owner_id, "version": version, "signed_on": day.isoformat()}
            transaction.note(journal.CONSENT_RECORDED, now_ms, facts, actor=actor)
        self._notifier.ring()

    def change_profile(self, owner_id: int, seen: str, typed: Mapping[str, Any], sure: bool, actor: str) -> None:
        self._profiles.change_profile(owner_id, seen, typed, sure, actor)

    def set_photograph(self, owner_id: int, image: str, actor: str) -> None:
        self._profiles.set_photograph(owner_id, image, actor)

    def remove_photograph(self, owner_id: int, actor: str) -> None:
        self._profiles.remove_photograph(owner_id, actor)

    def confirm(self, device: str, actor: str) -> None:
        self._decide(device, RegistrationState.ACTIVE, "papers checked", actor)

    def refuse(self, device: str, reason: str, actor: str) -> None:
        self._decide(device, RegistrationState.REMOVED, reason, actor)

    def _decide(self, device: str, state: RegistrationState, reason: str, actor: str) -> None:
        pending = RegistrationState.PENDING
        self._registrar.set_state(_device_id(device), state, actor=actor, reason=reason, shown=pending)

    def enrol_stranger(self, device: str, owner_id: int, label: str, installed: str, sure: bool, actor: str) -> None:
        self._registrar.enrol(
            owner_id,
            actor=actor,
            label=label,
            device_id=_device_id(device),
            installed=_place(installed),
            area=self._area,
            on_land=self._on_land,
            sure=sure,
        )

    def request_enrolment(self, told: Mapping[str, Any], actor: str) -> tuple[str, bool]:
        who, new = told["owner"], None
        if who is not None:
            typed = (who["name"], who["nik"], who["phone"], who["address"], who["language"])
            new = self._sound(person(*typed), bool(told["sure"]))
        wanted = asked_enrolment(told, new, self._local)
        device_id, fresh = request_enrolment(
            self._store, self._clock, wanted, actor=actor, area=self._area, on_land=self._on_land
        )
        self._notifier.ring()
        return device_id.hex(), fresh

    def release_stranger(self, device: str, reason: str, actor: str) -> None:
        check_reason(reason)
        device_id, now_ms = _device_id(device), self._clock.now_ms()
        if self._store.stranger(device_id) is None:
            raise EnrolError("registry.no_stranger", device_id=device)
        with self._store.transaction() as transaction:
            transaction.release(device_id)
            facts = {"reason": tidied(reason), "device": device}
            transaction.note(journal.STRANGER_RELEASED, now_ms, facts, actor=actor)
        self._notifier.ring()

    def place(self, device: str, label: str, installed: str, sure: bool, actor: str) -> None:
        place_device(
            self._store,
            self._clock,
            _device_id(device),
            actor=actor,
            label=label,
            installed=_place(installed),
            area=self._area,
            on_land=self._on_land,
            sure=sure,
        )
        self._notifier.ring()

    def _sound(self, new: NewOwner, sure: bool) -> NewOwner:
        found = () if sure else doubts_of(new, self._local.at(self._clock.now_ms()).date())
        if found:
            raise OwnerDoubted("registration.owner_doubted", lines=list(found))
        return new


def _device_id(device: str) -> bytes:
    try:
        found = bytes.fromhex(device)
    except ValueError:
        found = b""
    if len(found) != 8:
        raise EnrolError("lists.no_device")
    return found


def _place(written: str) -> Place | None:
    if not written.strip():
        return None
    found = typed_place(written)
    if found is None:
        raise EnrolError("enrol.no_position", text=written)
    return found
