"""Calls for help in memory, and the lists of those who are called, as the console reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from siaga_gateway.domain.escalation_state import Assignment, ContactKind, Escalation, Phase, Progress, Why
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.notification import Notification, NotificationState
from siaga_gateway.domain.operator_message import DeskMessage
from siaga_gateway.domain.places import Contact, ContactWay, Station, StationKind
from siaga_gateway.domain.responders import Responder, ResponderKind
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import JournalEntry
from siaga_gateway.service.store import PlacedFrame
from siaga_gateway.service.store.audit import EventRow
from siaga_gateway.service.store.owner_profiles import StoredProfile
from siaga_gateway.service.store.registry import CodeWords, Enrolled

# Invented; the numbers are nobody's.
STATIONS = (
    Station(
        "contoh-kota",
        StationKind.POLSEK,
        "Polsek Contoh Kota",
        -53800000,
        1052600000,
        contacts=(Contact(ContactWay.NTFY, "https://ntfy.example/kota"), Contact(ContactWay.PHONE, "+6281200000091")),
    ),
    Station(
        "contoh",
        StationKind.POLRES,
        "Polres Contoh",
        -53900000,
        1052700000,
        contacts=(Contact(ContactWay.PHONE, "+6281200000092"), Contact(ContactWay.RADIO, "Contoh Induk")),
    ),
)
RESPONDERS = (
    Responder(
        "budi",
        ResponderKind.OFFICER,
        "Aipda Budi Contoh",
        ways=(ProvenWay(Contact(ContactWay.PHONE, "+6281200000093"), 1),),
    ),
)


class CallsInMemory:
    """Implements what web.session.console_reader.ConsoleReader has beyond the journal."""

    def __init__(self) -> None:
        self._escalations: dict[int, Escalation] = {}
        self._notifications: dict[int, list[Notification]] = {}
        self.opened: dict[str, int] = {}  # links, by responder
        self._alarms: dict[int, Alarm] = {}
        self.without_words: set[int] = set()  # owners
        self.messages: dict[int, list[DeskMessage]] = {}  # by incident
        self.profiles: dict[int, StoredProfile] = {}  # what owners told for helpers
        self.photographs: dict[int, bytes] = {}  # of owners
        self.mounted: dict[bytes, str] = {}  # addresses of buttons

    def escalation_of(self, incident_id: int) -> Escalation | None:
        return self._escalations.get(incident_id)

    def open_escalations(self) -> Sequence[Escalation]:
        return [each for _, each in sorted(self._escalations.items()) if each.next_at_ms is not None]

    def escalations_touched(self, since_ms: int) -> Mapping[int, int]:
        return {each.incident_id: each.revision for each in self.open_escalations() if each.touched_ms > since_ms}

    def picture(self, incident_id: int, number: int) -> bytes | None:
        return b"\xff\xd8\xff" if (incident_id, number) == (1, 1) else None

    def notifications_of(self, incident_id: int) -> Sequence[Notification]:
        return list(self._notifications.get(incident_id, ()))

    def links_opened(self, incident_id: int) -> Mapping[str, int]:
        return dict(self.opened)

    def alarms(self, incident_ids: Collection[int]) -> Mapping[int, Alarm]:
        return {each: self._alarms[each] for each in incident_ids if each in self._alarms}

    def placed_frames(self, incident_id: int, limit: int) -> Sequence[PlacedFrame]:
        return ()

    def mounting_address(self, device_id: bytes) -> str | None:
        return self.mounted.get(device_id)

    def code_words(self, owner_id: int) -> CodeWords | None:
        return None if owner_id in self.without_words else CodeWords("", "", 1)

    def desk_messages_of(self, incident_id: int) -> Sequence[DeskMessage]:
        return list(self.messages.get(incident_id, ()))

    def profile_of(self, owner_id: int) -> StoredProfile | None:
        return self.profiles.get(owner_id)

    def owner_photograph(self, owner_id: int) -> bytes | None:
        return self.photographs.get(owner_id)

    def owner_photograph_ms(self, owner_id: int) -> int | None:
        return 1 if owner_id in self.photographs else None

    def calls_of(self, owner_id: int, limit: int = 500) -> Sequence[Incident]:
        everything: Mapping[int, Incident] = self._incidents  # type: ignore[attr-defined]
        mine = [each for each in everything.values() if each.owner is not None and each.owner.id == owner_id]
        return sorted(mine, key=lambda each: -each.id)[:limit]

    def frames_of(self, incident_id: int, limit: int) -> Sequence[EventRow]:
        return []

    def enrolled(self, device_ids: Collection[bytes]) -> Mapping[bytes, Enrolled]:
        return {}

    def places_version(self) -> int:
        return 1

    def stations(self) -> Sequence[Station]:
        return STATIONS

    def responders_version(self) -> int:
        return 1

    def responders(self) -> Sequence[Responder]:
        return RESPONDERS

    # --- what tests do ---

    def climb(self, incident_id: int, at_ms: int, **facts: Any) -> None:
        """Put an escalation, or change it: any field of Escalation, times in ms from now."""
        before = self._escalations.get(incident_id)
        if before is None:
            before = Escalation(incident_id, Phase.CALLING, Why.OPENED, at_ms, started_ms=at_ms, wave=1, top_call=1)
        for name, value in facts.items():
            if name.endswith("_at_ms") or name in ("assign_by_ms", "started_ms"):
                facts[name] = None if value is None else at_ms + value
        facts["assignments"] = tuple(
            Assignment(who, Progress(progress), 1, at_ms, *rest)
            for who, progress, *rest in facts.pop("assignments", ())
        ) or before.assignments  # fmt: skip
        facts["phase"] = Phase(facts.get("phase", before.phase))
        facts["why"] = Why(facts.get("why", before.why))
        closed = facts["phase"] is Phase.CLOSED
        facts.setdefault("next_at_ms", None if closed else at_ms + 10_000)
        self._escalations[incident_id] = copied(before, touched_ms=at_ms, revision=before.revision + 1, **facts)

    def judged(self, incident_id: int, alarm: Alarm) -> None:
        self._alarms[incident_id] = alarm

    def tell(self, incident_id: int, at_ms: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replace what was told: recipient, way, state, and any other field of Notification."""
        known = self._escalations.get(incident_id)
        usual = {
            "kind": "call",
            "why": "opened",
            "wave": known.wave if known else 1,
            "rung": "stations",
            "number": 1,
            "rank": 0,
        }
        self._notifications[incident_id] = [
            Notification(
                incident_id=incident_id,
                round=0,
                metres=row.get("metres"),
                made_at_ms=at_ms,
                expires_at_ms=at_ms + 300_000,
                next_at_ms=at_ms if row["state"] == "pending" else None,
                attempts=row.get("attempts", 0),
                attempted_ms=at_ms if row.get("attempts") else None,
                detail=row.get("detail"),
                recipient=row["recipient"],
                way=ContactWay(row["way"]),
                state=NotificationState(row["state"]),
                delivered_ms=row.get("delivered_ms"),
                **{
                    **{name: row.get(name, value) for name, value in usual.items()},
                    "kind": ContactKind(row.get("kind", "call")),
                    "why": Why(row.get("why", "opened")),
                },
            )
            for row in rows
        ]

    def incident_numbers(
        self,
        *,
        before: int | None,
        states: Collection[IncidentState],
        from_ms: int | None,
        before_ms: int | None,
        limit: int,
    ) -> Sequence[int]:
        """Of the book's incidents, see JournalReader."""
        end, begin = 2**63 if before_ms is None else before_ms, from_ms or 0
        everything: Mapping[int, Incident] = self._incidents  # type: ignore[attr-defined]
        real = [each for each in everything.values() if each.mode is not Mode.TEST]
        found = [each for each in real if begin <= each.opened_at_ms < end]
        numbers = [each.id for each in found if not states or each.state in states]
        return sorted((each for each in numbers if before is None or each < before), reverse=True)[:limit]


def of_lines(entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    """See JournalReader.journal_of_lines."""
    lines = [each for each in entries if each.kind in journal.LINE_KINDS]
    starts = [at for at, each in enumerate(lines) if each.kind == journal.GATEWAY_STARTED]
    return lines[starts[-1] if starts else 0 :]
