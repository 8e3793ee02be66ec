"""For the administrator of two machines: how the second one stands, and how it takes over."""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import click

from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.erasure_list import FILE_NAME as ERASURES
from siaga_gateway.adapters.files.erasure_list import ErasureList
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, open_store, store_path
from siaga_gateway.adapters.sql.backups import check_sqlite, copy_sqlite, settle
from siaga_gateway.adapters.sql.factory import conninfo_of
from siaga_gateway.catalogue.localized import original
from siaga_gateway.cli.common import by_option, config_option, opened, told_plainly
from siaga_gateway.cli.localized_commands import LocalizedGroup, complain, tell
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.config.settings import Settings
from siaga_gateway.service.installation.standby_watch import SHIPPED, StandbyAbsence, absence
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import StoreFailing

COPY: Final = "siaga-standby.db"
_SEND_S: Final = 600.0  # for one copy, by whatever command
_WHOLE_S: Final = 3_600.0  # between two copies that are checked as a whole
_SHORTEST_S: Final = 5
_LONGEST_S: Final = 86_400


@click.group(cls=LocalizedGroup)
def standby() -> None:
    pass


# PostgreSQL


@standby.command(name="status")
@config_option
@click.option("--json", "as_json", is_flag=True)
@told_plainly
def status(config: Path, as_json: bool) -> None:
    settings = load(config)
    found: dict[str, Any] = _servers(settings, as_json) if settings.store.shared else {}
    if settings.store.shared and not any(each["role"] == "primary" for each in found["servers"]):
        lacks = None
        if not as_json:
            complain("standby.no_primary")
    else:
        with opened(config) as (_, store):
            lacks = absence(store)
            if not settings.store.shared:
                found |= _shipped(settings, store, as_json)
            if not as_json:
                _tell_absence(settings, store, lacks)
    if as_json:
        told = None if lacks is None else {"why": lacks.fault, "since_ms": lacks.since_ms, "entry": lacks.entry}
        click.echo(json.dumps({**found, "absent": told}))


def _shipped(settings: Settings, store: SqlStore, as_json: bool) -> dict[str, Any]:
    shipped = store.remembered(SHIPPED)
    age_s = None if shipped is None else max(0, WallClock().now_ms() - int(shipped)) / 1000
    allowed_s = settings.store.standby_copy_s
    if not as_json and shipped is not None:
        facts = {"at": settings.local.moment(int(shipped)), "seconds": round(age_s or 0)}
        if allowed_s is None:
            tell("standby.copied_once", **facts)
        else:
            tell("standby.copied", **facts, allowed=allowed_s)
    elif not as_json and allowed_s is not None:
        tell("standby.uncopied")
    return {"copy_age_s": age_s, "allowed_s": allowed_s}


def _servers(settings: Settings, as_json: bool) -> dict[str, Any]:
    from siaga_gateway.adapters.sql.postgres.servers import Standing

    found = _standings(settings)
    latest = max((each.timeline for each in found if each.primary), default=0)

    def role(each: Standing) -> str:
        if each.why:
            return "silent"
        if each.standby:
            return "standby"
        return "primary" if each.timeline == latest else "left_behind"

    for each in [] if as_json else found:
        ago_s = "–" if each.behind_s is None else round(each.behind_s, 1)
        facts = {"timeline": each.timeline, "bytes": each.behind_bytes, "seconds": ago_s, "why": each.why}
        tell(f"standby.{role(each)}", server=each.shown, **facts)
    return {
        "servers": [
            {
                "server": each.shown,
                "role": role(each),
                "timeline": each.timeline or None,
                "behind_bytes": each.behind_bytes if each.standby else None,
                "behind_s": each.behind_s,
                "why": each.why or None,
            }
            for each in found
        ]
    }


def _standings(settings: Settings) -> Any:
    from siaga_gateway.adapters.sql.postgres.connection import read_conninfo
    from siaga_gateway.adapters.sql.postgres.servers import standings

    return standings(read_conninfo(conninfo_of(settings.store))[0])


def _tell_absence(settings: Settings, store: SqlStore, lacks: StandbyAbsence | None) -> None:
    if lacks is not None:
        at = settings.local.moment(lacks.since_ms)
        entries = max(0, store.last_journal_id() - lacks.entry)
        tell("standby.lacks", at=at, entries=entries, why=_why(lacks))
    elif settings.store.standby or settings.store.standby_copy_s is not None:
        tell("standby.has_all")
    else:
        tell("standby.not_expected")


def _why(lacks: StandbyAbsence) -> object:
    from siaga_gateway.catalogue.localized import Localized

    return Localized(f"log.standby.{lacks.fault}")


