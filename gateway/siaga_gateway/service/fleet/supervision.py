"""Finds devices that need an installer, and keeps a case for each cause, closed once the cause is gone.

If a silent device has no case, see `listen`: what was sent while the gateway or its broker was down could not be heard,
and is held against nobody.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.device_report import Bearer
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.supervision import (
    Case,
    Cause,
    Deaf,
    SupervisionLimits,
    Verdict,
    due_since,
    judge,
    merged,
    problems,
    silence_allowed_ms,
)
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store, SupervisedDevice, SupervisionFilter, Transaction

log = logging.getLogger(__name__)

EVERY_S: Final = 15.0
_LOOK_MS: Final = 60_000
# Checking a million devices takes a while: never more than this share of the time.
_SHARE: Final = 20
_PAGE: Final = 1000
_TOGETHER: Final = 200  # cases in one commit: presses wait for it
# Signs that a way was heard are EVERY_S apart; a longer interval counts as not heard.
_DEAF_MS: Final = 60_000
_LATELY_MS: Final = 10 * 60_000  # cases of one cause opened within this time have one reason
T = TypeVar("T")
MAIN_WAY: Final = "mqtt"
# Named as in bootstrap/bearers.py.
_WAYS_OF: Final[Mapping[Bearer, tuple[str, ...]]] = {
    Bearer.LORAWAN: ("lorawan",),
    Bearer.SMS: ("sms_spool", "sms_webhook", "sms_aggregator"),
}
_GIVEN_UP_MS: Final = 7 * 24 * 3600 * 1000
_FOREVER_MS: Final = 40 * 24 * 3600 * 1000


@dataclass(slots=True)
class _Mass:
    """Cases of one cause, found so often in one pass that one notice covers them."""

    fold: Case | None = None  # opened in this pass
    opened: int = 0  # devices in the fold
    bearers: Counter[str | None] = field(default_factory=Counter)
    gone: int = 0  # cases that closed themselves


class Supervisor:
    """Periodic jobs, every EVERY_S seconds: `listen` runs in each worker, for what it hears; `work` in one at a
    time."""

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        clock: Clock,
        wanted: SupervisionLimits,
        *,
        ways: Callable[[], Mapping[str, bool]],
        mass: int = 20,
    ) -> None:
        """ways: whether each inbound way works, by name, with the buttons' broker as MAIN_WAY. mass: this many cases of
        one cause within minutes become one notice."""
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._wanted = wanted
        self._ways = ways
        self._mass = mass
        self._next_ms = 0
        self._deaf_ways: dict[Bearer, Deaf] = {}  # for one pass

    def work(self) -> None:
        """Check the devices once a minute, while somebody hears them. Raises: StoreFailing."""
        now_ms = self._clock.now_ms()
        heard = self._store.remembered(_heard(MAIN_WAY))
        if heard is None or now_ms - int(heard) > _DEAF_MS or 0 <= self._next_ms - now_ms < _LOOK_MS * _SHARE:
            return
        begun = time.monotonic()
        self.look(now_ms)
        took_ms = round((time.monotonic() - begun) * 1000)
        self._next_ms = now_ms + max(_LOOK_MS, took_ms * _SHARE)

    def listen(self) -> None:
        """Record that each working way was heard until now, and the periods without. Raises: StoreFailing."""
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            for way in (name for name, up in self._ways().items() if up):
                before = self._store.remembered(_heard(way))
                # The first time: whether anything was heard before is unknown.
                until_ms = 0 if before is None else int(before)
                if now_ms - until_ms > _DEAF_MS:
                    transaction.add_deafness(way, until_ms, now_ms)
                transaction.remember(_heard(way), str(now_ms))

    def look(self, now_ms: int) -> None:
        """Open and close cases as needed, page by page, in commits of a few hundred. Raises: StoreFailing."""
        deaf = merged(self._store.deafness([MAIN_WAY], now_ms - _FOREVER_MS))
        self._deaf_ways.clear()
        folds = {fold.cause: fold for fold, _ in self._store.open_folds()}
        masses: dict[Cause, _Mass] = {}
        sieve, after, changed = self._sieve(now_ms, deaf), b"", False
        while page := self._store.suspects(sieve, after, _PAGE):
            opened: dict[Cause, list[tuple[SupervisedDevice, int]]] = {}
            gone: list[Case] = []
            for watched in page:
                verdict = self._judge(watched, now_ms, deaf)
                for cause, level in verdict.opened.items():
                    opened.setdefault(cause, []).append((watched, level))
                gone.extend(verdict.gone)
            self._put_gone(gone, masses, now_ms)
            for cause, found in opened.items():
                self._put_opened(cause, found, folds, masses, now_ms)
            changed = changed or bool(opened or gone)
            after = page[-1].device.device_id
        self._tell(masses, now_ms)
        self._close_folds(now_ms)
        if changed:
            self._notifier.ring()

    def _sieve(self, now_ms: int, deaf: Deaf) -> SupervisionFilter:
        wanted = self._wanted
        intervals = {wanted.checkin_s, *self._store.intervals()}
        silent_before_ms = {
            checkin_s: due_since(now_ms, silence_allowed_ms(checkin_s, wanted), deaf) for checkin_s in intervals
        }
        return SupervisionFilter(now_ms, wanted, silent_before_ms)

    def _judge(self, watched: SupervisedDevice, now_ms: int, deaf: Deaf) -> Verdict:
        standing = frozenset(case.cause for case in watched.standing)
        its_deaf = self._deaf_of(watched.status, deaf, now_ms)
        found = problems(watched.device, watched.status, now_ms, self._wanted, its_deaf, standing)
        return judge(found, watched.standing, self._wanted)

    def _deaf_of(self, status: DeviceStatus | None, deaf: Deaf, now_ms: int) -> Deaf:
        """Return when a device could not be heard; on LoRaWAN or SMS also while that way was down."""
        bearer = Bearer.UNKNOWN if status is None or status.health is None else status.health.bearer_in_use
        ways = _WAYS_OF.get(bearer)
        if ways is None:
            return deaf
        if bearer not in self._deaf_ways:
            away = [*deaf, *self._store.deafness(ways, now_ms - _FOREVER_MS)]
            for way in ways:
                heard = self._store.remembered(_heard(way))
                # A way that was down longer was given up.
                if heard is not None and _DEAF_MS < now_ms - int(heard) < _GIVEN_UP_MS:
                    away.append((int(heard), now_ms))
            self._deaf_ways[bearer] = merged(away)
        return self._deaf_ways[bearer]

    # Changes

    def _put_gone(self, gone: Sequence[Case], masses: dict[Cause, _Mass], now_ms: int) -> None:
        told = Counter(case.cause for case in gone if case.closed_ms is None and case.fold is None)
        many = {cause for cause, count in told.items() if count >= self._mass}
        for cause in many:
            masses.setdefault(cause, _Mass()).gone += told[cause]
        for chunk in _chunks(gone):
            with self._store.transaction() as transaction:
                for case in chunk:
                    transaction.put_case(
                        replace(case, stands=False, closed_ms=case.closed_ms or now_ms, gone_ms=now_ms)
                    )
                    if case.closed_ms is None and case.fold is None and case.cause not in many:
                        note_case(transaction, journal.MAINTENANCE_CLOSED, case, now_ms, None)

    def _put_opened(
        self,
        cause: Cause,
        found: Sequence[tuple[SupervisedDevice, int]],
        folds: dict[Cause, Case],
        masses: dict[Cause, _Mass],
        now_ms: int,
    ) -> None:
        fold = folds.get(cause)
        if fold is None:
            lately = self._store.opened_since(cause, now_ms - _LATELY_MS)
            if len(found) + len(lately) >= self._mass:
                fold = folds[cause] = self._open_fold(cause, lately, now_ms)
                masses.setdefault(cause, _Mass()).fold = fold
                masses[cause].opened = len(lately)
        if (mass := masses.get(cause)) is not None and mass.fold is not None:
            mass.opened += len(found)
            mass.bearers.update(_bearer(watched.status) for watched, _ in found)
        for chunk in _chunks(found):
            with self._store.transaction() as transaction:
                number = transaction.next_case_id()
                calls = self._calls(transaction, cause, chunk)
                for offset, (watched, level) in enumerate(chunk):
                    fold_id = None if fold is None else fold.id
                    case = Case(number + offset, watched.device.device_id, cause, level, now_ms, fold=fold_id)
                    transaction.put_case(case)
                    if fold is None:
                        call, told = calls.get(watched.device.device_id), _facts(watched, case)
                        note_case(transaction, journal.MAINTENANCE_OPENED, case, now_ms, None, call, **told)

    def _calls(
        self, transaction: Transaction, cause: Cause, found: Sequence[tuple[SupervisedDevice, int]]
    ) -> dict[bytes, int]:
        """Return the open incidents, by device, of buttons that have fallen silent: it raises their alarm level."""
        if cause is not Cause.SILENT:
            return {}
        pressed = transaction.open_incidents_of([watched.device.device_id for watched, _ in found])
        return {device_id: incident.id for device_id, incident in pressed.items()}

    def _open_fold(self, cause: Cause, lately: Sequence[Case], now_ms: int) -> Case:
        with self._store.transaction() as transaction:
            fold = Case(transaction.next_case_id(), None, cause, len(lately), now_ms)
            transaction.put_case(fold)
            for case in lately:
                transaction.put_case(replace(case, fold=fold.id))
        return fold

    def _tell(self, masses: Mapping[Cause, _Mass], now_ms: int) -> None:
        """Send one notice for each mass, once the number of devices is known."""
        if not masses:
            return
        with self._store.transaction() as transaction:
            for cause, mass in masses.items():
                if mass.gone:
                    facts: dict[str, object] = {"cause": str(cause), "devices": mass.gone}
                    transaction.note(journal.MAINTENANCE_CLOSED, now_ms, facts)
                if mass.fold is None:
                    continue
                facts = {"case": mass.fold.id, "cause": str(cause), "devices": mass.opened}
                bearer, most = mass.bearers.most_common(1)[0]
                if bearer is not None and most >= 0.8 * mass.bearers.total():
                    facts["bearer"] = bearer
                transaction.put_case(replace(mass.fold, level=mass.opened))
                transaction.note(journal.MAINTENANCE_MASS, now_ms, facts)
                log.warning(
                    Localized("log.supervise.mass", devices=mass.opened, cause=Localized(f"console.cause.{cause}"))
                )

    def _close_folds(self, now_ms: int) -> None:
        """Close a fold when few of its devices are left; these are listed singly from then on."""
        for fold, members in self._store.open_folds():
            if 2 * members >= self._mass:
                continue
            with self._store.transaction() as transaction:
                transaction.release_members(fold.id)
                transaction.put_case(replace(fold, stands=False, closed_ms=now_ms))
                facts = {"case": fold.id, "cause": str(fold.cause), "left": members}
                transaction.note(journal.MAINTENANCE_MASS_OVER, now_ms, facts)
            self._notifier.ring()


def note_case(
    transaction: Transaction,
    kind: str,
    case: Case,
    at_ms: int,
    actor: str | None,
    incident_id: int | None = None,
    **facts: object,
) -> None:
    told = {"case": case.id, "cause": str(case.cause), **facts}
    transaction.note(kind, at_ms, told, incident_id=incident_id, device_id=case.device_id, actor=actor)


def _facts(watched: SupervisedDevice, case: Case) -> dict[str, object]:
    """Return what the journal says about a case that opens."""
    match case.cause:
        case Cause.SILENT:
            return {"silent_s": case.level}
        case Cause.LOW_BATTERY:
            return {"battery": None if watched.status is None else watched.status.battery}
        case Cause.OLD_VERSION if watched.status is not None and watched.status.health is not None:
            return {"version": ".".join(map(str, watched.status.health.version))}
        case Cause.COUNTER_GAP:
            return {"missing": case.level}
        case Cause.RESTARTS | Cause.REJECTED:
            return {"lately": case.level}
        case Cause.UNSIGNED:
            return {"unsigned_s": case.level}
        case Cause.QUOTA_LOW:
            return {"quota_mb": watched.device.sim_quota_mb}
        case _:
            return {}


def _bearer(status: DeviceStatus | None) -> str | None:
    if status is None or status.health is None or status.health.bearer_in_use is Bearer.UNKNOWN:
        return None
    return status.health.bearer_in_use.name.lower()


def _heard(way: str) -> str:
    return f"heard.{way}"


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + _TOGETHER] for start in range(0, len(items), _TOGETHER))
