"""A rescue that is stopped, killed at any step or fails leaves one store; and the command for it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

import sqlite_damage
from gateway.fake_ports import ManualClock
from gateway.gateway_folder import Office
from gateway.ingest_harness import NOW_MS
from gateway.sql.stores_to_damage import Store, contents, copied, page_of, put_right, rescued, settings_of
from siaga_gateway.adapters.sql import StoreUnusable
from siaga_gateway.adapters.sql.rescue.procedure import draft_of, finish
from siaga_gateway.bootstrap import store_repair
from siaga_gateway.bootstrap.preflight import lock_folder
from siaga_gateway.bootstrap.store_repair import open_mended
from siaga_gateway.service.store import StoreFailing


def test_a_rescue_that_is_stopped_leaves_one_store(made: Store, tmp_path: Path) -> None:
    path = copied(made, tmp_path)
    sqlite_damage.damage(path, page_of(path, "journal", 1))
    rescued(path)
    path.with_name("siaga.db.damaged-x").hardlink_to(path)
    draft_of(path).rename(path.with_name("siaga.db.rescued"))  # stopped before it took its place
    Path(f"{path}-wal").write_bytes(b"another file's log")
    finish(path)
    assert contents(path)["event"] == made.rows["event"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["personal-key", "siaga.db", "siaga.db.damaged-x"]


def test_a_rescue_that_is_killed_at_any_step_is_done_by_the_next_start(made: Store, tmp_path: Path) -> None:
    """Before each change to a name in the folder; nothing of it is left there, and no start is kept from mending."""
    lost = 0
    for step in range(1, 40):
        folder = tmp_path / str(step)
        folder.mkdir()
        path = copied(made, folder)
        sqlite_damage.damage(path, page_of(path, "journal", 1))
        was_killed = _killed_at(step, path)
        lately = store_repair._lately(path)
        store = open_mended(settings_of(path), ManualClock(NOW_MS))
        store.close()
        assert not draft_of(path).exists(), f"killed before change {step}, it leaves a copy that fills the disk"
        whole = _is_whole(path)
        assert whole or not lately, f"killed before change {step}, it is not mended by itself any more"
        if not whole:
            put_right(path)
        lost = len(made.rows["event"] - contents(path)["event"])
        assert lost == 0, step
        if not was_killed:
            assert step > 8 and whole
            return
    raise AssertionError("it does not end")


def _is_whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection, contextlib.suppress(sqlite3.DatabaseError):
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return False


def _killed_at(step: int, path: Path) -> bool:
    """Rescue in a process of its own that dies before its `step`th change to a name; whether it did."""
    child = os.fork()
    if child == 0:
        changes = 0

        def count(event: str, _: object) -> None:
            nonlocal changes
            if event in ("os.link", "os.rename", "os.remove"):
                changes += 1
                if changes == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            put_right(path)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_rescue_that_fails_leaves_no_copy_that_fills_the_disk(made: Store, tmp_path: Path) -> None:
    path = copied(made, tmp_path)
    sqlite_damage.damage(path, page_of(path, "journal", 1))
    backup = tmp_path / "no-backup.db"
    backup.write_bytes(b"nothing of a store" * 1_000)
    with pytest.raises(StoreUnusable, match=backup.name):
        put_right(path, backup)
    assert not draft_of(path).exists()
    # The disk is full, as nearly as a process can have it: no file may grow beyond this.
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size // 2, resource.RLIM_INFINITY))
            put_right(path)
        except (StoreFailing, StoreUnusable):
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not draft_of(path).exists() and path.exists()


def test_the_command_says_what_is_lost_and_refuses_beside_a_gateway(made: Store, tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.data.mkdir()
    copied(made, office.data)
    path = office.data / "siaga.db"
    (tmp_path / "siaga.toml").write_text(f'name = "siaga.test"\ndata_dir = "{office.data}"\n', encoding="utf-8")
    sqlite_damage.damage(path, page_of(path, "event", 2))
    with lock_folder(office.data):
        assert "another gateway works on it" in office.refuses("rescue", "--by", "Dewi", "--language", "en")
    said = office.does("rescue", "--by", "Dewi", "--language", "id")
    assert "baris dari event" in said and "Rantai audit tidak utuh" in said
    assert list(office.data.glob("siaga.db.damaged-*"))
    assert office.run("audit", "verify").exit_code == 0
    path.unlink()
    assert "there is no store to rescue" in office.refuses("rescue", "--by", "Dewi", "--language", "en")
