"""Daily jobs: retention, the audit chain's head to the log, certificate checks."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.files.erasure_list import ErasureList, policy_of
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.bootstrap.certificate_inventory import CertificateNotice, CertificateReader
from siaga_gateway.bootstrap.places_and_people import make_router, places_watch, position_expiry, responders_watch
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.settings import Settings
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.places_watch import EVERY_S as PLACES_S
from siaga_gateway.service.fleet.broker_access import BrokerAccess, PasswordsUnusable
from siaga_gateway.service.fleet.coverage_survey import EVERY_S as SURVEY_S
from siaga_gateway.service.fleet.coverage_survey import RELEASE_S, CoverageSurvey
from siaga_gateway.service.installation.certificate_health import EVERY_S as CERTIFICATES_S
from siaga_gateway.service.installation.certificate_health import CertificateWatch
from siaga_gateway.service.installation.machine_watch import EVERY_S as MACHINE_S
from siaga_gateway.service.installation.machine_watch import MachineWatch
from siaga_gateway.service.journal.checkin_removal import EVERY_S as REMOVAL_S
from siaga_gateway.service.journal.checkin_removal import CheckinRemoval
from siaga_gateway.service.journal.frame_removal import EVERY_S as FRAMES_S
from siaga_gateway.service.journal.frame_removal import FrameRemoval
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.owner_cases import SuspensionEnds
from siaga_gateway.service.registry.retention import EVERY_S as RETENTION_S
from siaga_gateway.service.registry.retention import DailyRetention, Retention
from siaga_gateway.service.registry.search_indexing import EVERY_S as INDEXING_S
from siaga_gateway.service.registry.search_indexing import SearchIndexing
from siaga_gateway.service.reports.call_records import CallRecords
from siaga_gateway.service.reports.journal_follower import EVERY_S as FIGURES_S
from siaga_gateway.service.reports.station_of_call import StationOfCall
from siaga_gateway.service.reports.stations_of_tests import StationsOfTests
from siaga_gateway.service.scheduling.periodic_jobs import Job, Leases, PeriodicJobs, each_day
from siaga_gateway.service.store import StoreFailing

log = logging.getLogger(__name__)

_SUSPENSIONS_S: Final = 60.0


def certificate_watch(settings: Settings, store: SqlStore, notifier: JournalNotifier, clock: Clock) -> CertificateWatch:
    """Watch all certificates that the settings name."""
    return CertificateWatch(
        store, notifier, clock, CertificateReader(settings), CertificateNotice(settings.data_dir).write
    )


def housekeeping(
    settings: Settings,
    store: SqlStore,
    notifier: JournalNotifier,
    clock: Clock,
    holder: str,
    certificates: CertificateWatch,
    survey: CoverageSurvey,
    machine: MachineWatch | None,
) -> PeriodicJobs:
    """Make the jobs; separate from those of operations, since retention may take minutes. machine: None: another
    process of this machine watches it."""
    retention = Retention(store, clock, policy_of(settings), ErasureList(settings.data_dir).add)
    station_of = StationOfCall(make_router(settings, store), Origins(store).of)
    records, tests = CallRecords(store, station_of), StationsOfTests(store, station_of)
    engine = store.engine
    jobs = [
        Job("audit head", RETENTION_S, each_day(clock, lambda: say_head(store))),
        Job("certificates", CERTIFICATES_S, certificates.work, shared=True),
        Job("places", PLACES_S, places_watch(settings, store, notifier, clock).work, shared=True),
        Job("responders", PLACES_S, responders_watch(settings, store, notifier, clock).work, shared=True),
        Job("ends of suspensions", _SUSPENSIONS_S, SuspensionEnds(store, clock, notifier).work, shared=True),
        Job("responders' positions", RETENTION_S, position_expiry(settings, store, clock), shared=True),
        Job("last positions", RETENTION_S, retention.forget_last_positions, shared=True),
        Job("check-ins of old", REMOVAL_S, CheckinRemoval(store, clock).work, shared=True),
        Job("frames of old", FRAMES_S, FrameRemoval(store, clock).work, shared=True),
        Job("search for owners", INDEXING_S, SearchIndexing(store, lambda: store.key_fault).work, shared=True),
        Job("survey of the signal", SURVEY_S, survey.write),
        Job("months of the survey", RELEASE_S, survey.release, shared=True),
        Job("figures", FIGURES_S, records.work, shared=True),
        Job("stations of tests", FIGURES_S, tests.work, shared=True),
        Job("retention", RETENTION_S, DailyRetention(store, retention, clock, notifier).work, shared=True),
    ]
    if machine is not None:
        jobs.append(Job("machine", MACHINE_S, machine.work))
    if isinstance(engine, Sqlite):
        # Finds damage before it matters.
        jobs.append(Job("store check", RETENTION_S, each_day(clock, engine.examine)))
    return PeriodicJobs(jobs, Leases(store, holder), "housekeeping")


def say_head(store: SqlStore) -> None:
    """Log the chain's head: a good installation keeps its log elsewhere, out of reach of whoever rewrites the store."""
    try:
        head = store.chain_head()
    except StoreFailing as error:
        log.error(Localized("log.audit.unreadable", why=error))
        return
    log.info(Localized("log.audit.head", number=head.id, hash=head.hash.hex()))


def passwords_watch(path: Path, access: Sequence[BrokerAccess]) -> Callable[[], str | None]:
    """Return a check whether the broker's password file is missing, which also rewrites a missing file and one changed
    since the last check.

    A broker that loads a file without the buttons' lines admits none.
    """
    seen: tuple[int, ...] = ()

    def fault() -> str | None:
        nonlocal seen
        now: tuple[int, ...] = ()
        with contextlib.suppress(OSError):
            found = path.stat()
            now = (found.st_ino, found.st_mtime_ns, found.st_size)
        if not now or now != (seen or now):
            for each in access:
                each.renew()
        seen = now
        return None if now else str(PasswordsUnusable("broker.passwords_gone", path=path))

    return fault
