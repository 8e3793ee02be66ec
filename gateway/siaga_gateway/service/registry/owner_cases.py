"""Owners' records: cases open where closed calls ask for it, and what supervisors and registrars decide.

Only a supervisor suspends, lifts or dismisses. Everything that is decided is in the journal, with who and why.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.incident import Incident, Mode
from siaga_gateway.domain.invisible_characters import tidied, visible
from siaga_gateway.domain.limits import LONGEST_NOTE
from siaga_gateway.domain.local_time import IN_UTC, LocalTime
from siaga_gateway.domain.owner_cases import (
    DAY_MS,
    OwnerCase,
    OwnerCaseKind,
    OwnerCaseLimits,
    OwnerCaseState,
    counted_since,
    reviewed,
    suspended_until,
)
from siaga_gateway.domain.registry import Device, Owner, RegistrationState, suspension_over
from siaga_gateway.domain.value import copied
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.registry.code_words import hashed, set_code_words
from siaga_gateway.service.store import Enrolled, RowUnreadable, Store, StoreFailing, Transaction

log = logging.getLogger(__name__)

_CHANGES: Final = {
    OwnerCaseState.OPEN: journal.OWNER_CASE_OPENED,
    OwnerCaseState.WITHDRAWN: journal.OWNER_CASE_WITHDRAWN,
}
_PAGE: Final = 200


class OwnerCaseError(Refused):
    """A decision that cannot be taken; the text says why, and what can be done."""


@dataclass(frozen=True, slots=True)
class OwnerRecord:
    """All that is known of how an owner used his buttons."""

    owner: Owner
    calls: tuple[Incident, ...]  # the newest first
    cases: tuple[OwnerCase, ...]  # the newest first
    devices: tuple[Enrolled, ...]  # that are his now


def review(transaction: Transaction, incident: Incident, now_ms: int, limits: OwnerCaseLimits) -> None:
    """See what an incident that was just closed or corrected means for its owner's record; the transaction has it.

    A record that cannot be read stops no closing.
    """
    if incident.owner is None or incident.mode is Mode.TEST:
        return
    owner_id = incident.owner.id
    transaction.lock_owner(owner_id)
    for kind in OwnerCaseKind:
        try:
            last = transaction.last_owner_case(owner_id, kind)
            ended = transaction.ended_calls_of(owner_id, counted_since(last, now_ms, limits))
            case = reviewed(kind, owner_id, last, ended, now_ms, limits)
        except Exception as error:
            if isinstance(error, StoreFailing) and not isinstance(error, RowUnreadable):
                raise
            log.exception(Localized("log.dispatch.review", owner=owner_id, incident=incident.id))
            continue
        if case is not None:
            _put_reviewed(transaction, last, case, now_ms)


def _put_reviewed(transaction: Transaction, last: OwnerCase | None, case: OwnerCase, now_ms: int) -> None:
    if case.id:
        transaction.put_owner_case(case)
    else:
        case = copied(case, id=transaction.add_owner_case(case))
    if last is None or last.state is not case.state:
        facts = {"case": case.id, "owner_id": case.owner_id, "about": str(case.kind), "calls": case.count}
        transaction.note(_CHANGES[case.state], now_ms, facts)


class OwnerCases:
    """Records and cases for the console. Thread-safe; every method raises StoreFailing."""

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        clock: Clock,
        limits: OwnerCaseLimits,
        supervisors: Container[str],
        local: LocalTime = IN_UTC,
    ) -> None:
        """supervisors: names of those who decide, asked anew each time. local: in which dates are read, and errors name
        times."""
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self.limits = limits
        self._supervisors = supervisors
        self._local = local

    def decides(self, operator: str) -> bool:
        """Whether the operator is a supervisor."""
        return operator in self._supervisors

    def waiting(self) -> Mapping[OwnerCaseKind, int]:
        """Return how many open cases there are."""
        return self._store.open_owner_cases()

    def cases(self, *, after: int, limit: int) -> Sequence[tuple[OwnerCase, Owner | None]]:
        """Return open cases and suspensions in force, with their owners (None: erased)."""
        now_ms, told = self._clock.now_ms(), list[OwnerCase]()
        while len(told) < limit and (found := self._store.owner_cases(after, limit)):
            after = found[-1].id
            told += [case for case in found if case.state is OwnerCaseState.OPEN or case.in_force(now_ms)]
        return [(case, self._store.owner(case.owner_id)) for case in told[:limit]]

    def case(self, case_id: int) -> OwnerCase | None:
        return self._store.owner_case(case_id)

    def record(self, owner_id: int) -> OwnerRecord | None:
        """Return an owner's record; None: there is no such owner, or he was erased."""
        owner = self._store.owner(owner_id)
        if owner is None:
            return None
        return OwnerRecord(
            owner,
            tuple(self._store.calls_of(owner_id)),
            tuple(self._store.owner_cases_of(owner_id)),
            tuple(self._store.enrolled(self._store.devices_of(owner_id)).values()),
        )

    def suspend(self, case_id: int, actor: str, reason: str, until: str) -> OwnerCase:
        """Suspend all of the owner's buttons that serve. until: the last day, `2026-12-31`. Raises: OwnerCaseError."""
        self._supervisor(actor)
        now_ms = self._clock.now_ms()
        until_ms = end_of_suspension(until, now_ms, self.limits.longest_days, self._local)

        def decide(case: OwnerCase) -> OwnerCase:
            if case.kind is not OwnerCaseKind.PRANKS:
                raise OwnerCaseError("owner_case.accidents", id=case_id)
            return copied(case, state=OwnerCaseState.SUSPENDED, until_ms=until_ms)

        return self._decide(case_id, actor, reason, now_ms, decide)

    def dismiss(self, case_id: int, actor: str, reason: str) -> OwnerCase:
        """Raises: OwnerCaseError."""
        self._supervisor(actor)
        return self._decide(
            case_id,
            actor,
            reason,
            self._clock.now_ms(),
            lambda case: copied(case, state=OwnerCaseState.DISMISSED),
        )

    def advised(self, case_id: int, actor: str, reason: str) -> OwnerCase:
        """Record that the owner was advised after accidents; anybody may. Raises: OwnerCaseError."""

        def decide(case: OwnerCase) -> OwnerCase:
            if case.kind is not OwnerCaseKind.ACCIDENTS:
                raise OwnerCaseError("owner_case.pranks", id=case_id)
            return copied(case, state=OwnerCaseState.ADVISED)

        return self._decide(case_id, actor, reason, self._clock.now_ms(), decide)

    def lift(self, case_id: int, actor: str, reason: str) -> OwnerCase:
        """End a suspension before its date. Raises: OwnerCaseError."""
        self._supervisor(actor)
        reason, now_ms = _reason(reason), self._clock.now_ms()
        with self._store.transaction() as transaction:
            case = self._locked(transaction, case_id)
            if not case.in_force(now_ms):
                raise OwnerCaseError("owner_case.not_suspended", id=case_id)
            after = copied(case, state=OwnerCaseState.LIFTED, ended_ms=now_ms, ended_by=actor, end_reason=reason)
            transaction.put_owner_case(after)
            # Another of the owner's cases may suspend him still.
            others = [each for each in self._store.owner_cases_of(case.owner_id) if each.id != case_id]

            def ends(device: Device) -> int | None:
                """A registrar's own suspension stays, whenever it was given."""
                return suspended_until(others, now_ms, device.registrar_until_ms)

            def by_this_case(state: RegistrationState, device: Device) -> bool:
                if state is not RegistrationState.SUSPENDED or device.suspended_until_ms is None:
                    return False
                return device.suspended_until_ms == case.until_ms != ends(device)

            changed = self._change(transaction, case.owner_id, now_ms, actor, reason, ends, by_this_case)
            _note(transaction, journal.OWNER_CASE_LIFTED, after, now_ms, actor, reason=reason, buttons=changed)
        self._notifier.ring()
        return after

    def set_code_words(self, owner_id: int, code: str, duress: str, actor: str) -> None:
        """Replace the words for a call-back; only a supervisor may. Raises: CodeWordError too."""
        self._supervisor(actor)
        set_code_words(self._store, self._clock, owner_id, hashed(code, duress, self._clock.now_ms()), actor=actor)
        self._notifier.ring()

    def _decide(
        self, case_id: int, actor: str, reason: str, now_ms: int, decide: Callable[[OwnerCase], OwnerCase]
    ) -> OwnerCase:
        reason = _reason(reason)
        with self._store.transaction() as transaction:
            case = self._locked(transaction, case_id)
            if case.state is not OwnerCaseState.OPEN:
                raise self._decided(case)
            after = copied(decide(case), decided_ms=now_ms, decided_by=actor, reason=reason)
            transaction.put_owner_case(after)
            facts: dict[str, Any] = {"decision": str(after.state), "reason": reason}
            until_ms = after.until_ms
            if until_ms is not None:
                facts["until"] = self._local.moment(until_ms)

                def serves_before(state: RegistrationState, device: Device) -> bool:
                    ends_ms = device.suspended_until_ms
                    ends = ends_ms is not None and (ends_ms < until_ms or suspension_over(ends_ms, now_ms))
                    return state is RegistrationState.ACTIVE or (state is RegistrationState.SUSPENDED and ends)

                facts["buttons"] = self._change(
                    transaction, case.owner_id, now_ms, actor, reason, lambda device: until_ms, serves_before
                )
            _note(transaction, journal.OWNER_CASE_DECIDED, after, now_ms, actor, **facts)
        self._notifier.ring()
        return after

    def _change(
        self,
        transaction: Transaction,
        owner_id: int,
        now_ms: int,
        actor: str,
        reason: str,
        until: Callable[[Device], int | None],
        which: Callable[[RegistrationState, Device], bool],
    ) -> int:
        """Suspend those of the owner's buttons until then, or with None let them serve again. which: by a button's
        state. Returns how many."""
        changed = 0
        for device_id, enrolled in self._store.enrolled(self._store.devices_of(owner_id)).items():
            before, device = transaction.registration(device_id), enrolled.device
            if not which(before, device):
                continue
            until_ms = until(device)
            wanted = RegistrationState.ACTIVE if until_ms is None else RegistrationState.SUSPENDED
            own_ms = None if until_ms is None else device.registrar_until_ms
            transaction.set_registration(device_id, wanted, now_ms, until_ms, own_ms)
            note_registration(transaction, device_id, before, wanted, now_ms, reason=reason, actor=actor)
            changed += 1
        return changed

    def _locked(self, transaction: Transaction, case_id: int) -> OwnerCase:
        case = transaction.owner_case(case_id)
        if case is None:
            raise OwnerCaseError("owner_case.none", id=case_id)
        # In the order in which a closing does it: its button first.
        transaction.lock(self._store.devices_of(case.owner_id))
        transaction.lock_owner(case.owner_id)
        return transaction.owner_case(case_id) or case

    def _supervisor(self, actor: str) -> None:
        if not self.decides(actor):
            raise OwnerCaseError("owner_case.supervisor", who=actor)

    def _decided(self, case: OwnerCase) -> OwnerCaseError:
        by, at_ms = case.decided_by, case.decided_ms or case.ended_ms
        if case.ended_by is not None:
            by, at_ms = case.ended_by, case.ended_ms
        return OwnerCaseError(
            "owner_case.decided",
            id=case.id,
            state=Localized(f"errors.owner_case_state.{case.state}"),
            who=by or "–",
            time="–" if at_ms is None else self._local.moment(at_ms),
        )


