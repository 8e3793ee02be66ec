"""Many buttons at once, from a registrar's list: all of it is right, or nothing of it is enrolled.

The list may be given again after an interruption: what is enrolled already is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.service import journal
from siaga_gateway.service.enrol import EnrolError, NewOwner, check_registration, proven_key
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, Transaction

_TOGETHER: Final = 500  # in one commit
_MOST_TOLD: Final = 20  # faults named at once


@dataclass(frozen=True, slots=True)
class Registration:
    """A line of the list. `where` names it in errors; `frame`: the button's ENROL frame."""

    where: str
    frame: bytes
    owner: NewOwner
    label: str
    valid_until_ms: int | None = None
    installed: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What came of a list."""

    enrolled: int
    known: int  # enrolled before
    owners: int  # added


def enrol_many(
    store: Store,
    clock: Clock,
    lines: Sequence[Registration],
    *,
    actor: str,
    done: Callable[[int], None] = lambda count: None,
) -> Enrolment:
    """Enrol all, active. `done` hears how many lines are dealt with. Raises EnrolError, naming each faulty line."""
    now_ms = clock.now_ms()
    owners = _registered(store, {line.owner.nik for line in lines})
    devices = _checked(lines, owners, now_ms)
    before = _enrolled(store, list(devices))
    fresh = [(line, device) for device_id, (line, device) in devices.items() if device_id not in before]
    owner_ids = {nik: owner.id for nik, owner in owners.items()}
    added = 0
    done(len(before))
    for begin in range(0, len(fresh), _TOGETHER):
        some = fresh[begin : begin + _TOGETHER]
        with store.transaction() as transaction:
            for line, device in some:
                if line.owner.nik not in owner_ids:
                    owner_ids[line.owner.nik] = _add_owner(transaction, line.owner, now_ms, actor)
                    added += 1
                owned = replace(device, owner_id=owner_ids[line.owner.nik])
                _add_device(transaction, owned, now_ms, actor)
        done(len(before) + begin + len(some))
    return Enrolment(len(fresh), len(before), added)


def expire_many(
    store: Store,
    clock: Clock,
    device_ids: Sequence[bytes],
    *,
    actor: str,
    reason: str,
    done: Callable[[int], None] = lambda count: None,
) -> int:
    """End the registrations of these devices; how many were not expired before. Raises EnrolError where one is not
    enrolled."""
    if not reason.strip():
        raise EnrolError("the reason is empty")
    found = _enrolled(store, device_ids)
    missing = [device_id for device_id in device_ids if device_id not in found]
    if missing:
        raise EnrolError(f"{len(missing)} of these devices are not enrolled, the first is {missing[0].hex()}")
    now_ms = clock.now_ms()
    open_ = [device for device in found.values() if device.state is not RegistrationState.EXPIRED]
    for begin in range(0, len(open_), _TOGETHER):
        some = open_[begin : begin + _TOGETHER]
        with store.transaction() as transaction:
            for device in some:
                transaction.set_registration(device.device_id, RegistrationState.EXPIRED, now_ms)
                facts = {"before": str(device.state), "after": str(RegistrationState.EXPIRED), "reason": reason}
                transaction.note(journal.REGISTRATION_CHANGED, now_ms, facts, device_id=device.device_id, actor=actor)
        done(begin + len(some))
    return len(open_)


def _registered(store: Store, niks: Collection[str]) -> dict[str, Owner]:
    """Those that somebody has, with who that is."""
    found = ((nik, store.owner_by_nik(nik)) for nik in niks)
    owners = ((nik, store.owner(number)) for nik, number in found if number is not None)
    return {nik: owner for nik, owner in owners if owner is not None}


def _checked(
    lines: Sequence[Registration], owners: dict[str, Owner], now_ms: int
) -> dict[bytes, tuple[Registration, Device]]:
    devices: dict[bytes, tuple[Registration, Device]] = {}
    names = {nik: (owner.name, f"owner {owner.id}") for nik, owner in owners.items()}
    faults = []
    for line in lines:
        try:
            device = _device(line, now_ms)
            if device.device_id in devices:
                raise EnrolError(f"device {device.device_id.hex()} stands at {devices[device.device_id][0].where} too")
            name, where = names.setdefault(line.owner.nik, (line.owner.name.strip(), line.where))
            if name != line.owner.name.strip():
                raise EnrolError(f"its NIK is that of {where}, which has another name")
            devices[device.device_id] = line, device
        except EnrolError as error:
            faults.append(f"{line.where}: {error}")
    if faults:
        more = [f"and {len(faults) - _MOST_TOLD} more"] if len(faults) > _MOST_TOLD else []
        raise EnrolError("\n".join([*faults[:_MOST_TOLD], *more, "nothing was enrolled"]))
    return devices


def _device(line: Registration, now_ms: int) -> Device:
    check_registration(line.label, line.valid_until_ms, line.installed, now_ms)
    public_xy, device_id = proven_key(line.frame)
    return Device(
        device_id=device_id,
        public_xy=public_xy,
        owner_id=0,
        state=RegistrationState.ACTIVE,
        label=line.label.strip(),
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
