"""Checks that the keys on disk exist and are right: without one, names cannot be read, or the next start fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

EVERY_S: Final = 15.0
PERSONAL: Final = "personal_key"  # its loss and return are journalled too

Fault = Callable[[], str | None]


class KeyWatch:
    """Call `work` periodically; `warnings` is thread-safe."""

    def __init__(
        self, store: Store, clock: Clock, notifier: Notifier, faults: Mapping[str, Fault], *, tells: bool
    ) -> None:
        """faults: what is wrong with each key, by name; each may raise StoreFailing. tells: whether this process, of
        all on the store, is the one that writes it to the journal."""
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._faults = dict(faults)
        self._tells = tells
        self._missing: set[str] = set()  # as last reported

    def work(self) -> None:
        """Raises StoreFailing."""
        for name, fault in self._faults.items():
            why = fault()
            if (name in self._missing) == bool(why):
                continue
            if self._tells and name == PERSONAL:
                kind = journal.PERSONAL_KEY_MISSING if why else journal.PERSONAL_KEY_BACK
                with self._store.transaction() as transaction:
                    transaction.note(kind, self._clock.now_ms(), {"why": why} if why else {})
                self._notifier.ring()
            if why:
                self._missing.add(name)
                log.error(Localized(f"log.gateway.no_{name}", why=why))
            else:
                self._missing.discard(name)
                log.info(Localized(f"log.gateway.{name}_back"))

    def look(self) -> None:
        """Like `work`, at the start: a failing store is reported elsewhere."""
        try:
            self.work()
        except StoreFailing as error:
            log.debug(Localized("log.store.keys", why=error))

    def warnings(self) -> Mapping[str, str]:
        """What is wrong now, by name; empty: all keys are there."""
        try:
            found = {name: fault() for name, fault in self._faults.items()}
        except StoreFailing:
            return {}  # a failing store is reported by itself
        return {name: why for name, why in found.items() if why}
