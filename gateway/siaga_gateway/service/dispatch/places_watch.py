"""Looks at stations and areas at the start, after each change and each day, and tells what is wrong with them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.places import SERIOUS, Finding, FindingKind
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0
_TOLD: Final = "places faults"
_KEYS: Final = 5  # so many are named in a line of the log


class PlacesWatch:
    """`work` is a periodic job. check: returns what is wrong. today: the day at the site."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        notifier: Notifier,
        check: Callable[[], Sequence[Finding]],
        today: Callable[[], date],
    ) -> None:
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._check = check
        self._today = today
        self._seen: tuple[int, date] | None = None

    def work(self) -> None:
        """Raises: StoreFailing."""
        now = self._store.places_version(), self._today()
        if now == self._seen:
            return
        found = self._check()
        self._tell(found)
        self._seen = now

    def _tell(self, found: Sequence[Finding]) -> None:
        by_kind: dict[FindingKind, list[Finding]] = {}
        for finding in found:
            by_kind.setdefault(finding.kind, []).append(finding)
        for kind, same in by_kind.items():
            _log(kind, same)
        if FindingKind.NO_STATION in by_kind:
            return  # a gateway that knows no places yet: nothing became worse
        counts = {kind.value: len(same) for kind, same in by_kind.items()}
        text = json.dumps(counts)
        if text == (self._store.remembered(_TOLD) or "{}"):
            return
        with self._store.transaction() as transaction:
            told = journal.PLACES_FAULTY if counts else journal.PLACES_SOUND
            transaction.note(told, self._clock.now_ms(), counts)
            transaction.remember(_TOLD, text)
        self._notifier.ring()


def _log(kind: FindingKind, same: Sequence[Finding]) -> None:
    if kind is FindingKind.NO_STATION:
        log.info(Localized("log.places.none"))
        return
    named = ", ".join(" + ".join(finding.keys) for finding in same[:_KEYS] if finding.keys) or "-"
    what = Localized(f"errors.place_fault.{kind}")
    level = logging.WARNING if kind in SERIOUS else logging.INFO
    log.log(level, Localized("log.places.faulty", what=what, count=len(same), named=named))
