"""What the console reads of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.escalation_state import Escalation
from siaga_gateway.domain.notification import Notification
from siaga_gateway.service.dispatch.call_directory import ListReading
from siaga_gateway.service.ports import JournalReader


class ConsoleReader(JournalReader, ListReading, Protocol):
    """The journal and its incidents, the calls for help, and the lists of those who are called.

    See service.store.escalations.EscalationReading and service.store.notifications.NotificationReading.
    """

    def escalation_of(self, incident_id: int) -> Escalation | None: ...
    def open_escalations(self) -> Sequence[Escalation]: ...
    def escalations_touched(self, since_ms: int) -> Mapping[int, int]: ...
    def notifications_of(self, incident_id: int) -> Sequence[Notification]: ...
