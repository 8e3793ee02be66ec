"""What the console reads of the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from siaga_gateway.domain.escalation_state import Escalation
from siaga_gateway.domain.notification import Notification
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.service.dispatch.call_directory import ListReading
from siaga_gateway.service.ports import JournalReader
from siaga_gateway.service.store import PlacedFrame
from siaga_gateway.service.store.registry import CodeWords


class ConsoleReader(JournalReader, ListReading, Protocol):
    """The journal and its incidents, the calls for help, and the lists of those who are called.

    See EscalationReading, NotificationReading, ResponseReading and PhotographReading in service.store.
    """

    def escalation_of(self, incident_id: int) -> Escalation | None: ...
    def open_escalations(self) -> Sequence[Escalation]: ...
    def escalations_touched(self, since_ms: int) -> Mapping[int, int]: ...
    def notifications_of(self, incident_id: int) -> Sequence[Notification]: ...
    def links_opened(self, incident_id: int) -> Mapping[str, int]: ...
    def picture(self, incident_id: int, number: int) -> bytes | None: ...
    def alarms(self, incident_ids: Collection[int]) -> Mapping[int, Alarm]: ...
    def placed_frames(self, incident_id: int, limit: int) -> Sequence[PlacedFrame]: ...
    def code_words(self, owner_id: int) -> CodeWords | None: ...
