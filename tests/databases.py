"""Real databases for tests: a PostgreSQL server of our own on loopback, and a store on either engine by one name."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

import psycopg
import pytest

import processes
from brokers import free_port
from recycled_databases import RecycledDatabases
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.adapters.sql.encryption import HeldKeys
from siaga_gateway.adapters.sql.engine import Engine
from siaga_gateway.adapters.sql.migrate import known_migrations, migrate
from siaga_gateway.adapters.sql.postgres import Postgres
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.domain.personal_encryption import PersonalKey, PersonalKeys
from waiting import RUNS_S, eventually

ENGINES: Final = ("sqlite", "postgresql")
_USER: Final = "siaga"


def postgres_programs() -> Path:
    """Folder of `initdb` and `postgres`. Skips the test where they are missing, and says what to install."""
    found = [shutil.which("initdb"), *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)]
    for initdb in found:
        if initdb is not None and (folder := Path(initdb).resolve().parent / "postgres").exists():
            return folder.parent
    pytest.skip("PostgreSQL is missing. On Debian or Ubuntu: sudo apt-get install postgresql")


class PostgresServer:
    """One server that can be held, killed and started again on the same port with the same data."""

    def __init__(
        self,
        *,
        durable: bool = True,
        parent: Path | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
        standby_of: PostgresServer | None = None,
    ) -> None:
        """Make a cluster. durable: commits wait for the disk, as in life; without, tests are quicker. parent: where its
        folder is made, which every user must be able to enter. settings: beside the usual ones. standby_of: copied from
        that server, and its streaming standby."""
        self._programs = postgres_programs()
        # PostgreSQL refuses to run as root, and pytest's folders are for their owner only.
        self._owner = pwd.getpwnam("postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
        self.folder = Path(tempfile.mkdtemp(prefix="siaga-postgres-", dir=parent))
        os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        self.cluster = self.folder / "cluster"
        self._log = self.folder / "log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._durable = durable
        self._migrated = ""  # the name of the database that stores are copied from
        self._recycled = RecycledDatabases()
        self._settings = settings
        if standby_of is not None:
            copied = self.run(
                "pg_basebackup", "-D", str(self.cluster), "-R", "-c", "fast", "-d", standby_of.replication()
            )
            if copied.wait(RUNS_S):
                raise RuntimeError(f"pg_basebackup failed:\n{self._log.read_text()}")
            return
        made = self.run("initdb", "-D", str(self.cluster), "-U", _USER, "-A", "trust", "-E", "UTF8", "-N")
        if made.wait(RUNS_S):
            raise RuntimeError(f"initdb failed:\n{self._log.read_text()}")

    def run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one of its programs as its user; what it says goes into the log."""
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [str(self._programs / program), *arguments],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
                **self.user,
            )

    @property
    def user(self) -> dict[str, Any]:
        """Whose process it is, as subprocess.Popen wants it."""
        who = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        return who if os.geteuid() == 0 else {}

    @property
    def command(self) -> list[str]:
        """For who starts it himself, as `user`."""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
            "shared_buffers": "32MB",
            "max_connections": "60",
            "restart_after_crash": "on",
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._programs / "postgres"), "-D", str(self.cluster), *options]

    def start(self) -> PostgresServer:
        self.process = self.run("postgres", *self.command[1:])
        process = self.process
        eventually(lambda: self._answers() or process.poll() is not None, "PostgreSQL answers", timeout_s=RUNS_S)
        if not self._answers():
            self.kill()
            raise RuntimeError(f"PostgreSQL did not start\n{self._log.read_text()}")
        return self

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.conninfo("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def conninfo(self, database: str) -> str:
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def replication(self, database: str = "replication") -> str:
        """By which a standby follows it, as a user `replicator` that its maker has made."""
        return f"host=127.0.0.1 port={self.port} user=replicator dbname={database}"

    def new_store(self) -> str:
        """A new database that has had all migrations, a copy of one; gives its conninfo. Quicker than to migrate it."""
        if not self._migrated:
            empty = self.new_database()
            engine = Postgres(empty)
            engine.open()
            migrate(engine, known_migrations(engine), 0)
            engine.close()
            self._migrated = empty.rpartition("/")[2]
        return self.new_database("TEMPLATE", self._migrated)

    def lent_store(self) -> str:
        """As `new_store`, or one that was given back and is as good as new."""
        return self._recycled.lend("store", self.new_store)

    def lent_database(self) -> str:
        """As `new_database`, or one that was given back and is as good as new."""
        return self._recycled.lend("empty", self.new_database)

    def give_back(self, conninfo: str) -> None:
        """Of one that was lent, and that nobody uses any more."""
        self._recycled.give_back(conninfo)

    def new_database(self, *options: str) -> str:
        """A new, empty database; gives its conninfo."""
        name = f"siaga_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} {' '.join(options)}")
        return self.conninfo(name)

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.conninfo(database), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def pids(self) -> list[int]:
        """The server's processes, the parent first."""
        assert self.process is not None
        return [self.process.pid, *processes.children(self.process.pid)]

    def said(self) -> str:
        """Its log."""
        return self._log.read_text()

    def hold(self) -> None:
        """Stop every one of its processes where it is: it answers nothing, and the kernel keeps its links."""
        for pid in self.pids():
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        for pid in reversed(self.pids()):
            os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        """Immediate end, as by a power cut: no checkpoint, links broken."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(RUNS_S)
            self.process = None

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


_shared: list[PostgresServer] = []


def shared_server() -> PostgresServer:
    """One server for all tests of this process that do not harm it; see conftest.py for its end."""
    if not _shared:
        server = PostgresServer(durable=False)
        _shared.append(server)
        atexit.register(end_shared_server)  # also where no conftest does it
        server.start()
    return _shared[0]


def end_shared_server() -> None:
    while _shared:
        _shared.pop().remove()


@cache
def migrated_file() -> Path:
    """SQLite's file of a store that has had all migrations, to be copied: each of them waits for the disk."""
    folder = Path(tempfile.mkdtemp(prefix="siaga-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    engine = Sqlite(store_path(folder))
    engine.open()
    migrate(engine, known_migrations(engine), 0)
    engine.close()
    return store_path(folder)


class Place:
    """Where a store is, on one of the engines; opened as often as one likes, as several processes do.

    At the end of a `with` its database is given back, for another test to use.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self._folder = folder
        self._migrated = True
        self.conninfo = shared_server().lent_store() if kind == "postgresql" else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.conninfo:
            shared_server().give_back(self.conninfo)

    def engine(self) -> Engine:
        return Postgres(self.conninfo) if self.conninfo else Sqlite(store_path(self._folder))

    def open(self, now_ms: int) -> SqlStore:
        file = store_path(self._folder)
        if not self.conninfo and self._migrated and not file.exists():
            shutil.copy(migrated_file(), file)
        return SqlStore(self.engine(), now_ms, KeyFile(self._folder / FILE_NAME))

    def emptied(self) -> Place:
        """As the place is before there is a store; it must not be in use."""
        if self.conninfo:
            shared_server().give_back(self.conninfo)
            self.conninfo = shared_server().lent_database()
        self._migrated = False
        return self

    def open_at(self, version: int, now_ms: int) -> Engine:
        """As the program left it that knew only so many migrations."""
        engine = self.emptied().engine()
        engine.open()
        migrate(engine, known_migrations(engine)[:version], now_ms)
        engine.opened()
        return engine

    def settings(self) -> str:
        """The section of the gateway's settings; for SQLite there is none."""
        return f'[store]\nurl = "{self.conninfo}"\n' if self.conninfo else ""


def held_keys() -> HeldKeys:
    """A key for personal data that no file has, for a store that is opened once."""
    return HeldKeys(PersonalKeys([PersonalKey.generate()]))


def rows(store: SqlStore, table: str) -> int:
    count: int = store.fetch(f"SELECT count(*) FROM {table}")[0][0]
    return count


@contextlib.contextmanager
def own_server() -> Iterator[PostgresServer]:
    """A server that a test may hold and kill; its commits wait for the disk."""
    server = PostgresServer()
    try:
        yield server.start()
    finally:
        server.remove()
