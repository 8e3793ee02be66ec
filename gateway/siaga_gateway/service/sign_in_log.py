"""Who came to the console and left it, and who was turned away, in the journal.

Refusals are sampled: whoever guesses passwords must not fill the journal. A name is noted only where it is an
operator's: people type passwords into the wrong field.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Final

from siaga_gateway.service import journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.sampling import SampledEntry, Sampler
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_OPERATOR: Final = "operator"


class SignInLog:
    """Implements ports.SignIns; from any thread. A store that fails keeps no operator out: what could not be noted is
    told in the log."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._sampler = Sampler()

    def signed_in(self, operator: str, by_password: bool) -> None:
        self._note(self._due(), (journal.SIGNED_IN, {"by_password": by_password}, operator))

    def signed_out(self, operator: str) -> None:
        self._note(self._due(), (journal.SIGNED_OUT, {}, operator))

    def refused(self, operator: str | None, why: str) -> None:
        log.warning("somebody was not let in at the console: %s", why)
        entries = self._due()
        facts = {"why": why, _OPERATOR: operator}
        with self._lock:
            entry = self._sampler.note(journal.SIGN_IN_REFUSED, self._clock.now_ms(), None, facts, None)
        self._note([*entries, entry] if entry is not None else entries)

    def stop(self) -> None:
        """Note what was held back."""
        with self._lock:
            rest = list(self._sampler.rest())
        self._note(rest)

    def _due(self) -> list[SampledEntry]:
        with self._lock:
            return self._sampler.due(self._clock.now_ms())

    def _note(self, refusals: Collection[SampledEntry], own: tuple[str, dict[str, object], str] | None = None) -> None:
        if own is None and not refusals:
            return
        try:
            with self._store.transaction() as transaction:
                for entry in refusals:
                    facts = {name: value for name, value in entry.facts.items() if name != _OPERATOR}
                    transaction.note(entry.kind, entry.at_ms, facts, actor=entry.facts[_OPERATOR])
                if own is not None:
                    kind, facts, operator = own
                    transaction.note(kind, self._clock.now_ms(), facts, actor=operator)
        except StoreFailing as error:
            for entry in refusals:
                log.error("not noted: %s of the console, %d times: %s", entry.kind, entry.facts["count"], error)
            if own is not None:
                log.error("not noted: %s by %s: %s", own[0], own[2], error)