class SuspensionEnds:
    """A periodic job: what ended by itself is written down. Nothing waits for it, see domain.registry.state_at."""

    def __init__(self, store: Store, clock: Clock, notifier: Notifier) -> None:
        self._store = store
        self._clock = clock
        self._notifier = notifier

    def work(self) -> None:
        """Raises: StoreFailing."""
        now_ms = self._clock.now_ms()
        self._end_cases(now_ms)
        over = [each for each, until_ms in self._store.suspended().items() if suspension_over(until_ms, now_ms)]
        if not over:
            return
        with self._store.transaction() as transaction:
            transaction.lock(over)
            until = self._store.suspended()
            for device_id in over:
                before = transaction.registration(device_id)
                if before is not RegistrationState.SUSPENDED or not suspension_over(until.get(device_id), now_ms):
                    continue  # somebody was faster, or has suspended it for longer
                transaction.set_registration(device_id, RegistrationState.ACTIVE, now_ms)
                note_registration(transaction, device_id, before, RegistrationState.ACTIVE, now_ms, by_itself=True)
        self._notifier.ring()

    def _end_cases(self, now_ms: int) -> None:
        after = 0
        while found := self._store.owner_cases(after, _PAGE):
            after = found[-1].id
            for each in found:
                if each.state is not OwnerCaseState.SUSPENDED or not each.over(now_ms):
                    continue
                with self._store.transaction() as transaction:
                    transaction.lock_owner(each.owner_id)
                    case = transaction.owner_case(each.id)
                    if case is not None and case.state is OwnerCaseState.SUSPENDED and case.ended_ms is None:
                        ended_ms = min(now_ms, case.until_ms or now_ms)
                        transaction.put_owner_case(copied(case, ended_ms=ended_ms))


