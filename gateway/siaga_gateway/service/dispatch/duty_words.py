"""What somebody says of himself by his button: on duty, available at home until a time, off; or as the shifts say."""

from __future__ import annotations

from datetime import tzinfo

from siaga_gateway.domain.shifts import DutyState, SelfDeclared, by_shifts, declared
from siaga_gateway.service.dispatch.responder_lists import unknown
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store


def declare(
    store: Store,
    clock: Clock,
    zone: tzinfo,
    key: str,
    duty: DutyState | None,
    *,
    until_ms: int | None = None,
    actor: str | None = None,
) -> SelfDeclared | None:
    """Replace what somebody said of himself, and return what holds now. It is durable when this returns.

    duty: None: as the shifts say. until_ms: None: to the end of the shift under way, or half a day. actor: who says so
    for him; None: himself. Raises: ResponderError if there is nobody with this key; StoreFailing.
    """
    now_ms = clock.now_ms()
    shifts = [shift for shift in store.shifts() if shift.responder == key]
    said = None if duty is None else declared(key, duty, now_ms, until_ms, by_shifts(shifts, now_ms, zone))
    with store.transaction() as transaction:
        if transaction.responder(key) is None:
            raise unknown(key, store.responder_keys())
        if said is None:
            transaction.undeclare(key)
        else:
            transaction.declare(said)
        facts = {
            "responder": key,
            "duty": None if said is None else said.duty.value,
            "until_ms": None if said is None else said.until_ms,
        }
        transaction.note(journal.DUTY_DECLARED, now_ms, facts, actor=actor)
    return said
