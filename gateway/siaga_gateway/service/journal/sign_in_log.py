"""Journals sign-ins at the console, sign-outs and refusals.

Refusals are sampled: whoever guesses passwords must not fill the journal. A name is noted only if it is an operator's:
people type passwords into the wrong field.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.sampling import SampledEntry, Sampler
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, StoreFailing

log = logging.getLogger(__name__)

_OPERATOR: Final = "operator"


class SignInLog:
    """Implements ports.SignIns; thread-safe. A failing store locks no operator out: what could not be noted is
    logged."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._sampler = Sampler()

    def signed_in(self, operator: str, by_password: bool) -> None:
        self._note(self._due(), (journal.SIGNED_IN, {"by_password": by_password}, operator))

    def signed_out(self, operator: str) -> None:
        self._note(self._due(), (journal.SIGNED_OUT, {}, operator))

    def refused(self, operator: str | None, why: str, times: int = 1) -> None:
        log.warning(Localized("log.console.not_let_in", why=Localized(f"log.turned_away.{why}")), extra={"code": why})
        entries = self._due()
        facts = {"why": why, _OPERATOR: operator}
        with self._lock:
            entry = self._sampler.note(journal.SIGN_IN_REFUSED, self._clock.now_ms(), None, facts, None, times=times)
        self._note([*entries, entry] if entry is not None else entries)

    def stop(self) -> None:
        """Write what was only counted."""
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
                log.error(
                    Localized(
                        "log.journal.refusals",
                        kind=Localized(f"console.journal.{entry.kind}"),
                        times=entry.facts["count"],
                        why=error,
                    )
                )
            if own is not None:
                log.error(
                    Localized(
                        "log.journal.sign_in", kind=Localized(f"console.journal.{own[0]}"), operator=own[2], why=error
                    )
                )
