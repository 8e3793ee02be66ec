"""Erases personal data when no longer needed: daily by policy, or for one person on request.

The evidence stays: the frames of calls with their signatures, and the journal of every decision. Frames contain
positions; a court or an inquiry needs them, nobody sees them on the console, and the audit chain would reveal any that
is missing. What check-ins told does not stay: the last position goes after a day, battery and signal after some months.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.battery_history import HOUR_MS, day_of
from siaga_gateway.domain.coverage import month_of
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.registry import RegistrationState, state_at
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.registry.retention_run import RetentionResult, RetentionRun, tell_unfinished
from siaga_gateway.service.store import Enrolled, Store, Transaction
from siaga_gateway.service.store.expiry import LastPositionAge

log = logging.getLogger(__name__)

DAY_MS: Final = 86_400_000
_PAGE: Final = 500  # in one transaction: the gateway writes between them
_CALLS: Final = 50  # the same, of incidents: each may have hundreds of notices and notifications
_DAYS: Final = 5_000  # the same, of rows that nothing else waits for: a day has one of each button
EVERY_S: Final = 600.0  # how often to check whether a day has passed
_RUN: Final = "retention"
BY_POLICY: Final = "retention"
# A person whose button may still be pressed for help cannot be erased.
_LIVE: Final = frozenset({RegistrationState.ACTIVE, RegistrationState.PENDING})


class RetentionError(Refused):
    """This person cannot be erased now; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How many days things are kept; 0: for ever."""

    positions_days: int
    notes_days: int
    personal_days: int
    quarantine_days: int
    figures_days: int
    last_position_h: int = 24  # or two check-ins of the button, if those are longer; never for ever
    history_days: int = 90
    checkin_s: int = 21_600  # of a button with no interval registered
    coverage_months: int = 13  # with the present one


class Retention:
    """Erases by policy or on request.

    `erased` is called for each owner after the commit, with the id and the registration time (Unix ms), for a list that
    survives the restoring of a backup.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        policy: RetentionPolicy,
        erased: Callable[[int, int], None] = lambda number, at_ms: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        self._erased = erased

    def run(self, actor: str | None = None, *, dry: bool = False) -> RetentionResult:
        """Erase everything due, or (dry) only count it. Raises: StoreFailing; what was done by then stays, and the next
        run tells the journal of it."""
        now_ms = self._clock.now_ms()
        if not dry:
            tell_unfinished(self._store, now_ms)
        run = RetentionRun(self._store, self._clock, actor)
        done = run.done
        self._last_positions(run, dry)
        self._incidents(run, now_ms, dry)
        self._owners(run, now_ms, dry)
        if not dry:
            forget_left(self._store)
        before_ms = _before(now_ms, self._policy.quarantine_days)
        told_ms = _before(now_ms, self._policy.positions_days)
        counted_ms = _before(now_ms, self._policy.figures_days)
        if dry:
            done.strangers = self._store.expired_strangers(before_ms)
            done.notifications = self._store.expired_notifications(told_ms)
            done.figures = self._store.expired_call_records(counted_ms)
            done.cases = self._store.expired_owner_cases(_before(now_ms, self._policy.notes_days))
            done.days = self._store.expired_days(*self._days(now_ms))
            done.remarks = self._store.expired_shift_texts(_before(now_ms, self._policy.notes_days))
            done.cells = self._store.expired_coverage(*self._months(now_ms))
            return done
        self._forget_days(run, now_ms)
        run.steps("strangers", lambda step: step.forget_strangers(before_ms, _PAGE))
        self._forget_notifications(run, told_ms)
        run.steps("figures", lambda step: step.forget_call_records(counted_ms, _PAGE))
        noted_ms = _before(now_ms, self._policy.notes_days)
        run.steps("cases", lambda step: step.forget_owner_cases(noted_ms, _PAGE))
        run.steps("remarks", lambda step: step.forget_shift_texts(noted_ms, _PAGE))
        run.steps("cells", lambda step: step.forget_coverage(*self._months(now_ms), _DAYS))
        run.end(now_ms)
        self._store.scrub()  # last positions are replaced with each check-in, and stay in the engine's logs
        return done

    def _days(self, now_ms: int) -> tuple[int, int]:
        """Return the first and the last day of battery and signal to keep."""
        today = day_of(now_ms)
        return (today - self._policy.history_days if self._policy.history_days else 0), today + 1

    def _months(self, now_ms: int) -> tuple[int, int]:
        """Return the first and the last month of the survey to keep."""
        return month_of(now_ms) - self._policy.coverage_months + 1, month_of(now_ms + DAY_MS)

    def _forget_days(self, run: RetentionRun, now_ms: int) -> None:
        keep = self._days(now_ms)
        run.steps("days", lambda step: step.forget_days(*keep, _DAYS))
        after: bytes | None = b""
        while after is not None:
            old, after = self._store.hours_after(*keep, after, _DAYS)
            for first in range(0, len(old), _PAGE):
                page = old[first : first + _PAGE]

                def forget(step: Transaction, page: Sequence[bytes] = page) -> dict[str, int]:
                    step.lock(page)
                    return {"days": step.forget_hours(page, *keep)}

                run.step(forget)

    def _forget_notifications(self, run: RetentionRun, before_ms: int) -> None:
        if before_ms < 0:
            return  # for ever
        after = 0
        while page := self._store.incidents_told_of(after, _PAGE):
            after = page[-1]
            old = self._store.closed_before(page, before_ms)
            for first in range(0, len(old), _CALLS):
                calls = old[first : first + _CALLS]
                run.step(lambda step, calls=calls: {"notifications": step.forget_notifications(calls, before_ms)})  # type: ignore[misc]
        run.steps("notifications", lambda step: step.forget_drills(before_ms, _PAGE))

    def forget_last_positions(self) -> None:
        """Erase last positions that are due, which no run has to tell of. Raises: StoreFailing."""
        self._last_positions(RetentionRun(self._store, self._clock, told=False), dry=False)

    def _last_positions(self, run: RetentionRun, dry: bool) -> None:
        policy = self._policy
        if not dry:
            take_over_positions(self._store)
        age = LastPositionAge(self._clock.now_ms(), policy.last_position_h * HOUR_MS, policy.checkin_s)
        after = b""
        while page := self._store.expired_last_positions(age, after, _PAGE):
            after = page[-1]
            if dry:
                run.done.statuses += len(page)
                continue

            def forget(step: Transaction, page: Sequence[bytes] = page) -> dict[str, int]:
                step.lock(page)
                return {"statuses": step.forget_last_positions(page, age)}

            run.step(forget)

    def _incidents(self, run: RetentionRun, now_ms: int, dry: bool) -> None:
        positions_ms = _before(now_ms, self._policy.positions_days)
        notes_ms = _before(now_ms, self._policy.notes_days)
        after = 0
        while page := self._store.expired_incidents(positions_ms, notes_ms, after, _CALLS):
            after = page[-1][0]
            if dry:
                run.done.incidents += len(page)
                continue

            def forget(step: Transaction, page: Sequence[tuple[int, bytes]] = page) -> dict[str, int]:
                step.lock({device_id for _, device_id in page})
                places, notes = step.forget_incidents([id_ for id_, _ in page], positions_ms, notes_ms)
                return {"incidents": places, "notes": notes}

            run.step(forget)

    def _owners(self, run: RetentionRun, now_ms: int, dry: bool) -> None:
        before_ms, after = _before(now_ms, self._policy.personal_days), 0
        while page := self._store.expired_owners(before_ms, after, _PAGE):
            after = page[-1]
            for owner_id in page:
                if dry:
                    run.done.owners += 1
                else:
                    self._erase(owner_id, now_ms, BY_POLICY, None, run)

    def erase(self, owner_id: int, reason: str, actor: str, *, suspend: bool = False) -> int:
        """Erase one person's data now. Returns how many incidents lost data.

        suspend: suspend their devices first. Raises: RetentionError if their buttons may still call for help, or
        something of theirs is in progress.
        """
        if not reason.strip():
            raise RetentionError("retention.no_reason")
        registered_ms = self._store.owner_registered(owner_id)
        if registered_ms is None:
            raise RetentionError("retention.no_owner", owner_id=owner_id)
        under_way = self._store.under_way(owner_id)
        if under_way:
            raise RetentionError("retention.under_way", under_way=under_way[0], owner_id=owner_id)
        now_ms = self._clock.now_ms()
        live = [
            one
            for one in self._devices(owner_id)
            if state_at(one.device, now_ms) in _LIVE or one.device.suspended_until_ms is not None
        ]
        if live and not suspend:
            names = ", ".join(one.device.device_id.hex() for one in live)
            raise RetentionError("retention.has_devices", owner_id=owner_id, names=names)
        for one in live:
            with self._store.transaction() as transaction:
                transaction.lock([one.device.device_id])
                transaction.set_registration(one.device.device_id, RegistrationState.SUSPENDED, now_ms)
                transaction.note(
                    journal.REGISTRATION_CHANGED,
                    now_ms,
                    {"before": str(one.device.state), "after": "suspended", "reason": reason},
                    device_id=one.device.device_id,
                    actor=actor,
                )
        incidents = self._erase(owner_id, now_ms, reason, actor)
        self._store.scrub()
        return incidents

    def erase_again(self, owner_id: int) -> None:
        """Erase somebody whom an older backup brought back, whatever of theirs is open there."""
        self._erase(owner_id, self._clock.now_ms(), "erased before, brought back by a backup", None)

    def _devices(self, owner_id: int) -> list[Enrolled]:
        return list(self._store.enrolled(self._store.devices_of(owner_id)).values())

    def _erase(
        self, owner_id: int, now_ms: int, reason: str, actor: str | None, run: RetentionRun | None = None
    ) -> int:
        registered_ms = self._store.owner_registered(owner_id)
        with self._store.transaction() as transaction:
            transaction.lock(self._store.devices_of(owner_id))
            erased = transaction.erase_owner(owner_id, now_ms)
            facts = {
                "owner_id": owner_id,
                "reason": reason,
                "devices": len(erased.device_ids),
                "incidents": len(erased.incident_ids),
            }
            transaction.note(journal.OWNER_ERASED, now_ms, facts, actor=actor)
            if run is not None:
                run.account(transaction, {"owners": 1})
        if run is not None:
            run.done.owners += 1
        if registered_ms is not None:
            self._erased(owner_id, registered_ms)
        return len(erased.incident_ids)