def end_of_suspension(until: str, now_ms: int, longest_days: int, local: LocalTime) -> int:
    """Return the end of a suspension whose last day is `until`, Unix ms. Raises: OwnerCaseError."""
    try:
        ends_ms = local.end_of(date.fromisoformat(until.strip()))
    except (ValueError, OverflowError):
        raise OwnerCaseError("owner_case.no_date", written=until) from None
    if ends_ms <= now_ms:
        raise OwnerCaseError("owner_case.past", written=until)
    if ends_ms - now_ms > (longest_days + 1) * DAY_MS:
        raise OwnerCaseError("owner_case.too_long", written=until, days=longest_days)
    return ends_ms


def note_registration(
    transaction: Transaction,
    device_id: bytes,
    before: RegistrationState,
    after: RegistrationState,
    now_ms: int,
    *,
    actor: str | None = None,
    **facts: object,
) -> None:
    told = {"before": str(before), "after": str(after), **facts}
    transaction.note(journal.REGISTRATION_CHANGED, now_ms, told, device_id=device_id, actor=actor)


def _note(transaction: Transaction, kind: str, case: OwnerCase, now_ms: int, actor: str, **facts: object) -> None:
    told = {"case": case.id, "owner_id": case.owner_id, "about": str(case.kind), **facts}
    transaction.note(kind, now_ms, told, actor=actor)


def _reason(written: str) -> str:
    reason = visible(tidied(written))
    if not 0 < len(reason) <= LONGEST_NOTE:
        raise OwnerCaseError("owner_case.reason", longest=LONGEST_NOTE)
    return reason
