"""One unit of work, with what is small of it: commands, maintenance, the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from siaga_gateway.adapters.sql import commands, maintenance
from siaga_gateway.adapters.sql.event_writing import EventWriting
from siaga_gateway.adapters.sql.gathering import ATTEMPT, ATTEMPTED
from siaga_gateway.adapters.sql.registry_writing import RegistryWriting
from siaga_gateway.domain.command import Command
from siaga_gateway.domain.supervision import Case
from siaga_gateway.service.store import Attempt, DeliveryState


class SqlTransaction(EventWriting, RegistryWriting):
    """Implements service.store.Transaction. Made by SqlStore.transaction()."""

    # Commands

    def last_down_counter(self, device_id: bytes) -> int | None:
        self.flush()
        return commands.last_counter(self._session, device_id)

    def command(self, device_id: bytes, down_counter: int) -> Command | None:
        self.flush()
        return commands.one(self._session, device_id, down_counter)

    def add_command(self, command: Command) -> None:
        self.flush()
        commands.add(self._session, command)
        self._changed.add("command")

    def put_command(self, command: Command) -> None:
        self.flush()
        commands.put(self._session, command)
        self._changed.add("command")

    # Maintenance

    def case(self, case_id: int) -> Case | None:
        rows = self._fetch(maintenance.ONE, (case_id,))
        return maintenance.case_of(rows[0]) if rows else None

    def next_case_id(self) -> int:
        number: int = self._fetch(maintenance.NEXT_ID)[0][0]
        return number

    def put_case(self, case: Case) -> None:
        self._waiting[maintenance.PUT].append(maintenance.case_row(case))

    def put_members(self, fold: Case) -> None:
        self._run(maintenance.PUT_MEMBERS, (fold.closed_ms, fold.closed_by, fold.note, fold.id))

    def release_members(self, fold_id: int) -> None:
        self._run(maintenance.RELEASE, (fold_id,))

    def add_deafness(self, way: str, from_ms: int, to_ms: int) -> None:
        self._run(maintenance.FORGET_DEAF, (to_ms - maintenance.REMEMBERED_MS,))
        self._run(maintenance.DEAF, (way, from_ms, to_ms))

    # Outbox

    def record(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            state = attempt.state.value
            self._waiting[ATTEMPT].append((attempt.delivery_id, attempt.at_ms, state, attempt.detail))
            self._waiting[ATTEMPTED].append((state, attempt.at_ms, attempt.detail, attempt.delivery_id))

    def ask_again(self, *, key: str | None = None, output: str | None = None) -> Mapping[str, int]:
        wanted, parameters = [f"state <> '{DeliveryState.DELIVERED.value}'"], []
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
            "UPDATE outbox SET state = 'pending', asked = asked + 1 "  # noqa: S608 - columns named above
            f"WHERE {' AND '.join(wanted)} RETURNING output",
            parameters,
        )
        if rows:
            self._changed.add("outbox")
        counts: dict[str, int] = {}
        for (name,) in rows:
            counts[name] = counts.get(name, 0) + 1
        return counts
