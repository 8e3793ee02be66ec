"""One address behind which another server may stand than a moment ago: a virtual address that moves, a proxy, a name.

Whoever promoted a standby there, and however: a new connection shows the server's timeline. So each is looked at before
it is used, and where the timeline is a later one the store is readied first, over this very connection: the next may
lead elsewhere. One is made now and then for that alone, for as long as those in use stay well nobody needs another. Of
several addresses servers.py sees to that.
"""

from __future__ import annotations

import threading

from siaga_gateway.adapters.sql.postgres.connection import ANSWER_S, Link
from siaga_gateway.adapters.sql.postgres.errors import failing
from siaga_gateway.adapters.sql.postgres.promotion import READY_S, ready
from siaga_gateway.adapters.sql.postgres.servers import STANDING, Standing, TimelineMemory, standing_of
from siaga_gateway.service.store import StoreFailing


class Arrivals:
    """Thread-safe."""

    def __init__(self, shown: str, memory: TimelineMemory) -> None:
        self._shown = shown
        self._memory = memory
        self._lock = threading.Lock()
        self._known = (0, 0)  # database cluster and timeline of those that were looked at

    def look(self, link: Link) -> bool:
        """Look at a new connection, and ready its store if need be. Returns whether earlier ones lead to a server that
        is not used any more. Raises: StoreFailing."""
        server = self._standing(link)
        if server.standby:
            # It takes no writes now, and would without a further look once it is promoted, be it in a moment.
            link.lasting = False
            with failing():
                link.ask("SET default_transaction_read_only = on")
            return False
        with self._lock:
            if self._memory.left_behind(server):
                raise StoreFailing("store.left_behind", servers=self._shown)
            now, before = (server.system, server.timeline), self._known
            if now == before:
                return False
            self._ready(server, link)
            self._memory.newest([server])
            self._known = now
        return before != (0, 0)

    def left_behind(self) -> bool:
        """Whether the server that was used last was left behind since, as whichever process of this machine has seen.
        Said once."""
        with self._lock:
            system, timeline = self._known
            if not self._memory.left_behind(Standing(self._shown, "", system=system, timeline=timeline)):
                return False
            self._known = (0, 0)
        return True

    def made(self, link: Link) -> None:
        """The store's tables are there now, and perhaps were not when it was looked at. Raises: StoreFailing."""
        server = self._standing(link)
        if server.primary:
            self._ready(server, link)

    def _ready(self, server: Standing, link: Link) -> None:
        with link.within(READY_S + ANSWER_S):
            ready(server, connection=link.connection)

    def _standing(self, link: Link) -> Standing:
        with failing():
            row = link.ask(STANDING).fetchone()
        return standing_of(self._shown, link.conninfo, row)
