"""One unit of work, composed of its subjects, in the order of their writes."""

from __future__ import annotations

from siaga_gateway.adapters.sql import audit
from siaga_gateway.adapters.sql.accounts import AccountWriting
from siaga_gateway.adapters.sql.alarms import AlarmWriting
from siaga_gateway.adapters.sql.audit import EvidenceWriting
from siaga_gateway.adapters.sql.commands import CommandWriting
from siaga_gateway.adapters.sql.coverage import CoverageWriting
from siaga_gateway.adapters.sql.drills import DrillWriting
from siaga_gateway.adapters.sql.escalations import EscalationWriting
from siaga_gateway.adapters.sql.events import EventWriting
from siaga_gateway.adapters.sql.expiry import ErasureWriting
from siaga_gateway.adapters.sql.figures import FigureWriting
from siaga_gateway.adapters.sql.handovers import HandoverWriting
from siaga_gateway.adapters.sql.maintenance import CaseWriting
from siaga_gateway.adapters.sql.notifications import NotificationWriting
from siaga_gateway.adapters.sql.operator_messages import DeskMessageWriting
from siaga_gateway.adapters.sql.outbox import OutboxWriting
from siaga_gateway.adapters.sql.owner_cases import OwnerCaseWriting
from siaga_gateway.adapters.sql.owner_index import OwnerIndexWriting
from siaga_gateway.adapters.sql.owner_profiles import OwnerProfileWriting
from siaga_gateway.adapters.sql.photographs import PhotographWriting
from siaga_gateway.adapters.sql.places import PlaceWriting
from siaga_gateway.adapters.sql.protocols import ProtocolWriting
from siaga_gateway.adapters.sql.responders import ResponderWriting
from siaga_gateway.adapters.sql.responses import ResponseWriting
from siaga_gateway.adapters.sql.text_codes import TextCodeWriting
from siaga_gateway.adapters.sql.tokens import TokenWriting
from siaga_gateway.adapters.sql.write_batch import CHANGED
from siaga_gateway.domain.audit_hashing import Link


class SqlTransaction(
    EventWriting,
    OutboxWriting,
    ErasureWriting,
    CommandWriting,
    CaseWriting,
    PlaceWriting,
    EscalationWriting,
    ResponderWriting,
    ResponseWriting,
    PhotographWriting,
    TextCodeWriting,
    NotificationWriting,
    AlarmWriting,
    FigureWriting,
    CoverageWriting,
    OwnerCaseWriting,
    OwnerProfileWriting,
    OwnerIndexWriting,
    DeskMessageWriting,
    DrillWriting,
    AccountWriting,
    ProtocolWriting,
    TokenWriting,
    HandoverWriting,
    EvidenceWriting,
):
    """Implements service.store.Transaction (ErasureWriting brings the registry). Made by SqlStore.transaction()."""

    def flush(self) -> None:
        # Referenced rows first: everything references incidents.
        self._flush_incidents()
        self._flush_events()
        self._flush_outbox()
        self._flush_cases()

    def finish(self) -> None:
        """Make the last writes before the commit.

        Only here do journal entries get their numbers: the engine admits one transaction at a time from here to its
        commit, so that whoever has read up to a number has missed nothing below it. The same holds for the outbox's
        rows.
        """
        self.flush()
        for name in sorted(self._changed):
            self._session.send(CHANGED, (name,))
        if not (self._changed or self._journal_waits or self._outbox_waits):
            return
        self._session.lock_end()
        ((last, hash_, outbox),) = self._session.fetch(audit.ENDS)
        self._number_journal(Link(last, hash_))
        self._number_outbox(outbox)
