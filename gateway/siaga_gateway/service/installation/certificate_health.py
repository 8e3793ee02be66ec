"""Checks all certificates periodically and reports those that expire soon: journal, log, metrics, console."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.certificate_expiry import Certificate, CertificateStanding, State, standing
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, Notifier
from siaga_gateway.service.store import Store

log = logging.getLogger(__name__)

EVERY_S: Final = 3600.0


class CertificateWatch:
    """`work` is a periodic job. look: returns all certificates that can be seen now. show: receives those that are not
    VALID, for the console."""

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        clock: Clock,
        look: Callable[[], Sequence[Certificate]],
        show: Callable[[Sequence[CertificateStanding]], None],
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._look = look
        self._show = show
        self._told: dict[str, tuple[State, int]] = {}
        self.found: tuple[CertificateStanding, ...] = ()

    def work(self) -> None:
        """Check, and report what has moved closer to expiry since the last check. Raises: StoreFailing."""
        now_ms = self._clock.now_ms()
        self.found = tuple(standing(each, now_ms) for each in self._look())
        self._show([each for each in self.found if each.state is not State.VALID])
        for each in self.found:
            name, told = each.certificate.name, self._told.get(each.certificate.name, (State.VALID, 0))
            if (each.state, each.step) == told:
                continue
            if each.state is State.VALID or (
                each.state is State.ENDING and told[0] is State.ENDING and each.step < told[1]
            ):
                self._note(journal.CERTIFICATE_RENEWED, each, now_ms)
                log.info(Localized("log.certificate.renewed", name=name, days=each.days))
            else:
                kind = journal.CERTIFICATE_ENDING if each.state is State.ENDING else journal.CERTIFICATE_UNUSABLE
                self._note(kind, each, now_ms)
                line = _text(each)
                log.warning(Localized(line, name=name, days=abs(each.days)))
            self._told[name] = (each.state, each.step)
        self._notifier.ring()

    def _note(self, kind: str, each: CertificateStanding, now_ms: int) -> None:
        facts = {"certificate": each.certificate.name, "days": each.days}
        if kind == journal.CERTIFICATE_UNUSABLE:
            facts["why"] = str(each.state)
        with self._store.transaction() as transaction:
            transaction.note(kind, now_ms, facts)


def _text(each: CertificateStanding) -> str:
    if each.certificate.for_buttons and each.state is State.ENDING:
        return "log.certificate.buttons"
    return f"log.certificate.{each.state}"
