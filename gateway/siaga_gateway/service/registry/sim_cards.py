"""Records the SIM cards of buttons: one by one, or many by a list, all or none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.invisible_characters import tidied, visible
from siaga_gateway.domain.sim_card import LONGEST_OPERATOR, MOST_QUOTA_MB, SimCard
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.bulk_enrol import LineFault, faulty
from siaga_gateway.service.registry.enrol import EnrolError
from siaga_gateway.service.store import Store, Transaction

_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_TOGETHER: Final = 500


@dataclass(frozen=True, slots=True)
class SimLine:
    """A line of the list; where: names it in errors."""

    where: Localized
    device_id: bytes
    sim: SimCard


def checked_sim(sim: SimCard) -> SimCard:
    """Return the card as it is kept. Raises: EnrolError."""
    number = None if sim.number is None else re.sub(r"[\s().-]", "", sim.number) or None
    operator = None if sim.operator is None else visible(tidied(sim.operator)) or None
    if number is not None and not _NUMBER.fullmatch(number):
        raise EnrolError("sim.number", number=number)
    if operator is not None and len(operator) > LONGEST_OPERATOR:
        raise EnrolError("sim.operator", longest=LONGEST_OPERATOR)
    if sim.quota_mb is not None and not 0 <= sim.quota_mb <= MOST_QUOTA_MB:
        raise EnrolError("sim.quota", most=MOST_QUOTA_MB)
    return SimCard(number, operator, sim.active_until_ms, sim.quota_mb, sim.quota_until_ms)


def set_sim(store: Store, clock: Clock, device_id: bytes, sim: SimCard, *, actor: str) -> SimCard:
    """Replace what is known of a button's SIM card. Returns it as it is kept.

    Raises: EnrolError; PersonalKeyError if there is a number and no key to seal it with.
    """
    sim = checked_sim(sim)
    if not store.enrolled([device_id]):
        raise EnrolError("registry.not_enrolled", device_id=device_id.hex())
    with store.transaction() as transaction:
        transaction.lock([device_id])
        put_sim(transaction, device_id, sim, clock.now_ms(), actor)
    return sim


def set_sims(store: Store, clock: Clock, lines: Sequence[SimLine], *, actor: str) -> int:
    """Record a list of cards. What stands there already is left alone, so that an interrupted list can be given again.

    Returns how many were changed. Raises: EnrolError, naming each faulty line, and then nothing was changed.
    """
    faults: list[LineFault] = []
    wanted: dict[bytes, SimCard] = {}
    known = set[bytes]()
    device_ids = [line.device_id for line in lines]
    for begin in range(0, len(device_ids), _TOGETHER):
        known.update(store.enrolled(device_ids[begin : begin + _TOGETHER]))
    for line in lines:
        try:
            if line.device_id not in known:
                raise EnrolError("registry.not_enrolled", device_id=line.device_id.hex())
            if line.device_id in wanted:
                raise EnrolError("sim.twice", device_id=line.device_id.hex())
            wanted[line.device_id] = checked_sim(line.sim)
        except EnrolError as error:
            faults.append(LineFault(line.where, error))
    if faults:
        raise faulty(faults, "nothing_changed")
    changed, ids = 0, list(wanted)
    for begin in range(0, len(ids), _TOGETHER):
        some = ids[begin : begin + _TOGETHER]
        before = store.sims(some)
        with store.transaction() as transaction:
            transaction.lock(some)
            for device_id in some:
                if before.get(device_id) != wanted[device_id]:
                    put_sim(transaction, device_id, wanted[device_id], clock.now_ms(), actor)
                    changed += 1
    return changed


def put_sim(transaction: Transaction, device_id: bytes, sim: SimCard, now_ms: int, actor: str) -> None:
    """sim: as checked_sim returns it."""
    transaction.set_sim(device_id, sim)
    facts = {"sim_until_ms": sim.until_ms, "sim_operator": sim.operator}
    transaction.note(journal.SIM_CHANGED, now_ms, facts, device_id=device_id, actor=actor)
