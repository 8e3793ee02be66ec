"""A store at rest that tests damage, and how they have it rescued."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlite_damage
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql.rescue.procedure import Rescued, rescue
from siaga_gateway.bootstrap.store_rescue import Report, rescue_store
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.frame import CommandCode, Kind
from siaga_gateway.service.downlink.device_commands import CommandIssuer
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal.notifier import JournalNotifier

TABLES = ("event", "incident", "journal", "notice", "outbox", "device", "owner", "batch", "device_status", "press")


@dataclass
class Store:
    """A store at rest, with what was in it, and the desk that made it."""

    path: Path
    buttons: list[PressingButton]
    gateway_key: object
    rows: dict[str, set[object]]
    last: bytes  # the last frame that was acknowledged


def contents(path: Path) -> dict[str, set[object]]:
    with closing(sqlite3.connect(path)) as connection:
        return {table: {row[0] for row in connection.execute(f"SELECT {_key(table)} FROM {table}")} for table in TABLES}


def _key(table: str) -> str:
    if table in ("device", "device_status"):
        return "device_id"
    return "hex(device_id) || counter" if table == "press" else "rowid"


def make_store(folder: Path) -> Store:
    desk = IngestHarness(folder)
    buttons = [desk.button() for _ in range(20)]
    desk.take(*(button.enrol() for button in buttons))
    operator = IncidentActions(
        desk.store, desk.keyring, SentAnswers(), JournalNotifier(), ManualClock(), outputs=("cad",)
    )
    for turn in range(6):
        desk.take(*(button.press(NOW_S + turn) for button in buttons))
        for button in buttons:
            desk.take(button.follow(Kind.CHECKIN, NOW_S))
        for incident in desk.store.open_incidents():
            if turn < 5:
                operator.close(incident.id, "Rina", "verified", "selesai")
    CommandIssuer(desk.store, WallClock()).ask(buttons[0].device_id, CommandCode.TEST, None, actor="Dewi")
    last = buttons[0].follow(Kind.CHECKIN, NOW_S)
    desk.take(last)
    desk.close()
    path = folder / "siaga.db"
    sqlite_damage.checkpoint(path)
    return Store(path, buttons, desk.gateway_key, contents(path), last)


def copied(made: Store, folder: Path) -> Path:
    path = folder / "siaga.db"
    shutil.copyfile(made.path, path)
    shutil.copy2(made.path.with_name("personal-key"), folder / "personal-key")
    return path


def rescued(path: Path) -> Rescued:
    return rescue(path, gateway="siaga.test", now_ms=NOW_MS, backup=None)


def settings_of(path: Path) -> Settings:
    return Settings(name="siaga.test", data_dir=path.parent)


def put_right(path: Path, backup: Path | None = None) -> Report:
    return rescue_store(settings_of(path), WallClock(), actor="Dewi", backup=backup)


def page_of(path: Path, table: str, number: int = 0) -> int:
    """A leaf page of the table's tree: the `number`th."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (table,)
        )
        return [row[0] for row in rows][number]
