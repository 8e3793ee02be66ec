"""Rescues a damaged store: copies what is readable into a new one, prepares it for use, and puts it in place."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.files.erasure_list import ErasureList, policy_of
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, key_file, store_path
from siaga_gateway.adapters.sql.rescue.procedure import (
    Rescued,
    draft_of,
    finish,
    free_name,
    put_in_place,
    remove,
    rescue,
)
from siaga_gateway.adapters.sql.rescue.row_copy import Progress
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.incident import Change, IncidentState, Notice
from siaga_gateway.service.dispatch.waves import STORE_NAME
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import survey
from siaga_gateway.service.journal.audit_gaps import KnownLosses, spans
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.after_restore import go_on
from siaga_gateway.service.registry.retention import Retention
from siaga_gateway.service.reports import call_records, stations_of_tests
from siaga_gateway.service.store import StoreFailing

_SHOWN: Final = 40  # ranges or names in one line
# What the outputs are told of an open incident: its progress.
_TOLD: Final = {
    IncidentState.OPEN: Change.OPENED,
    IncidentState.SEEN: Change.SEEN,
    IncidentState.ASSIGNED: Change.ASSIGNED,
    IncidentState.ON_SCENE: Change.ON_SCENE,
}


class Report:
    """The result of a rescue, for a person."""

    def __init__(self, rescued: Rescued, losses: KnownLosses, aside: Path, seconds: float) -> None:
        self.rescued = rescued
        self.losses = losses
        self.aside = aside
        self.seconds = seconds

    @property
    def rows(self) -> int:
        return sum(copied.rows for copied in self.rescued.findings.tables.values())

    def _lost(self, table: str) -> int:
        """Return how many rows of a table are known to be lost: by its index, or by references to them."""
        copied, mended = self.rescued.findings.tables[table], self.rescued.mended
        if not copied.by_pages:
            return copied.missing
        referred = {
            "owner": len(mended.owners),
            "device": len(mended.devices) + len(mended.unregistered),
            "incident": len(mended.incidents),
        }
        return max(copied.missing, referred.get(table, 0) + self.rescued.from_backup.get(table, 0))

    def lines(self) -> list[Localized]:
        """Return what was saved, what is lost, and what to do."""
        findings, mended, losses = self.rescued.findings, self.rescued.mended, self.losses
        said = [Localized("rescue.saved", rows=self.rows, seconds=round(self.seconds, 1))]
        for name, copied in findings.tables.items():
            if lost := self._lost(name):
                numbers = Localized("rescue.numbers", numbers=spans(copied.lost)) if copied.lost else ""
                said.append(Localized("rescue.lost", table=name, rows=lost, numbers=numbers))
            elif copied.by_pages:
                said.append(Localized("rescue.page_by_page", table=name, rows=copied.rows))
            if copied.named and name == "event":
                said.append(Localized("rescue.lost_events", events=_some(copied.named)))
        if findings.unreadable:
            said.append(Localized("rescue.unreadable", pages=findings.unreadable))
        for key, names in (
            ("devices", mended.devices),
            ("unregistered", mended.unregistered),
            ("owners", [str(number) for number in mended.owners]),
            ("incidents", [str(number) for number in mended.incidents]),
        ):
            if names:
                said.append(Localized(f"rescue.{key}", names=_some(names)))
        for table, rows in self.rescued.from_backup.items():
            if rows:
                said.append(Localized("rescue.from_backup", table=table, rows=rows))
        if losses:
            gone = spans([*losses.gone, *losses.changed]) or "-"
            said.append(Localized("rescue.chain", entries=gone, batches=spans(losses.batches) or "-"))
        else:
            said.append(Localized("rescue.chain_whole"))
        said.append(Localized("rescue.kept", file=self.aside))
        return said

    def facts(self) -> dict[str, object]:
        """Return the facts for the journal."""
        mended = self.rescued.mended
        facts = {
            "rows": {name: lost for name in self.rescued.findings.tables if (lost := self._lost(name))},
            "devices": len(mended.devices),
            "unregistered": mended.unregistered,
            "owners": mended.owners,
            "incidents": len(mended.incidents),
            **self.losses.facts(),
        }
        return {name: value for name, value in facts.items() if value}


def rescue_store(
    settings: Settings,
    clock: Clock,
    *,
    actor: str | None,
    backup: Path | None = None,
    progress: Progress = lambda what, done, of: None,
) -> Report:
    """Rescue the SQLite store of these settings; the caller has locked its data folder.

    Raises: StoreUnusable, StoreFailing, SettingsError.
    """
    path = store_path(settings.data_dir)
    began = time.monotonic()
    try:
        finish(path)
        if not path.exists():
            raise StoreUnusable("rescue.no_store", file=path)
        rescued = rescue(path, gateway=settings.name, now_ms=clock.now_ms(), backup=backup, progress=progress)
        if not sum(rescued.findings.tables[name].rows for name in ("device", "event", "journal")):
            raise StoreUnusable("rescue.nothing", file=path)
        aside = free_name(path, "damaged")
        store = SqlStore(draft_of(path), clock.now_ms(), key_file(settings))
        try:
            losses = survey(store, progress)
            report = Report(rescued, losses, aside, 0.0)
            retention = Retention(store, clock, policy_of(settings))
            go_on(
                store,
                clock,
                retention,
                list(ErasureList(settings.data_dir)),
                file=aside.name,
                head=store.chain_head().id,
                actor=actor,
                kind=journal.RESCUED,
                more=report.facts(),
                responders=list(ErasureList(settings.data_dir).responders()),
            )
            with store.transaction() as transaction:
                # It is no backup: whoever is being called is called on.
                transaction.remember(STORE_NAME, store.name)
                # Records of calls that are lost are made again from the journal.
                for cursor in (call_records.CURSOR, stations_of_tests.CURSOR):
                    transaction.remember(cursor, "0")
            _tell_outputs(store, settings, clock, rescued)
        finally:
            store.close()
        put_in_place(path, aside)
    except OSError as error:
        raise StoreFailing("rescue.failed", file=path, why=error) from error
    finally:
        remove(draft_of(path))  # of a failed rescue: presses need the space
    report.seconds = time.monotonic() - began
    return report


def _tell_outputs(store: SqlStore, settings: Settings, clock: Clock, rescued: Rescued) -> None:
    """If notices are lost, tell the outputs once more how far each open incident is."""
    tables = rescued.findings.tables
    if not (rescued.mended.incidents or any(tables[name].by_pages for name in ("notice", "outbox", "incident"))):
        return
    outputs = tuple(output.name for output in settings.outputs)
    with store.transaction() as transaction:
        for incident in store.open_incidents():
            if not incident.held:
                told = Notice(incident, _TOLD[incident.state], incident.sequence, clock.now_ms())
                transaction.add_notice(told, outputs)


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f", ... (+{more})" if more > 0 else "")
