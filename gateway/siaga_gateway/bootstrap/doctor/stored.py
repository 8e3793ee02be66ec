"""What the store tells: is the gateway alive, is the clock where it was, are backups fresh, can everybody be called?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.sql import SqlStore, open_store, store_is_there, store_path
from siaga_gateway.bootstrap.places_and_people import check_all_places
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.health_check import CheckResult, bad, doubtful, good, unseen
from siaga_gateway.domain.permissions import Role
from siaga_gateway.domain.places import SERIOUS, Finding, FindingKind, in_order
from siaga_gateway.service.dispatch.place_directory import finding_values
from siaga_gateway.service.dispatch.responders_check import check_responders
from siaga_gateway.service.journal.kinds import BACKUP_MADE
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.scheduling.gateway_health import ALIVE

_ALIVE_S: Final = 60  # four times as often as the gateway says so
_HOUR_MS: Final = 3_600_000
# siaga-backup.timer comes every six hours.
LATE_H: Final = 13
TOO_OLD_H: Final = 25
_BACK_MS: Final = 60_000
_APART_MS: Final = 5_000
_SHOWN: Final = 10  # findings of a kind of check; the others are counted
_LADDER: Final = frozenset({FindingKind.NO_WAY, FindingKind.LADDER_NOBODY, FindingKind.RUNG_UNMANNED})


def stored_checks(settings: Settings, backups: Path, clock: Clock) -> Iterator[CheckResult]:
    where = "PostgreSQL" if settings.store.shared else store_path(settings.data_dir)
    try:
        if not store_is_there(settings):
            yield bad("store", where, Localized("doctor.no_store"), Localized("doctor.no_store_mend"))
            return
        store = open_store(settings, clock.now_ms())
    except PermissionError as error:
        yield unseen("store", where, Localized("doctor.closed", why=error), Localized("doctor.closed_mend"))
        return
    except SiagaError as error:
        yield bad("store", where, Localized("doctor.failed", why=error), Localized("doctor.store_mend"))
        return
    with closing(store):
        yield good("store", where, Localized("doctor.store", entries=store.last_journal_id()))
        yield from _clocks(settings, store, clock)
        yield _alive(settings, store, clock)
        yield _accounts(store)
        yield from _backups(settings, store, backups, clock)
        yield from _places(settings, store, clock)


def _clocks(settings: Settings, store: SqlStore, clock: Clock) -> Iterator[CheckResult]:
    now_ms = clock.now_ms()
    last = store.journal_last(1)
    if last and last[0].at_ms > now_ms + _BACK_MS:
        seconds = (last[0].at_ms - now_ms) // 1000
        yield bad("clock", "", Localized("doctor.clock_back", seconds=seconds), Localized("doctor.clock_mend"))
    if settings.store.shared:
        asked_ms = clock.now_ms()
        there_ms = round(1000 * float(store.fetch("SELECT extract(epoch FROM clock_timestamp())")[0][0]))
        apart_ms = there_ms - (asked_ms + clock.now_ms()) // 2
        cause = Localized("doctor.clock_apart", seconds=f"{apart_ms / 1000:+.1f}")
        if abs(apart_ms) > _APART_MS:
            yield bad("clock", "PostgreSQL", cause, Localized("doctor.clock_apart_mend"))
        else:
            yield good("clock", "PostgreSQL", cause)


def _alive(settings: Settings, store: SqlStore, clock: Clock) -> CheckResult:
    said = store.remembered(ALIVE)
    if said is None:
        return bad("gateway", settings.name, Localized("doctor.never_ran"), Localized("doctor.gateway_mend"))
    seconds = max(0, (clock.now_ms() - int(said)) // 1000)
    if seconds > _ALIVE_S:
        since = settings.local.moment(int(said))
        return bad("gateway", settings.name, Localized("doctor.stands", since=since), Localized("doctor.gateway_mend"))
    return good("gateway", settings.name, Localized("doctor.runs", seconds=seconds))


def _accounts(store: SqlStore) -> CheckResult:
    able = [each for each in store.accounts() if each.serves]
    if not able:
        return bad("accounts", "", Localized("doctor.no_account"), Localized("doctor.no_account_mend"))
    if not any(each.role is Role.ADMINISTRATOR for each in able):
        cause = Localized("doctor.no_administrator", count=len(able))
        return doubtful("accounts", "", cause, Localized("doctor.no_administrator_mend"))
    return good("accounts", "", Localized("doctor.accounts", count=len(able)))


def _backups(settings: Settings, store: SqlStore, folder: Path, clock: Clock) -> Iterator[CheckResult]:
    last = store.last_of_kind(BACKUP_MADE)
    if last is None:
        yield bad("backups", folder, Localized("doctor.no_backup"), Localized("doctor.backup_mend"))
        return
    hours = max(0, (clock.now_ms() - last.at_ms) // _HOUR_MS)
    cause = Localized("doctor.backup", hours=hours, at=settings.local.moment(last.at_ms))
    if hours >= TOO_OLD_H:
        yield bad("backups", folder, cause, Localized("doctor.backup_mend"))
    elif hours >= LATE_H:
        yield doubtful("backups", folder, cause, Localized("doctor.backup_mend"))
    else:
        yield good("backups", folder, cause)
    yield from _copy(folder / str(last.facts["file"]), int(last.facts["size"]))


def _copy(file: Path, size: int) -> Iterator[CheckResult]:
    try:
        there = file.stat().st_size
    except FileNotFoundError:
        yield doubtful("backups", file, Localized("doctor.copy_gone"), Localized("doctor.copy_mend"))
    except PermissionError as error:
        yield unseen("backups", file, Localized("doctor.closed", why=error), Localized("doctor.closed_mend"))
    else:
        if there != size:
            cause = Localized("doctor.copy_cut", size=size, there=there)
            yield bad("backups", file, cause, Localized("doctor.backup_mend"))


def _places(settings: Settings, store: SqlStore, clock: Clock) -> Iterator[CheckResult]:
    now_ms = clock.now_ms()
    today = settings.local.at(now_ms).date()
    found = in_order([*check_all_places(settings, store, today, clock), *check_responders(store, now_ms)])
    lone = any(each.kind is FindingKind.NO_STATION for each in found)
    for check, among in (
        ("stations", [each for each in found if each.kind not in _LADDER]),
        ("ladder", [each for each in found if each.kind in _LADDER]),
    ):
        if not among and not lone:
            yield good(check, "", Localized(f"doctor.{check}"))
        for finding in among[:_SHOWN]:
            yield _finding(check, finding)
        if len(among) > _SHOWN:
            cause = Localized("doctor.more", count=len(among) - _SHOWN)
            yield doubtful(check, "", cause, Localized("doctor.places_mend"))


def _finding(check: str, finding: Finding) -> CheckResult:
    cause = Localized(f"commands.place_fault.{finding.kind}", **finding_values(finding))
    serious = finding.kind in SERIOUS and finding.kind is not FindingKind.NO_STATION  # a press rings the console still
    found = bad if serious else doubtful
    return found(check, ", ".join(finding.keys), cause, Localized("doctor.places_mend"))
