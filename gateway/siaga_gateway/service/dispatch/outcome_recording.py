"""What came of tries, in the store: many in one transaction, and a call of which nothing is left is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.escalation_state import ContactKind
from siaga_gateway.domain.notification import NOBODY, Notification
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.value import copied
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.store import Store, StoreDamaged, StoreFailing, Transaction

log = logging.getLogger(__name__)


class OutcomeRecorder:
    """Records the notifications of one kind of way as they are after a try."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        kind: ContactWay,
        on_damage: Callable[[StoreFailing], None] = lambda error: None,
    ) -> None:
        self._on_damage = on_damage
        self.not_taken: list[Notification] = []  # at the last `put`: they lie in a damaged part of the store
        self._store = store
        self._clock = clock
        self._kind = kind

    def put(self, afters: Sequence[Notification]) -> bool:
        """Record them; if that fails for one of them, each by itself. Returns whether a call may have failed.

        Those of a damaged part of the store are in `not_taken`. Raises: StoreFailing; all may be put again.
        """
        self.not_taken = []
        try:
            return self._put_all(afters)
        except StoreDamaged:
            pass
        except StoreFailing:
            raise
        except Exception:
            log.exception(Localized("log.fault.output", output=self._kind))
        calls = False
        for each in afters:
            # What the service said may be what the store does not take.
            calls |= self._put_one(each, copied(each, reference=None, detail=None))
        return calls

    def _put_one(self, *forms: Notification) -> bool:
        """Record the first of these forms that the store takes; if it takes none, the notification stays due."""
        for after in forms:
            try:
                return self._put_all([after])
            except StoreDamaged as error:
                self._on_damage(error)
                self.not_taken.append(after)
                return False
            except StoreFailing:
                raise
            except Exception:
                log.exception(Localized("log.fault.output", output=self._kind))
        return False

    def _put_all(self, afters: Sequence[Notification]) -> bool:
        with self._store.transaction() as transaction:
            transaction.put_notifications(afters)
            calls = {(each.incident_id, each.number) for each in afters if each.state in NOBODY}
            for incident_id, number in sorted(calls):
                self._look_at_call(transaction, incident_id, number)
        return bool(calls)

    def _look_at_call(self, transaction: Transaction, incident_id: int, number: int) -> None:
        """Where all that a call sent has failed, its rung is left: the escalation hears of it by the journal."""
        sent = [each for each in transaction.notifications(incident_id) if each.number == number]
        if sent and sent[0].kind is ContactKind.CALL and all(each.state in NOBODY for each in sent):
            transaction.note(
                journal.CALL_FAILED,
                self._clock.now_ms(),
                {"call": number, "rung": sent[0].rung},
                incident_id=incident_id,
            )
