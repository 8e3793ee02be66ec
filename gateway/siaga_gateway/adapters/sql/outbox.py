"""Notices on their way to the outputs: written with the change they report, read for delivery."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql import counts, notice_snapshots
from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Insert, Row, Session, Writing
from siaga_gateway.adapters.sql.incidents import IncidentWriting
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import only, sound
from siaga_gateway.adapters.sql.rows import DELIVERY, OWNER, attempt_of, columns, delivery_of, from_snapshot
from siaga_gateway.domain.incident import Change, Notice
from siaga_gateway.service.store import Attempt, Delivery, DeliveryState, Settled, Waiting

_NOTICE: Final = Insert("notice", ("incident_id", "sequence", "change", "made_at_ms", "incident"))
_OUTBOX: Final = Insert("outbox", ("id", "output", "incident_id", "sequence", "state"))
_ATTEMPT: Final = Insert("attempt", ("outbox_id", "at_ms", "state", "detail"))
# Delivered is final: a worker that was presumed dead may report its own failure later. What a person settled is tried
# no more, though an attempt that was under way fails.
_ATTEMPTED: Final = (
    "UPDATE outbox SET state = CASE WHEN state = 'delivered' OR (settled IS NOT NULL AND ? = 'pending') THEN state "
    "ELSE ? END, attempts = attempts + 1, last_attempt_ms = ?, detail = ? WHERE id = ?"
)
_DELIVERY: Final = (
    f"SELECT {columns(DELIVERY)} FROM outbox JOIN notice "  # noqa: S608 - constants
    "ON notice.incident_id = outbox.incident_id AND notice.sequence = outbox.sequence "
    "JOIN incident ON incident.id = outbox.incident_id"
)
_EARLIER: Final = (
    "SELECT outbox.incident_id, notice.sequence, notice.made_at_ms, notice.change FROM outbox JOIN notice "
    "ON notice.incident_id = outbox.incident_id AND notice.sequence = outbox.sequence"
)
_Earlier = tuple[int, int, str]  # sequence, made_at_ms, change
_OWNER_OF: Final = (
    f"SELECT incident.id, {columns(OWNER, 'owner')} "  # noqa: S608
    "FROM incident LEFT JOIN owner ON owner.id = incident.owner_id"
)


_BEGIN_ANEW: Final = frozenset({Change.OPENED, Change.MADE_REAL})


class OutboxWriting(IncidentWriting):
    """Implements service.store.outbox.OutboxWriting."""

    def __init__(self, session: Session, writing: Writing, sealing: Sealing, writes: int = 0) -> None:
        super().__init__(session, writing, sealing, writes)
        self._notices: list[Row] = []
        self._outbox: list[Row] = []  # without their numbers
        self._attempts: list[Row] = []
        self._attempted: list[Row] = []

    def add_notice(self, notice: Notice, outputs: Collection[str]) -> None:
        incident = notice.incident
        self._notices.append(
            (
                incident.id,
                notice.sequence,
                notice.change.value,
                notice.sent_at_ms,
                notice_snapshots.packed(self._row(incident)),
            )
        )
        self._outbox.extend((output, incident.id, notice.sequence, "pending") for output in outputs)

    def record(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            state = attempt.state.value
            self._attempts.append((attempt.delivery_id, attempt.at_ms, state, attempt.detail))
            self._attempted.append((state, state, attempt.at_ms, attempt.detail, attempt.delivery_id))

    def ask_again(
        self, *, key: str | None = None, output: str | None = None, delivery_id: int | None = None
    ) -> Mapping[str, int]:
        parameters: list[Any] = []
        wanted = [f"state <> '{DeliveryState.DELIVERED.value}'"]
        if key is None and delivery_id is None:
            wanted.append("settled IS NULL")
        else:
            wanted.append(f"coalesce(settled, '') <> '{Settled.SUPERSEDED.value}'")
        if delivery_id is not None:
            wanted.append("id = ?")
            parameters.append(delivery_id)
        if key is not None:
            wanted.append(
                "id IN (SELECT outbox.id FROM outbox JOIN incident ON incident.id = outbox.incident_id "
                "WHERE incident.identifier || '.' || outbox.sequence || '.' || output = ?)"
            )
            parameters.append(key)
        if output is not None:
            wanted.append("output = ?")
            parameters.append(output)
        rows = self._fetch(
            "UPDATE outbox SET state = 'pending', settled = NULL, asked = asked + 1 "  # noqa: S608 - columns named above
            f"WHERE {' AND '.join(wanted)} RETURNING output",
            parameters,
        )
        if rows:
            self._changed.add("outbox")
        found: dict[str, int] = {}
        for (name,) in rows:
            found[name] = found.get(name, 0) + 1
        return found

    def settle(self, delivery_ids: Sequence[int], how: Settled) -> Sequence[int]:
        among, parameters = self._writing.among("outbox", "id", list(delivery_ids))
        rows = self._fetch(
            f"UPDATE outbox SET state = 'abandoned', settled = ? WHERE {among} "  # noqa: S608 - columns named above
            "AND state <> 'delivered' AND settled IS NULL RETURNING id",
            [how.value, *parameters],
        )
        if rows and how is Settled.PASSED_ON:
            self._changed.add("outbox")
        return [number for (number,) in rows]

    def _flush_outbox(self) -> None:
        self._hand_over(_NOTICE, self._notices)
        self._hand_over(_ATTEMPT, self._attempts)
        self._hand_over(_ATTEMPTED, self._attempted)

    @property
    def _outbox_waits(self) -> bool:
        return bool(self._outbox)

    def _number_outbox(self, last: int) -> None:
        """Number the rows after the last; call between Session.lock_end and the commit."""
        if self._outbox:
            self._session.insert(_OUTBOX, [(number, *row) for number, row in enumerate(self._outbox, last + 1)])


class OutboxReading(Reads):
    """Implements service.store.outbox.OutboxReading."""

    def outbox_version(self) -> int:
        return self._version("outbox")

    def pending(self, output: str, after_id: int = 0) -> Sequence[Delivery]:
        rows = self.fetch(
            f"{_DELIVERY} WHERE outbox.state = 'pending' AND output = ? AND outbox.id > ? ORDER BY outbox.id",
            (output, after_id),
        )
        return sound(delivery_of, rows, "outbox")

    def waiting(self) -> Mapping[str, Waiting]:
        return counts.waiting(self.fetch)

    def delivery(self, delivery_id: int) -> Delivery | None:
        rows = self.fetch(f"{_DELIVERY} WHERE outbox.id = ?", (delivery_id,))
        return only(delivery_of, rows, "outbox")

    def deliveries(
        self,
        *,
        states: Collection[DeliveryState] | None = None,
        settled: bool | None = None,
        limit: int = 200,
    ) -> Sequence[Delivery]:
        # Written out, not a parameter: only so can a partial index be used, and the console asks every two seconds.
        wanted = " OR ".join(
            f"outbox.state = '{state.value}'" for state in (DeliveryState if states is None else states)
        )
        among = f"({wanted})"
        if settled is not None:
            among += f" AND settled IS {'NOT ' if settled else ''}NULL"
        rows = self.fetch(f"{_DELIVERY} WHERE {among} ORDER BY outbox.id DESC LIMIT ?", [limit])
        return sound(delivery_of, rows, "outbox")

    def attempts(self, delivery_id: int) -> Sequence[Attempt]:
        rows = self.fetch(
            "SELECT outbox_id, at_ms, state, detail FROM attempt WHERE outbox_id = ? ORDER BY id", (delivery_id,)
        )
        return sound(attempt_of, rows, "attempt")

    def notice(self, delivery: Delivery) -> Notice:
        return self.notices([delivery])[delivery.id]

    def notices(self, deliveries: Sequence[Delivery]) -> Mapping[int, Notice]:
        if not deliveries:
            return {}
        keys = {(delivery.incident_id, delivery.sequence): delivery for delivery in deliveries}
        select = "notice.incident_id, notice.sequence, notice.incident"
        kept = self.fetch(*self.writing.by_keys(select, "notice", ("incident_id", "sequence"), list(keys)))
        among, parameters = self.writing.among("incident", "id", [delivery.incident_id for delivery in deliveries])
        owners = {row[0]: row[1:] for row in self.fetch(f"{_OWNER_OF} WHERE {among}", parameters)}
        earlier = self._earlier([delivery for delivery in deliveries if delivery.sequence > 1])
        found: dict[int, Notice] = {}
        for incident_id, sequence, text in kept:
            delivery = keys[incident_id, sequence]
            found[delivery.id] = Notice(
                incident=from_snapshot(text, owners[incident_id], self.sealing),
                change=delivery.change,
                sequence=sequence,
                sent_at_ms=delivery.made_at_ms,
                previous=_superseded(earlier.get(incident_id, ()), sequence),
            )
        if len(found) != len(deliveries):
            missing = next(delivery.key for delivery in deliveries if delivery.id not in found)
            raise LookupError(f"the notice of delivery {missing} is not there")
        return found

    def _earlier(self, deliveries: Sequence[Delivery]) -> Mapping[int, list[_Earlier]]:
        """Return all notices of these deliveries' incidents for this output, by incident."""
        if not deliveries:
            return {}
        among, parameters = self.writing.among("outbox", "incident_id", [one.incident_id for one in deliveries])
        rows = self.fetch(
            f"{_EARLIER} WHERE {among} AND output = ? ORDER BY outbox.sequence", [*parameters, deliveries[0].output]
        )
        earlier: dict[int, list[_Earlier]] = {}
        for incident_id, *notice in rows:
            earlier.setdefault(incident_id, []).append(tuple(notice))
        return earlier


def _superseded(earlier: Sequence[_Earlier], sequence: int) -> tuple[tuple[int, int], ...]:
    """Return those that the notice of this sequence supersedes: what is real supersedes nothing of an exercise, and
    what was opened again nothing that ended with the closing."""
    first = max((number for number, _, change in earlier if number <= sequence and change in _BEGIN_ANEW), default=0)
    return tuple((number, made_at_ms) for number, made_at_ms, _ in earlier if first <= number < sequence)
