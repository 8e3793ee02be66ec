"""Watches the machine's disk and clock: told in the journal, log, `/readyz` and console before a press is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.machine_health import MachineFault, MachineState, faults
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0


class MachineWatch:
    """`work` is a periodic job, in one process of each machine; `found` and `warnings` are for any thread."""

    def __init__(self, store: Store, clock: Clock, notifier: Notifier, look: Callable[[], MachineState]) -> None:
        """look: may take seconds."""
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._look = look
        self._free_since_ms: int | None = None
        self._told: frozenset[MachineFault] = frozenset()
        self._found: tuple[MachineFault, ...] = ()
        self._free_mb: int | None = None

    def work(self) -> None:
        """Look, show what is wrong, and note what has changed. Raises: StoreFailing; it is noted next time then."""
        state, now_ms = self._look(), self._clock.now_ms()
        if state.follows is not False:
            self._free_since_ms = None
        elif self._free_since_ms is None:
            self._free_since_ms = now_ms
        self._found, self._free_mb = faults(state, self._free_since_ms, now_ms), state.free_mb
        now = frozenset(self._found)
        if now == self._told:
            return
        for fault in self._found:
            if fault not in self._told:
                log.warning(Localized(f"log.machine.{fault}", free_mb=state.free_mb or 0))
        with self._store.transaction() as transaction:
            for fault in sorted(now - self._told):
                facts = {"fault": str(fault), "free_mb": state.free_mb}
                transaction.note(journal.MACHINE_FAULT, now_ms, facts)
            for fault in sorted(self._told - now):
                transaction.note(journal.MACHINE_SOUND, now_ms, {"fault": str(fault)})
        self._told = now
        self._notifier.ring()

    def found(self) -> Sequence[Mapping[str, Any]]:
        """Return what is wrong now, each with `fault` and `free_mb`."""
        return [{"fault": str(each), "free_mb": self._free_mb or 0} for each in self._found]

    def warnings(self) -> Mapping[str, str]:
        """What is wrong now, for `/readyz`; empty: nothing."""
        texts = {each: str(Localized(f"log.machine.{each}", free_mb=self._free_mb or 0)) for each in self._found}
        return {each.value.partition("_")[0]: told for each, told in texts.items()}
