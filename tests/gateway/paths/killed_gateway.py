"""The gateway, killed at a chosen commit: `python killed_gateway.py WHAT WHEN NUMBER SIAGA-ARGUMENTS...`.

WHAT: `migration` or `removal`. WHEN: `before` or `after` its NUMBER-th commit; `never`. SIGKILL, as by the kernel.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from siaga_gateway.adapters.sql.audit import EvidenceWriting
from siaga_gateway.adapters.sql.postgres import Postgres
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.cli.group import gateway
from siaga_gateway.service.journal import checkin_removal

EVENTS = 20  # that one removal looks at


class Killer:
    def __init__(self, what: str, when: str, number: int) -> None:
        self._wanted = (what, when, number)
        self._counts: dict[str, int] = {}
        self.of_this_thread = threading.local()

    def reached(self, what: str, when: str) -> None:
        if when == "before":
            self._counts[what] = self._counts.get(what, 0) + 1
        if (what, when, self._counts[what]) == self._wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, real: Callable[[Any], AbstractContextManager[Any]], what: str | None) -> Callable[[Any], Any]:
        """what: None: a removal, if the transaction turns out to be one."""

        @contextmanager
        def wrapped(engine: Any) -> Iterator[Any]:
            self.of_this_thread.removes = False
            named = what
            with real(engine) as session:
                yield session
                named = "removal" if named is None and self.of_this_thread.removes else named
                if named is not None:
                    self.reached(named, "before")
            if named is not None:
                self.reached(named, "after")

        return wrapped


def main() -> None:
    killer = Killer(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    begin = EvidenceWriting.begin_removal

    def begun(self: EvidenceWriting) -> tuple[int, int]:
        killer.of_this_thread.removes = True
        return begin(self)

    EvidenceWriting.begin_removal = begun  # type: ignore[method-assign]
    for engine in (Sqlite, Postgres):
        engine.migrating = killer.around(engine.migrating, "migration")  # type: ignore[method-assign]
        engine.transaction = killer.around(engine.transaction, None)  # type: ignore[method-assign]
    checkin_removal._FIRST = checkin_removal._LEAST = EVENTS  # type: ignore[misc]
    checkin_removal._MOST = 4 * EVENTS  # type: ignore[misc]
    gateway(sys.argv[4:], prog_name="siaga gateway")


if __name__ == "__main__":
    main()
