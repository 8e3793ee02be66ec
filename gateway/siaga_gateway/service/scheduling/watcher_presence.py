"""Whether the watchers elsewhere still ask: one that has died calls nobody, and would be missed too late."""

from __future__ import annotations

import hmac
import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from siaga_gateway.catalogue.localized import Localized

ANY: Final = "–"  # in place of a name, where any watcher will do

log = logging.getLogger(__name__)


class WatcherPresence:
    """Who has asked lately, by a clock that does not jump. Thread-safe, never blocks."""

    def __init__(
        self,
        token: str | None,
        names: Collection[str],
        silent_after_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """token: what watchers show; None: nobody is expected. names: of those that must be heard; none: any one."""
        self._token = None if token is None else token.encode()
        self._silent_after_s = silent_after_s
        self._now = now
        self._lock = threading.Lock()
        self._heard = dict.fromkeys(names or (ANY,), now())
        self._told = False

    def asked(self, name: str | None, authorization: str | None) -> str | None:
        """Take one question.

        name: which watcher asks. authorization: the header. Returns `heard`, or `stranger` for a wrong token or a name
        that is not expected; None where no watcher asks or none is expected.
        """
        if self._token is None or name is None:
            return None
        shown = (authorization or "").removeprefix("Bearer ").encode("utf-8", "replace")
        if not hmac.compare_digest(shown, self._token):
            return "stranger"
        place = ANY if ANY in self._heard else name
        with self._lock:
            if place not in self._heard:
                return "stranger"
            self._heard[place] = self._now()
        return "heard"

    def silent(self) -> list[str]:
        """Return the names of those not heard for too long, or since the start; `–` where any would do."""
        if self._token is None:
            return []
        with self._lock:
            found = sorted(name for name, at in self._heard.items() if self._now() - at > self._silent_after_s)
            changed, self._told = self._told is not bool(found), bool(found)
        if changed:
            log.warning(
                Localized("log.watch.silent", names=", ".join(found)) if found else Localized("log.watch.heard")
            )
        return found
