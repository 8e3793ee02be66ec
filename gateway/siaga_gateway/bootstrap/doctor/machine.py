"""The machine: does its clock follow the world's, is there room on its disks, do its services run?"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.health_check import CheckResult, bad, doubtful, good, unseen
from siaga_gateway.domain.machine_health import LEAST_MB, SPARE_MB, MachineState
from siaga_gateway.formats.time_service import TimeSource, read_chrony, read_ntpd, read_timesyncd

_ASK_S: Final = 5.0
_MB: Final = 1 << 20
MOST_OFF_MS: Final = 1_000.0
# The first that answers: where chrony or ntpd is installed, Debian takes systemd-timesyncd away.
_TIME_SERVICES: Final[tuple[tuple[tuple[str, ...], Callable[[str], TimeSource | None]], ...]] = (
    (("chronyc", "-c", "-n", "tracking"), read_chrony),
    (("ntpq", "-n", "-c", "rv"), read_ntpd),
    (("timedatectl", "show-timesync"), read_timesyncd),
)
_UNSYNCHRONISED: Final = 5  # TIME_ERROR of adjtimex(2)
# As gateway/INSTALL.md enables them. The last three may be absent: another broker, another way of backups.
SERVICES: Final = ("siaga-gateway.service", "mosquitto.service", "siaga-broker-reload.path", "siaga-backup.timer")


def clock_checks() -> Iterator[CheckResult]:
    """Yield one result: what a time service says of itself, else what systemd or the kernel knows."""
    source = time_source()
    if source is not None and source.name is None:
        # The kernel goes on calling a clock synchronised for hours after the last answer.
        cause = Localized("doctor.clock_alone", service=source.service)
        yield bad("clock", "", cause, Localized("doctor.clock_alone_mend"))
        return
    if source is not None and source.is_own_clock:
        cause = Localized("doctor.clock_own", service=source.service)
        yield bad("clock", "", cause, Localized("doctor.clock_alone_mend"))
        return
    match synchronised():
        case True if source is None:
            yield good("clock", "", Localized("doctor.clock_synced"))
        case True if source is not None:
            yield _followed(source)
        case False:
            yield bad("clock", "", Localized("doctor.clock_free"), Localized("doctor.clock_mend"))
        case _:
            yield unseen("clock", "", Localized("doctor.clock_unknown"), Localized("doctor.clock_mend"))


def _followed(source: TimeSource) -> CheckResult:
    off_ms = source.offset_ms
    if off_ms is None:
        return good("clock", "", Localized("doctor.clock_follows", service=source.service, server=source.name or "?"))
    facts = {"service": source.service, "server": source.name or "?", "ms": f"{off_ms:+.1f}"}
    if abs(off_ms) > MOST_OFF_MS:
        return doubtful("clock", "", Localized("doctor.clock_off", **facts), Localized("doctor.clock_off_mend"))
    return good("clock", "", Localized("doctor.clock_followed", **facts))


def time_source() -> TimeSource | None:
    """Return whom the time service of this machine follows; None: none of those that are known answers."""
    for command, read in _TIME_SERVICES:
        said = answer(*command)
        if said and (found := read(said)) is not None:
            return found
    return None


def synchronised() -> bool | None:
    """Whether the clock follows others; None: nobody can say. By systemd, else by the kernel (adjtimex)."""
    said = answer("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if said in ("yes", "no"):
        return said == "yes"
    try:
        # Room for struct timex on every architecture; its first field, `modes`, is 0: only a question.
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _UNSYNCHRONISED


def machine_state(folder: Path) -> MachineState:
    """Return how the disk of this folder and the clock stand; takes seconds at worst."""
    try:
        free_mb = shutil.disk_usage(folder).free // _MB
    except OSError:
        free_mb = None  # the store says what is wrong with it
    source = time_source()
    return MachineState(free_mb, synchronised() if source is None else source.name is not None)


def answer(*command: str) -> str | None:
    """Return what a command prints, however it ends; None: it is not there, or does not end."""
    # systemd's own programs tell whoever started them how they ended, if they are told where.
    environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_S, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip()


def disk_checks(folders: Iterable[Path]) -> Iterator[CheckResult]:
    """Yield how much room each folder's disk has; a disk with several of them once."""
    disks: dict[int, Path] = {}
    for folder in folders:
        try:
            disks.setdefault(folder.stat().st_dev, folder)
        except FileNotFoundError:
            yield bad("disk", folder, Localized("doctor.no_folder"), Localized("doctor.no_folder_mend"))
        except PermissionError as error:
            yield unseen("disk", folder, Localized("doctor.closed", why=error), Localized("doctor.closed_mend"))
    for folder in disks.values():
        free_mb = shutil.disk_usage(folder).free // _MB
        room = Localized("doctor.disk_free", free_mb=free_mb)
        if free_mb < LEAST_MB:
            yield bad("disk", folder, room, Localized("doctor.disk_mend"))
        elif free_mb < SPARE_MB:
            yield doubtful("disk", folder, room, Localized("doctor.disk_mend"))
        else:
            yield good("disk", folder, room)


def unit_checks() -> Iterator[CheckResult]:
    """Yield the units of gateway/INSTALL.md that are installed; nothing where systemd does not run the machine."""
    if answer("systemctl", "is-system-running") in (None, "", "offline"):
        return
    for unit in SERVICES:
        enabled = answer("systemctl", "is-enabled", unit)
        if enabled in (None, "", "not-found"):
            if unit == SERVICES[0]:
                yield bad("service", unit, Localized("doctor.unit_missing"), Localized("doctor.unit_missing_mend"))
            continue
        state = answer("systemctl", "is-active", unit)
        if state != "active":
            cause = Localized("doctor.unit_down", state=state or "?")
            yield bad("service", unit, cause, Localized("doctor.unit_mend", unit=unit))
        elif enabled == "disabled":
            yield doubtful("service", unit, Localized("doctor.unit_off"), Localized("doctor.unit_mend", unit=unit))
        else:
            yield good("service", unit, Localized("doctor.unit_runs"))
