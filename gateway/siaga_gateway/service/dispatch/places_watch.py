"""Looks at stations and areas, and at responders, at the start, after each change and each day, and tells what is wrong
with them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.places import SERIOUS, Finding, FindingKind
from siaga_gateway.domain.value import record
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store

log = logging.getLogger(__name__)

EVERY_S: Final = 60.0
_KEYS: Final = 5  # so many are named in a line of the log


@record
class Watched:
    """A list that is watched."""

    told: str  # under which the store remembers what was told
    faulty: str  # kinds of journal entries
    sound: str
    text: str  # of the log, for what is found
    version: Callable[[Store], int]


PLACES: Final = Watched(
    "places faults",
    journal.PLACES_FAULTY,
    journal.PLACES_SOUND,
    "log.places.faulty",
    lambda store: store.places_version(),
)
RESPONDERS: Final = Watched(
    "responders faults",
    journal.RESPONDERS_FAULTY,
    journal.RESPONDERS_SOUND,
    "log.responders.faulty",
    # A station that is gone is somebody's home station.
    lambda store: store.responders_version() + store.places_version(),
)


class PlacesWatch:
    """`work` is a periodic job. check: returns what is wrong. today: the day at the site."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        notifier: Notifier,
        check: Callable[[], Sequence[Finding]],
        today: Callable[[], date],
        of: Watched = PLACES,
    ) -> None:
        self._of = of
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._check = check
        self._today = today
        self._seen: tuple[int, date] | None = None

    def work(self) -> None:
        """Raises: StoreFailing."""
        now = self._of.version(self._store), self._today()
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
            _log(self._of.text, kind, same)
        if FindingKind.NO_STATION in by_kind:
            return  # a gateway that knows no places yet: nothing became worse
        counts = {kind.value: len(same) for kind, same in by_kind.items()}
        text = json.dumps(counts)
        if text == (self._store.remembered(self._of.told) or "{}"):
            return
        with self._store.transaction() as transaction:
            told = self._of.faulty if counts else self._of.sound
            transaction.note(told, self._clock.now_ms(), counts)
            transaction.remember(self._of.told, text)
        self._notifier.ring()


def _log(text: str, kind: FindingKind, same: Sequence[Finding]) -> None:
    if kind is FindingKind.NO_STATION:
        log.info(Localized("log.places.none"))
        return
    named = ", ".join(" + ".join(finding.keys) for finding in same[:_KEYS] if finding.keys) or "-"
    what = Localized(f"errors.place_fault.{kind}")
    level = logging.WARNING if kind in SERIOUS else logging.INFO
    log.log(level, Localized(text, what=what, count=len(same), named=named))
