"""Owners' records and cases in the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from siaga_gateway.adapters.sql.alarms import ENDED, IN_EARNEST, ended_of
from siaga_gateway.adapters.sql.incidents import SELECT, sound_incidents
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Layout
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.incident import Disposition, Incident
from siaga_gateway.domain.owner_cases import OwnerCase, OwnerCaseKind

LAYOUT: Final = Layout(OwnerCase)
_NAMES: Final = LAYOUT.names[1:]
_TABLE: Final = "owner_case"
_SELECT: Final = f"SELECT {columns(LAYOUT.names)} FROM {_TABLE}"  # noqa: S608 - constants
_ADD: Final = f"INSERT INTO {_TABLE} ({columns(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))}) RETURNING id"  # noqa: S608
_PUT: Final = f"UPDATE {_TABLE} SET {', '.join(f'{name} = ?' for name in _NAMES)} WHERE id = ?"  # noqa: S608
_OLD: Final = (
    "(state NOT IN ('open', 'suspended') OR (state = 'suspended' AND ended_ms IS NOT NULL)) "
    "AND coalesce(ended_ms, decided_ms, opened_ms) < ? "
    "AND (reason IS NOT NULL OR end_reason IS NOT NULL)"
)
# Worded like the partial indexes.
_IN_FORCE: Final = f"{_SELECT} WHERE state IN ('open', 'suspended') AND ended_ms IS NULL AND id > ? ORDER BY id LIMIT ?"
CLOSED_CALLS: Final = (
    f"{SELECT} WHERE incident.owner_id = ? AND incident.state = 'closed' AND incident.mode <> 'test' "
    f"AND {IN_EARNEST} ORDER BY incident.closed_at_ms DESC, incident.id DESC LIMIT ?"
)
OPEN_CALLS: Final = (
    f"{SELECT} WHERE incident.state <> 'closed' AND incident.mode <> 'test' AND incident.owner_id = ? "
    f"AND {IN_EARNEST} ORDER BY incident.id DESC LIMIT ?"
)


class OwnerCaseWriting(WriteBatch):
    """Implements service.store.owner_cases.OwnerCaseWriting."""

    def lock_owner(self, owner_id: int) -> None:
        # A write that changes nothing: on PostgreSQL it locks the row, SQLite has one writer.
        self._run("UPDATE owner SET language = language WHERE id = ?", (owner_id,))

    def ended_calls_of(self, owner_id: int, since_ms: int) -> Sequence[tuple[Disposition, int]]:
        rows = self._fetch(ENDED, (owner_id, since_ms))
        return ended_of(rows)

    def owner_case(self, case_id: int) -> OwnerCase | None:
        rows = self._fetch(f"{_SELECT} WHERE id = ?", (case_id,))
        return LAYOUT.only(rows, _TABLE)

    def last_owner_case(self, owner_id: int, kind: OwnerCaseKind) -> OwnerCase | None:
        rows = self._fetch(
            f"{_SELECT} WHERE owner_id = ? AND kind = ? ORDER BY id DESC LIMIT 1", (owner_id, kind.value)
        )
        return LAYOUT.only(rows, _TABLE)

    def add_owner_case(self, case: OwnerCase) -> int:
        self.touched = True
        ((number,),) = self._fetch(_ADD, LAYOUT.row(case)[1:])
        return int(number)

    def put_owner_case(self, case: OwnerCase) -> None:
        self._run(_PUT, (*LAYOUT.row(case)[1:], case.id))

    def forget_owner_cases(self, before_ms: int, limit: int) -> int:
        ids = f"SELECT id FROM {_TABLE} WHERE {_OLD} ORDER BY id LIMIT ?"  # noqa: S608 - constants
        return self._run(
            f"UPDATE {_TABLE} SET reason = NULL, end_reason = NULL WHERE id IN ({ids})",  # noqa: S608
            (before_ms, limit),
        )


class OwnerCaseReading(Reads):
    """Implements service.store.owner_cases.OwnerCaseReading."""

    def owner_case(self, case_id: int) -> OwnerCase | None:
        rows = self.fetch(f"{_SELECT} WHERE id = ?", (case_id,))
        return LAYOUT.only(rows, _TABLE)

    def owner_cases(self, after: int = 0, limit: int = 200) -> Sequence[OwnerCase]:
        return LAYOUT.sound(self.fetch(_IN_FORCE, (after, limit)), _TABLE)

    def open_owner_cases(self) -> Mapping[OwnerCaseKind, int]:
        rows = self.fetch(f"SELECT kind, count(*) FROM {_TABLE} WHERE state = 'open' GROUP BY kind")  # noqa: S608
        known = {each.value: each for each in OwnerCaseKind}
        return {known[kind]: count for kind, count in rows if kind in known}

    def owner_cases_of(self, owner_id: int) -> Sequence[OwnerCase]:
        return LAYOUT.sound(self.fetch(f"{_SELECT} WHERE owner_id = ? ORDER BY id DESC", (owner_id,)), _TABLE)

    def expired_owner_cases(self, before_ms: int) -> int:
        count: int = self.fetch(f"SELECT count(*) FROM {_TABLE} WHERE {_OLD}", (before_ms,))[0][0]  # noqa: S608
        return count

    def calls_of(self, owner_id: int, limit: int = 500) -> Sequence[Incident]:
        found = sound_incidents(self, OPEN_CALLS, (owner_id, limit))
        found += sound_incidents(self, CLOSED_CALLS, (owner_id, limit))
        return found[:limit]
