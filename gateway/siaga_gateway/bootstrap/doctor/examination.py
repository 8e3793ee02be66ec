"""Runs the checks side by side, each with a deadline: one that hangs keeps no other from its answer."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from siaga_gateway.bootstrap.doctor.broker import broker_checks
from siaga_gateway.bootstrap.doctor.certificates import certificate_checks
from siaga_gateway.bootstrap.doctor.machine import clock_checks, disk_checks, unit_checks
from siaga_gateway.bootstrap.doctor.map_streets import street_checks
from siaga_gateway.bootstrap.doctor.permissions import permission_checks
from siaga_gateway.bootstrap.doctor.receivers import receiver_checks
from siaga_gateway.bootstrap.doctor.stored import stored_checks
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.health_check import CheckResult, bad, doubtful, good, unseen
from siaga_gateway.service.ports import Clock

log = logging.getLogger(__name__)

DEADLINE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Check:
    """A group of checks. `work` may block; what it has yielded by the deadline counts."""

    name: str
    work: Callable[[], Iterable[CheckResult]]


def examine(config: Path, backups: Path, clock: Clock, deadline_s: float = DEADLINE_S) -> list[CheckResult]:
    """Check the installation of these settings. Never raises for what is wrong with it.

    backups: folder that siaga-backup fills.
    """
    try:
        settings = load(config)
    except SettingsError as error:
        # What needs no settings is checked all the same.
        seen = _unreadable(config, error)
        return [seen, *run([Check("clock", lambda: clock_checks()), Check("service", unit_checks)], deadline_s)]
    return [*_settings(config, settings), *run(_checks(config, settings, backups, clock), deadline_s)]


def _checks(config: Path, settings: Settings, backups: Path, clock: Clock) -> list[Check]:
    return [
        Check("clock", lambda: clock_checks()),
        Check("disk", lambda: disk_checks([settings.data_dir, backups])),
        Check("service", unit_checks),
        Check("permissions", lambda: permission_checks(config, settings)),
        Check("broker", lambda: broker_checks(settings)),
        Check("certificates", lambda: certificate_checks(settings, clock.now_ms())),
        Check("outputs", lambda: receiver_checks(settings)),
        Check("streets", lambda: street_checks(settings.site.map)),
        Check("store", lambda: stored_checks(settings, backups, clock)),
    ]


def run(checks: Sequence[Check], deadline_s: float) -> list[CheckResult]:
    """Return the results in the order of the checks."""
    found: list[queue.SimpleQueue[CheckResult | None]] = []
    for each in checks:
        results: queue.SimpleQueue[CheckResult | None] = queue.SimpleQueue()
        found.append(results)
        threading.Thread(target=_work, args=(each, results), name=f"doctor {each.name}", daemon=True).start()
    until = time.monotonic() + deadline_s
    return [one for each, results in zip(checks, found, strict=True) for one in _taken(each, results, until)]


def _work(check: Check, results: queue.SimpleQueue[CheckResult | None]) -> None:
    try:
        for each in check.work():
            results.put(each)
    except PermissionError as error:
        results.put(closed(check.name, error.filename or "", error))
    except (SiagaError, OSError) as error:
        results.put(bad(check.name, "", Localized("doctor.failed", why=error), Localized("doctor.failed_mend")))
    except Exception as error:  # a bug in one check must not hide the others
        log.error(Localized("log.doctor.bug", name=check.name), exc_info=error)
        results.put(bad(check.name, "", Localized("doctor.failed", why=error), Localized("doctor.failed_mend")))
    finally:
        results.put(None)


def _taken(check: Check, results: queue.SimpleQueue[CheckResult | None], until: float) -> Iterator[CheckResult]:
    while True:
        try:
            each = results.get(timeout=max(0.01, until - time.monotonic()))
        except queue.Empty:
            yield unseen(check.name, "", Localized("doctor.late"), Localized("doctor.late_mend"))
            return
        if each is None:
            return
        yield each


def closed(check: str, subject: object, error: OSError) -> CheckResult:
    """Return that this user may not look."""
    return unseen(check, subject, Localized("doctor.closed", why=error), Localized("doctor.closed_mend"))


def _unreadable(config: Path, error: SettingsError) -> CheckResult:
    if error.key == "install.not_yours":
        return unseen("settings", config, Localized("doctor.closed", why=error), Localized("doctor.closed_mend"))
    return bad("settings", config, Localized("doctor.failed", why=error), Localized("doctor.settings_mend"))


def _settings(config: Path, settings: Settings) -> Iterator[CheckResult]:
    yield good("settings", config, Localized("doctor.settings"))
    if missing := settings.site.unset():
        cause = Localized("doctor.site_unset", names=", ".join(missing))
        yield doubtful("settings", "site", cause, Localized("doctor.site_unset_mend"))
    if settings.area.area() is None:
        yield doubtful("settings", "area", Localized("doctor.area_unset"), Localized("doctor.area_unset_mend"))