class DailyRetention:
    """A periodic job: once a day by one of all workers, also if all were restarted meanwhile."""

    def __init__(self, store: Store, retention: Retention, clock: Clock, notifier: Notifier) -> None:
        self._store = store
        self._retention = retention
        self._clock = clock
        self._notifier = notifier
        self._unfinished = False

    def work(self) -> None:
        """Erase what is due now; after a failed run, the rest. Raises: StoreFailing."""
        tell_unfinished(self._store, self._clock.now_ms())  # a process that was killed cannot
        if not self._unfinished:
            with self._store.transaction() as transaction:
                if not transaction.claim(_RUN, self._clock.now_ms(), DAY_MS):
                    return
        self._unfinished = True
        done = self._retention.run()
        self._unfinished = False
        log.info(Localized("log.retention.removed", facts=done.facts()))
        self._notifier.ring()


def _before(now_ms: int, days: int) -> int:
    """Return the time before which data are erased; for 0 days nothing ever is."""
    return now_ms - days * DAY_MS if days else -1


def take_over_positions(store: Store) -> None:
    """Take over the last positions that a gateway of the version before still writes. Raises: StoreFailing."""
    after = b""
    while page := store.positions_left(after, _PAGE):
        after = page[-1]
        with store.transaction() as transaction:
            transaction.lock(page)
            transaction.take_over_positions(page)


def forget_left(store: Store) -> None:
    """Erase what a gateway of a version before left of people whom it erased. Raises: StoreFailing."""
    while True:
        devices, others = store.left_of_erased(_PAGE)
        if not devices and not others:
            return
        with store.transaction() as transaction:
            transaction.lock(devices)
            if not transaction.forget_left(devices, _PAGE):
                return  # another gateway was quicker
