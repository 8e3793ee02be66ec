"""Whether the second machine has what is stored here: its absence is journalled, logged and shown, once each time."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.standby_progress import StandbyFault
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

EVERY_S: Final = 2.0
_KEPT: Final = "standby"  # under which the store remembers it
SHIPPED: Final = "standby_copy_ms"  # when the newest copy that the other machine has was made


@dataclass(frozen=True, slots=True)
class StandbyAbsence:
    """Since when what is stored is on one machine only."""

    fault: StandbyFault
    since_ms: int
    entry: int  # the journal's last entry that the other machine has


def absence(store: Store) -> StandbyAbsence | None:
    """As any process on the store may read it. Raises: StoreFailing."""
    kept = store.remembered(_KEPT)
    if not kept:
        return None
    facts = json.loads(kept)
    return StandbyAbsence(StandbyFault(facts["fault"]), facts["since_ms"], facts["entry"])


def copy_fault(store: Store, clock: Clock, allowed_s: int) -> Callable[[], StandbyFault | None]:
    """Return a check whether the newest shipped copy of the store is recent enough; it raises StoreFailing."""

    def fault() -> StandbyFault | None:
        shipped = store.remembered(SHIPPED)
        late = shipped is None or clock.now_ms() - int(shipped) > allowed_s * 1000
        return StandbyFault.OLD_COPY if late else None

    return fault


class StandbyWatch:
    """Call `work` periodically, in one of all workers; `warnings` is for any thread of each of them."""

    def __init__(
        self, store: Store, clock: Clock, notifier: Notifier, fault: Callable[[], StandbyFault | None] | None
    ) -> None:
        """fault: what is wrong now; may raise StoreFailing. None: no second machine is expected."""
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._fault = fault

    @property
    def expected(self) -> bool:
        return self._fault is not None

    def work(self) -> None:
        """Raises: StoreFailing."""
        now = None if self._fault is None else self._fault()
        before = absence(self._store)
        if now is (None if before is None else before.fault):
            return
        now_ms = self._clock.now_ms()
        last = self._store.last_journal_id()
        with self._store.transaction() as transaction:
            if now is not None:
                since_ms, entry = (now_ms, last) if before is None else (before.since_ms, before.entry)
                transaction.remember(_KEPT, json.dumps({"fault": now, "since_ms": since_ms, "entry": entry}))
                transaction.note(journal.STANDBY_LOST, now_ms, {"why": str(now)})
            elif before is not None:
                transaction.remember(_KEPT, "")
                seconds = max(0, now_ms - before.since_ms) // 1000
                facts = {"seconds": seconds, "entries": max(0, last - before.entry)}
                transaction.note(journal.STANDBY_BACK, now_ms, facts)
        self._notifier.ring()
        if now is None:
            log.info(Localized("log.standby.back"))
        else:
            log.error(Localized(f"log.standby.{now}"))

    def warnings(self) -> Mapping[str, str]:
        """What is wrong now, for `/readyz`; empty: nothing."""
        try:
            found = None if self._fault is None else self._fault()
        except StoreFailing:
            return {}  # reported by itself
        return {} if found is None else {"standby": str(Localized(f"log.standby.{found}"))}