@standby.command(name="promote")
@config_option
@click.option("--fenced", is_flag=True)
@click.option("--server", default="")
@by_option
@told_plainly
def promote(config: Path, fenced: bool, server: str, actor: str) -> None:
    settings = load(config)
    if not settings.store.shared:
        raise SettingsError("standby.of_file", copy=COPY)
    from siaga_gateway.adapters.sql.postgres.promotion import promote as promote_server
    from siaga_gateway.adapters.sql.postgres.promotion import ready
    from siaga_gateway.adapters.sql.postgres.servers import standing

    found = _standings(settings)
    if alive := [each.shown for each in found if each.primary]:
        raise StoreUnusable("standby.primary_lives", servers=", ".join(alive))
    standbys = [each for each in found if each.standby and server in ("", each.shown)]
    if not standbys:
        raise StoreUnusable("standby.none", servers=", ".join(each.shown for each in found))
    if len(standbys) > 1:
        raise StoreUnusable("standby.which", servers=", ".join(each.shown for each in standbys))
    one = standbys[0]
    for each in found:
        if each.why:
            tell("standby.silent", server=each.shown, why=each.why)
    ago_s = "–" if one.behind_s is None else round(one.behind_s, 1)
    tell("standby.standby", server=one.shown, bytes=one.behind_bytes, seconds=ago_s)
    tell("standby.may_lack")
    if not fenced:
        raise StoreUnusable("standby.not_fenced", servers=", ".join(each.shown for each in found if each.why) or "–")
    promote_server(one)
    ready(standing(one.shown, one.conninfo), promoted=True)  # gateways that are quicker do it too
    now_ms = WallClock().now_ms()
    store = open_store(settings, now_ms)
    try:
        with store.transaction() as transaction:
            facts = {"server": one.shown, "behind_s": one.behind_s}
            transaction.note(journal.STANDBY_PROMOTED, now_ms, facts, actor=actor)
    finally:
        store.close()
    tell("standby.promoted", server=one.shown)


# SQLite


@standby.command(name="ship")
@config_option
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--every", type=click.IntRange(_SHORTEST_S, _LONGEST_S))
@click.option("--then", "sends", default="")
@told_plainly
def ship(config: Path, folder: Path, every: int | None, sends: str) -> None:
    settings = load(config)
    if settings.store.shared:
        raise SettingsError("standby.of_database")
    try:
        command = shlex.split(sends)
    except ValueError as error:
        raise SettingsError("standby.then", then=sends, why=original(error)) from None
    if not folder.is_dir():
        raise SettingsError("standby.no_folder", folder=folder)
    whole_at = float("-inf")
    while True:
        began = time.monotonic()
        whole = began - whole_at > _WHOLE_S
        try:
            took_s = _ship(settings, folder, command, whole=whole)
        except StoreFailing as error:
            if every is None:
                raise
            complain("standby.not_shipped", why=error)  # and the gateway says that the copy grows old
        else:
            whole_at = began if whole else whole_at
            tell("standby.shipped", copy=folder / COPY, seconds=round(took_s, 1))
        if every is None:
            return
        time.sleep(max(0.0, began + every - time.monotonic()))


def _ship(settings: Settings, folder: Path, command: list[str], *, whole: bool) -> float:
    """Copy, and have the copy sent. whole: check it as a whole. Returns how old it is now, in seconds. Raises:
    StoreFailing."""
    source, copy = store_path(settings.data_dir), folder / COPY
    draft = copy.with_name(f".{COPY}.draft")
    if not source.exists():
        raise StoreUnusable("store.none", data_dir=settings.data_dir)
    clock = WallClock()
    made_ms = clock.now_ms()
    began = time.monotonic()
    try:
        draft.unlink(missing_ok=True)
        copy_sqlite(source, draft)
        if whole:
            check_sqlite(draft)
        settle(draft)
        erased = settings.data_dir / ERASURES
        if erased.exists():
            list(ErasureList(settings.data_dir))  # readable
            _replace(folder / ERASURES, erased.read_bytes())
        draft.replace(copy)
        settle(copy)
    except OSError as error:
        raise StoreFailing("backup.at", name=copy, why=error) from None
    finally:
        draft.unlink(missing_ok=True)
    _send(command)
    store = open_store(settings, clock.now_ms())
    try:
        with store.transaction() as transaction:
            transaction.remember(SHIPPED, str(made_ms))
    finally:
        store.close()
    return time.monotonic() - began


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    draft.chmod(0o600)
    settle(draft)
    draft.replace(path)


def _send(command: list[str]) -> None:
    if not command:
        return
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SEND_S, check=False, text=True
        )
    except OSError as error:
        raise StoreFailing("standby.unsent", command=command[0], why=error) from None
    except subprocess.TimeoutExpired:
        raise StoreFailing("standby.unsent_late", command=command[0], seconds=round(_SEND_S)) from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise StoreFailing("standby.unsent", command=command[0], why=original(said[-1]))
