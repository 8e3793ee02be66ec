"""Enrols many buttons from a registrar's list, all or none.

After an interruption the list can be given again: what is already enrolled is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.installation_area import Area, learnt
from siaga_gateway.domain.invisible_characters import tidied
from siaga_gateway.domain.owner_cases import as_its_owner
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.code_words import hashed, put_code_words
from siaga_gateway.service.registry.enrol import EnrolError, NewOwner, check_place, check_registration, proven_key
from siaga_gateway.service.registry.place_plausibility import OnLand, PlaceRules, anywhere
from siaga_gateway.service.store import Store, Transaction

_TOGETHER: Final = 500  # in one commit
# Removed stays removed: expired is weaker, and the broker would admit it again.
_ENDED: Final = frozenset({RegistrationState.EXPIRED, RegistrationState.REMOVED})
_MOST_TOLD: Final = 20  # faults reported at once


@dataclass(frozen=True, slots=True)
class Registration:
    """A line of the list.

    where: names it in errors. frame: the button's ENROL frame.
    """

    where: Localized
    frame: bytes
    owner: NewOwner
    label: str
    valid_until_ms: int | None = None
    installed: tuple[int, int] | None = None
    words: tuple[str, str] | None = None  # the owner's code word and duress word


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The result of a list."""

    enrolled: int
    known: int  # already enrolled
    owners: int  # added


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line that cannot be accepted."""

    where: Localized
    why: SiagaError


@dataclass(frozen=True, slots=True)
class CheckedLines:
    """What a list would do, compared with what is registered."""

    fresh: Sequence[tuple[Registration, Device]]
    known: Sequence[Device]  # enrolled before, as they are registered; the list changes nothing of them
    owners: Mapping[str, Owner]  # registered, by NIK
    faults: Sequence[LineFault]


def faulty(faults: Sequence[LineFault], ending: str) -> EnrolError:
    """Return one error with all faults, so that the list can be corrected in one go. ending: the outcome, a key in
    `errors.lists`."""
    lines = [EnrolError("lists.at", where=fault.where, why=fault.why) for fault in faults[:_MOST_TOLD]]
    if len(faults) > _MOST_TOLD:
        lines.append(EnrolError("lists.more", count=len(faults) - _MOST_TOLD))
    return EnrolError("lines", lines=[*lines, EnrolError(f"lists.{ending}")])


def enrol_many(
    store: Store,
    clock: Clock,
    lines: Sequence[Registration],
    *,
    actor: str,
    done: Callable[[int], None] = lambda count: None,
    area: Area | None = None,
    on_land: OnLand = anywhere,
    sure: bool = False,
) -> Enrolment:
    """Enrol all, active.

    done: called with the number of lines processed. area: the buttons' area from the settings; None: it is learnt, also
    from the list. sure: doubtful places are intended. Raises: EnrolError, naming each faulty line.
    """
    now_ms = clock.now_ms()
    checked = check_many(store, clock, lines, area=area, on_land=on_land, sure=sure)
    if checked.faults:
        raise faulty(checked.faults, "nothing_enrolled")
    fresh, before = checked.fresh, checked.known
    owner_ids = {nik: owner.id for nik, owner in checked.owners.items()}
    added = 0
    done(len(before))
    for begin in range(0, len(fresh), _TOGETHER):
        some = fresh[begin : begin + _TOGETHER]
        # Hashing takes a while: not while others wait for the transaction.
        words = {line.owner.nik: hashed(*line.words, now_ms) for line, _ in some if line.words is not None}
        with store.transaction() as transaction:
            for line, device in some:
                if line.owner.nik not in owner_ids:
                    owner_ids[line.owner.nik] = _add_owner(transaction, line.owner, now_ms, actor)
                    added += 1
                owner_id = owner_ids[line.owner.nik]
                owned = as_its_owner(replace(device, owner_id=owner_id), store.owner_cases_of(owner_id), now_ms)
                _add_device(transaction, owned, now_ms, actor)
            for nik, agreed in words.items():
                put_code_words(transaction, now_ms, owner_ids[nik], agreed, actor)
        done(len(before) + begin + len(some))
    return Enrolment(len(fresh), len(before), added)


def check_many(
    store: Store,
    clock: Clock,
    lines: Sequence[Registration],
    *,
    area: Area | None = None,
    on_land: OnLand = anywhere,
    sure: bool = False,
) -> CheckedLines:
    """Compare a list with what is registered; change nothing. area, sure: see enrol_many. Raises: StoreFailing."""
    rules = None
    owners = _registered(store, {line.owner.nik for line in lines})
    places = [line.installed for line in lines if line.installed is not None]
    if places and not sure:
        rules = PlaceRules(store, area or learnt([*store.installed_places(), *places]), on_land)
    devices, faults = _checked(lines, owners, clock.now_ms(), rules)
    before = _enrolled(store, list(devices))
    fresh = [each for device_id, each in devices.items() if device_id not in before]
    return CheckedLines(fresh, list(before.values()), owners, faults)


def expire_many(
    store: Store,
    clock: Clock,
    device_ids: Sequence[bytes],
    *,
    actor: str,
    reason: str,
    done: Callable[[int], None] = lambda count: None,
) -> int:
    """Expire these registrations; a removed one stays removed. Returns how many had not ended before.

    Raises: EnrolError if one is not enrolled.
    """
    if not reason.strip():
        raise EnrolError("lists.no_reason")
    found = _enrolled(store, device_ids)
    missing = [device_id for device_id in device_ids if device_id not in found]
    if missing:
        raise EnrolError("lists.not_enrolled", missing=len(missing), missing_2=missing[0].hex())
    now_ms = clock.now_ms()
    open_ = [device.device_id for device in found.values() if device.state not in _ENDED]
    ended = 0
    for begin in range(0, len(open_), _TOGETHER):
        some = open_[begin : begin + _TOGETHER]
        with store.transaction() as transaction:
            transaction.lock(some)
            for device_id in some:
                before = transaction.registration(device_id)
                if before in _ENDED:
                    continue  # by somebody else, since the list was read
                transaction.set_registration(device_id, RegistrationState.EXPIRED, now_ms)
                facts = {"before": str(before), "after": str(RegistrationState.EXPIRED), "reason": reason}
                transaction.note(journal.REGISTRATION_CHANGED, now_ms, facts, device_id=device_id, actor=actor)
                ended += 1
        done(begin + len(some))
    return ended


def _registered(store: Store, niks: Collection[str]) -> dict[str, Owner]:
    """Return the registered ones, with their owners."""
    found = ((nik, store.owner_by_nik(nik)) for nik in niks)
    owners = ((nik, store.owner(number)) for nik, number in found if number is not None)
    return {nik: owner for nik, owner in owners if owner is not None}


def _checked(
    lines: Sequence[Registration], owners: dict[str, Owner], now_ms: int, rules: PlaceRules | None
) -> tuple[dict[bytes, tuple[Registration, Device]], list[LineFault]]:
    devices: dict[bytes, tuple[Registration, Device]] = {}
    names = {nik: (owner.name, Localized("errors.lists.owner", number=owner.id)) for nik, owner in owners.items()}
    faults: list[LineFault] = []
    for line in lines:
        try:
            device = _device(line, now_ms)
            if line.installed is not None and rules is not None:
                check_place(rules, line.installed)
            if device.device_id in devices:
                where = devices[device.device_id][0].where
                raise EnrolError("lists.twice", device_id=device.device_id.hex(), where=where)
            given = line.owner.draft().name
            name, where = names.setdefault(line.owner.nik, (given, line.where))
            if name != given:
                raise EnrolError("lists.other_name", where=where)
            devices[device.device_id] = line, device
        except EnrolError as error:
            faults.append(LineFault(line.where, error))
    return devices, faults


def _device(line: Registration, now_ms: int) -> Device:
    check_registration(line.label, line.valid_until_ms, line.installed, now_ms)
    public_xy, device_id = proven_key(line.frame)
    return Device(
        device_id=device_id,
        public_xy=public_xy,
        owner_id=0,
        state=RegistrationState.ACTIVE,
        label=tidied(line.label),
        enrolled_at_ms=now_ms,
        valid_until_ms=line.valid_until_ms,
        installed_latitude=None if line.installed is None else line.installed[0],
        installed_longitude=None if line.installed is None else line.installed[1],
    )


def _add_owner(transaction: Transaction, new: NewOwner, now_ms: int, actor: str) -> int:
    owner_id = transaction.add_owner(new.draft(), now_ms)
    transaction.note(journal.OWNER_ADDED, now_ms, {"owner_id": owner_id}, actor=actor)
    return owner_id


def _add_device(transaction: Transaction, device: Device, now_ms: int, actor: str) -> None:
    transaction.add_device(device)
    transaction.release(device.device_id)
    facts = {"owner_id": device.owner_id, "state": str(device.state)}
    transaction.note(journal.ENROLLED, now_ms, facts, device_id=device.device_id, actor=actor)


def _enrolled(store: Store, device_ids: Sequence[bytes]) -> dict[bytes, Device]:
    found: dict[bytes, Device] = {}
    for begin in range(0, len(device_ids), _TOGETHER):
        some = store.enrolled(device_ids[begin : begin + _TOGETHER])
        found.update((device_id, enrolled.device) for device_id, enrolled in some.items())
    return found
