"""Writes the journal entries that stand for many frames: refused ones, shed ones, and those that met a bug."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.event import asks_for_help
from siaga_gateway.domain.frame import Kind, glance, says_duress
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.lanes import Lanes
from siaga_gateway.service.ingest.store_outage import Stopping, StoreOutage
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.sampling import SampledEntry, Sampler
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store, StoreDamaged, Transaction

log = logging.getLogger(__name__)


class SampledEntries:
    """For the thread of ingest; each write waits while the store fails. Every method raises Stopping."""

    def __init__(self, store: Store, sampler: Sampler, outage: StoreOutage, notifier: Notifier, clock: Clock) -> None:
        self._store = store
        self._sampler = sampler
        self._outage = outage
        self._notifier = notifier
        self._clock = clock

    def write_due(self) -> None:
        self._try_to_write(self._sampler.due(self._clock.now_ms()))

    def write_rest(self) -> None:
        """At the end: write what the sampler still holds."""
        self._try_to_write(list(self._sampler.rest()))

    def write_shed(self, lanes: Lanes) -> None:
        """Journal what was shed under overload, as the sampler allows."""
        for shed in lanes.let_go():
            facts = {"lane": shed.lane}
            entry = self._sampler.note(
                journal.SHED, shed.last.received_ms, None, facts, None, few=True, times=shed.count
            )
            if entry is not None:
                log.warning(Localized("log.ingest.shed", lane=shed.lane))
                self._try_to_write([entry])

    def write_unprocessed(self, frame: InboundFrame, error: Exception) -> bool:
        """Journal a frame that met a bug, if the sampler allows. Returns whether the frame may be acknowledged."""
        kind = glance(frame.raw)
        call = kind is not None and asks_for_help(kind, says_duress(frame.raw, kind))
        facts = {"error": repr(error)[:200], "size": len(frame.raw), "call": call}
        # A check-in's frame says where its holder is: the journal is for ever. Under duress it is a call.
        kept = None if kind is Kind.CHECKIN and not call else frame.raw
        entry = self._sampler.note(journal.UNPROCESSED, frame.received_ms, None, facts, kept)
        try:
            self._write([] if entry is None else [entry])
        except Stopping:
            raise
        except Exception:
            log.exception(Localized("log.ingest.not_kept"))
            return False
        return True

    def _try_to_write(self, entries: Sequence[SampledEntry]) -> None:
        """Write them; a bug in this must not end the thread."""
        try:
            self._write(entries)
        except Stopping:
            raise
        except StoreDamaged as error:
            log.error(Localized("log.store.damaged", why=str(error)))
        except Exception:
            log.exception(Localized("log.journal.entries", entries=len(entries)))

    def _write(self, entries: Sequence[SampledEntry]) -> None:
        if not entries:
            return

        def write() -> None:
            with self._store.transaction() as transaction:
                self._outage.note_recovery(transaction, self._clock.now_ms())
                for entry in entries:
                    write_entry(transaction, entry)

        self._outage.retried(write)
        self._notifier.ring()


def write_entry(transaction: Transaction, entry: SampledEntry) -> None:
    transaction.note(entry.kind, entry.at_ms, entry.facts, device_id=entry.device_id, frame=entry.frame)
