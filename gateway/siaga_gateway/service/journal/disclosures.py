"""Journals who saw whose data: that an operator was shown an incident's owner and place.

One note for an operator and an incident within a time window: a page that reloads itself is one view. What the queue
shows of many incidents is gathered briefly and noted together, so that in a mass press the journal is not written as
often as consoles read.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.periodic_thread import PeriodicThread
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

AGAIN_MS: Final = 15 * 60_000
_GATHER_S: Final = 2.0
_REMEMBERED: Final = 50_000
_IN_ONE_NOTE: Final = 500  # incidents, or owners

_INCIDENT: Final = "incident"
_QUEUE: Final = "queue"
_OWNER: Final = "owner: "  # numbers of owners are no numbers of incidents


class DisclosureLog:
    """Implements ports.Disclosures. Call `start`, `stop`; thread-safe.

    A failing store hides no incident from anybody: what could not be noted is noted later, or logged.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, int, str], int] = {}
        self._gathered: dict[str, list[int]] = {}
        self._writes = PeriodicThread("disclosures", self._write_gathered, end_s=10)

    def start(self) -> None:
        self._writes.start()

    def stop(self) -> None:
        self._writes.stop()
        self.write()

    def shown(self, operator: str, incident_id: int, what: str = _INCIDENT) -> None:
        now_ms = self._clock.now_ms()
        with self._lock:
            if not self._new(operator, incident_id, what, now_ms):
                return
        try:
            with self._store.transaction() as transaction:
                transaction.note(journal.PERSONAL_READ, now_ms, {"what": what}, incident_id=incident_id, actor=operator)
        except StoreFailing as error:
            log.error(Localized("log.disclosures.late", incident=incident_id, what=what, why=error))
            self._gather(operator, [incident_id])

    def of_owner(self, operator: str, owner_id: int, what: str) -> None:
        now_ms = self._clock.now_ms()
        with self._lock:
            if not self._new(operator, owner_id, f"{_OWNER}{what}", now_ms):
                return
        try:
            with self._store.transaction() as transaction:
                facts = {"what": what, "owner_id": owner_id}
                transaction.note(journal.PERSONAL_READ, now_ms, facts, actor=operator)
        except StoreFailing as error:
            log.error(Localized("log.disclosures.owner", operator=operator, owner=owner_id, what=what, why=error))
            with self._lock:
                self._seen.pop((operator, owner_id, f"{_OWNER}{what}"), None)

    def owners_listed(self, operator: str, owner_ids: Collection[int], what: str) -> None:
        now_ms = self._clock.now_ms()
        with self._lock:
            new = [number for number in owner_ids if self._new(operator, number, f"{_OWNER}{what}", now_ms)]
        if not new:
            return
        try:
            with self._store.transaction() as transaction:
                for start in range(0, len(new), _IN_ONE_NOTE):
                    facts = {"what": what, "owners": new[start : start + _IN_ONE_NOTE]}
                    transaction.note(journal.PERSONAL_READ, now_ms, facts, actor=operator)
        except StoreFailing as error:
            numbers = ", ".join(map(str, new))
            log.error(Localized("log.disclosures.owner", operator=operator, owner=numbers, what=what, why=error))
            with self._lock:
                for number in new:
                    self._seen.pop((operator, number, f"{_OWNER}{what}"), None)

    def listed(self, operator: str, incident_ids: Collection[int]) -> None:
        now_ms = self._clock.now_ms()
        with self._lock:
            new = [number for number in incident_ids if self._new(operator, number, _QUEUE, now_ms)]
        self._gather(operator, new)

    def write(self) -> None:
        """Write what was gathered."""
        with self._lock:
            gathered, self._gathered = self._gathered, {}
        if not any(gathered.values()):
            return
        now_ms = self._clock.now_ms()
        try:
            with self._store.transaction() as transaction:
                for operator, numbers in gathered.items():
                    for start in range(0, len(numbers), _IN_ONE_NOTE):
                        facts = {"what": _QUEUE, "incidents": numbers[start : start + _IN_ONE_NOTE]}
                        transaction.note(journal.PERSONAL_READ, now_ms, facts, actor=operator)
        except StoreFailing as error:
            log.error(Localized("log.disclosures.lists", why=error))
            for operator, numbers in gathered.items():
                self._gather(operator, numbers)

    def _write_gathered(self) -> float:
        self.write()
        return _GATHER_S

    def _gather(self, operator: str, numbers: Collection[int]) -> None:
        if not numbers:
            return
        with self._lock:
            mine = self._gathered.setdefault(operator, [])
            mine.extend(numbers)
            if len(mine) > _REMEMBERED:
                log.error(Localized("log.disclosures.lost", incidents=len(mine)))
                mine.clear()

    def _new(self, operator: str, incident_id: int, what: str, now_ms: int) -> bool:
        key = (operator, incident_id, what)
        if what == _QUEUE and self._fresh((operator, incident_id, _INCIDENT), now_ms):
            return False  # whoever has the incident open sees its card as well
        if self._fresh(key, now_ms):
            return False
        self._seen.pop(key, None)
        self._seen[key] = now_ms
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True

    def _fresh(self, key: tuple[str, int, str], now_ms: int) -> bool:
        seen_ms = self._seen.get(key)
        return seen_ms is not None and 0 <= now_ms - seen_ms < AGAIN_MS
