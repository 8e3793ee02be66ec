"""Several servers in one address: which of them is the primary now, and which was left behind.

An old primary that comes back after its standby was promoted takes writes, and nothing in PostgreSQL stops it. The
promotion began a later timeline; so we use the primary on the latest one that we have ever seen, and no other.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from siaga_gateway.adapters.sql.postgres.errors import meaning
from siaga_gateway.catalogue.localized import Localized

log = logging.getLogger(__name__)

_CONNECT_S: Final = 3
STANDING: Final = """
SELECT (SELECT system_identifier FROM pg_control_system()), pg_is_in_recovery(), CASE WHEN NOT pg_is_in_recovery()
    THEN ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int END,
    CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::bigint END,
    CASE WHEN pg_is_in_recovery() THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8
    END
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one server is now. A server that does not answer has only its place and `why`."""

    shown: str  # host:port
    conninfo: str = field(repr=False)  # for this server alone
    why: str = ""  # it does not answer; empty: it does
    system: int = 0  # identifier of the database cluster, the same at primary and standby
    standby: bool = False
    timeline: int = 0  # of a primary; 0: of a standby, or not known
    behind_bytes: int = 0  # a standby: received, and not yet applied
    behind_s: float | None = None  # a standby: since the last transaction that it applied; None: none yet

    @property
    def primary(self) -> bool:
        return not self.why and not self.standby


def each_server(conninfo: str) -> list[tuple[str, str]]:
    """Return the servers of an address as libpq reads it: as people name them, and the address of each alone."""
    parts = conninfo_to_dict(conninfo)
    hosts = str(parts.pop("host", None) or "").split(",")
    ports = str(parts.pop("port", None) or "5432").split(",")
    numbers = str(parts.pop("hostaddr", None) or "").split(",")
    parts.pop("target_session_attrs", None)
    found = []
    for index in range(max(len(hosts), len(numbers))):
        host = hosts[index] if index < len(hosts) else ""
        number = numbers[index] if index < len(numbers) else ""
        port = ports[index] if index < len(ports) else ports[0]
        own = {**parts, "port": port, **({"host": host} if host else {}), **({"hostaddr": number} if number else {})}
        found.append((f"{host or number or 'localhost'}:{port}", make_conninfo("", **own)))
    return found


def standing(shown: str, conninfo: str) -> Standing:
    """Ask one server, within a few seconds."""
    try:
        with psycopg.connect(conninfo, connect_timeout=_CONNECT_S, autocommit=True) as connection:
            connection.execute(f"SET statement_timeout = '{_CONNECT_S}s'")
            row = connection.execute(STANDING).fetchone()
    except psycopg.Error as error:
        return Standing(shown, conninfo, why=str(meaning(error)))
    return standing_of(shown, conninfo, row)


def standing_of(shown: str, conninfo: str, row: tuple[Any, ...] | None) -> Standing:
    """Return what a server has answered to STANDING."""
    assert row is not None
    system, standby, timeline, behind_bytes, behind_s = row
    return Standing(shown, conninfo, "", system, standby, timeline or 0, behind_bytes or 0, behind_s)


def standings(conninfo: str) -> list[Standing]:
    """Ask all servers of the address at once, in their order."""
    servers = each_server(conninfo)
    found: list[Standing | None] = [None] * len(servers)

    def ask(index: int) -> None:
        found[index] = standing(*servers[index])

    threads = [threading.Thread(target=ask, args=(index,), daemon=True) for index in range(len(servers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * _CONNECT_S)
    return [
        Standing(*servers[index], why=f"no answer within {3 * _CONNECT_S} s") if each is None else each
        for index, each in enumerate(found)
    ]


class TimelineMemory:
    """The latest timeline that this machine has seen, kept over a restart. path: None: only in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._system = self._timeline = 0
        self._read()

    def _read(self) -> None:
        """Take what another process of this machine may have seen meanwhile."""
        if self._path is not None:
            with suppress(OSError, ValueError):
                system, timeline = map(int, self._path.read_text(encoding="ascii").split())
                if self._timeline == 0 or (system == self._system and timeline > self._timeline):
                    self._system, self._timeline = system, timeline

    def left_behind(self, server: Standing) -> bool:
        """Whether a later timeline of its database was seen. A database that was made anew is another one."""
        self._read()
        return server.primary and server.system == self._system and server.timeline < self._timeline

    def newest(self, servers: Sequence[Standing]) -> Standing | None:
        """Return the primary to use, and remember its timeline; None: there is none that was not left behind."""
        primaries = [server for server in servers if server.primary and not self.left_behind(server)]
        if not primaries:
            return None
        known = [server for server in primaries if server.system == self._system]  # not of some other database
        primaries = known or primaries
        newest = max(primaries, key=lambda server: server.timeline)  # of equals the first
        if (newest.system, newest.timeline) != (self._system, self._timeline):
            self._system, self._timeline = newest.system, newest.timeline
            self._keep()
        return newest

    def _keep(self) -> None:
        if self._path is None:
            return
        draft = self._path.with_name(f"{self._path.name}.{threading.get_native_id()}.draft")
        try:
            draft.write_text(f"{self._system} {self._timeline}\n", encoding="ascii")
            draft.replace(self._path)
        except OSError as error:
            log.warning(Localized("log.standby.timeline_unkept", path=self._path, why=error))


class ServerChoice:
    """Which server is used. `look` may be called from one thread; `refusal` from any."""

    def __init__(self, conninfo: str, memory: TimelineMemory, use: Callable[[Standing], None]) -> None:
        """use: takes the server to use from now on; called when that changes, again after StoreFailing."""
        self._conninfo = conninfo
        self._memory = memory
        self._use = use
        self._used = "", 0  # address and timeline
        self._left: tuple[str, ...] = ()
        self.well = False  # as of the last look: every server answers, and one of them is the primary
        self.several = len(each_server(conninfo)) > 1
        self.silent = ""  # as of the last look: why there is no primary, if so

    @property
    def left_behind(self) -> tuple[str, ...]:
        """Primaries that must not be written to, as of the last look."""
        return self._left

    def look(self) -> bool:
        """Ask all servers. Return whether there is a primary that may be used. Raises: StoreFailing."""
        found = standings(self._conninfo)
        newest = self._memory.newest(found)
        self.well = newest is not None and sum(each.primary for each in found) == 1 and not any(x.why for x in found)
        left = tuple(each.shown for each in found if each.primary and each is not newest)
        if left != self._left:
            self._left = left
            for shown in left:
                log.error(Localized("log.standby.left_behind", server=shown))
        self.silent = "; ".join(f"{each.shown}: {each.why or 'standby'}" for each in found)
        if newest is not None and (newest.conninfo, newest.timeline) != self._used:
            self._use(newest)
            if self._used[0] not in ("", newest.conninfo):
                log.warning(Localized("log.standby.server", server=newest.shown))
            self._used = newest.conninfo, newest.timeline
        return newest is not None
