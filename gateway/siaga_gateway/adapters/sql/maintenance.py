"""Maintenance in the store: the prefilter for devices whose cases may change, the cases, the list of devices.

The prefilter is one statement over all devices, so that of a million only those that need a check are loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Insert, Row, Session, Writing
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import only, sound
from siaga_gateway.adapters.sql.rows import DEVICE, columns, device_of, status_columns, status_if_readable
from siaga_gateway.adapters.sql.text_search import label_or_id
from siaga_gateway.adapters.sql.write_batch import WriteBatch
from siaga_gateway.domain.device_status import REJECTED_MS, RESTART_MS
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.supervision import (
    DAY_MS,
    GAP_OF_A_RESTART,
    INSTALLING_MS,
    UNSIGNED_MS,
    Case,
    Cause,
    SupervisionLimits,
    version_number,
)
from siaga_gateway.service.store import DeviceCensus, SupervisedDevice, SupervisionFilter
from siaga_gateway.service.store.maintenance import ANY, FleetFilter

# A device's causes as bits of one number: one operation compares causes that hold with standing cases.
BITS: Final = {cause: 1 << number for number, cause in enumerate(Cause)}
CASE: Final = (
    "id",
    "device_id",
    "cause",
    "level",
    "opened_ms",
    "closed_ms",
    "closed_by",
    "note",
    "stands",
    "fold",
    "gone_ms",
)
_PUT: Final = Insert("maintenance", (*CASE, "bit"), ("id",), frozenset({"device_id", "cause", "opened_ms", "bit"}))
_PUT_MEMBERS: Final = (
    "UPDATE maintenance SET closed_ms = ?, closed_by = ?, note = ? WHERE fold = ? AND closed_ms IS NULL"
)
# What a person closes tells its silence as of then, like every case that a person closes. A clock may have jumped.
_LEVEL_OF_MEMBERS: Final = (
    "UPDATE maintenance SET level = level + (? - opened_ms) / 1000 WHERE fold = ? AND closed_ms IS NULL "
    "AND cause = 'silent' AND ? - opened_ms BETWEEN 0 AND 315360000000"
)
_DEAF: Final = "INSERT INTO deafness (way, from_ms, to_ms) VALUES (?, ?, ?) ON CONFLICT (way, from_ms) DO NOTHING"
_REMEMBERED_MS: Final = 40 * 24 * 3600 * 1000

_SELECT: Final = f"SELECT {columns(CASE)} FROM maintenance"  # noqa: S608
_WATCHED: Final = (
    f"SELECT {columns(DEVICE, 'device')}, {status_columns(placed=False)} "  # noqa: S608
    "FROM device LEFT JOIN device_status ON device_status.device_id = device.device_id"
)
_MOST_INTERVALS: Final = 40


def case_row(case: Case) -> Row:
    return (
        case.id,
        case.device_id,
        case.cause.value,
        case.level,
        case.opened_ms,
        case.closed_ms,
        case.closed_by,
        case.note,
        int(case.stands),
        case.fold,
        case.gone_ms,
        BITS[case.cause],
    )


def case_of(row: Row) -> Case:
    id_, device_id, cause, level, opened_ms, closed_ms, closed_by, note, stands, fold, gone_ms = row[: len(CASE)]
    return Case(id_, device_id, Cause(cause), level, opened_ms, closed_ms, closed_by, note, bool(stands), fold, gone_ms)


def cases_in(rows: Sequence[Row]) -> list[Case]:
    """Return the cases of these rows without those that cannot be read: one stops neither a call nor supervision."""
    return sound(case_of, rows, "maintenance")


def watched_of(row: Row, cases: Sequence[Case] = ()) -> SupervisedDevice:
    cut = len(DEVICE)
    return SupervisedDevice(device_of(row), status_if_readable(row[cut:]), tuple(cases))


class CaseWriting(WriteBatch):
    """Implements service.store.maintenance.CaseWriting."""

    def __init__(self, session: Session, writing: Writing, sealing: Sealing, writes: int = 0) -> None:
        super().__init__(session, writing, sealing, writes)
        self._cases: list[Row] = []

    def case(self, case_id: int) -> Case | None:
        rows = self._fetch(f"{_SELECT} WHERE id = ?", (case_id,))
        return only(case_of, rows, "maintenance")

    def next_case_id(self) -> int:
        number: int = self._fetch("SELECT coalesce(max(id), 0) + 1 FROM maintenance")[0][0]
        return number

    def put_case(self, case: Case) -> None:
        self._cases.append(case_row(case))

    def put_members(self, fold: Case) -> None:
        if fold.closed_by is not None and fold.closed_ms is not None:
            self._run(_LEVEL_OF_MEMBERS, (fold.closed_ms, fold.id, fold.closed_ms))
        self._run(_PUT_MEMBERS, (fold.closed_ms, fold.closed_by, fold.note, fold.id))

    def release_members(self, fold_id: int) -> None:
        self._run("UPDATE maintenance SET fold = NULL WHERE fold = ? AND closed_ms IS NULL", (fold_id,))

    def add_deafness(self, way: str, from_ms: int, to_ms: int) -> None:
        self._run("DELETE FROM deafness WHERE to_ms < ?", (to_ms - _REMEMBERED_MS,))
        self._run(_DEAF, (way, from_ms, to_ms))

    def _flush_cases(self) -> None:
        self._hand_over(_PUT, self._cases)


class CaseReading(Reads):
    """Implements service.store.maintenance.CaseReading."""

    def intervals(self) -> Sequence[int]:
        rows = self.fetch("SELECT DISTINCT checkin_s FROM device WHERE checkin_s IS NOT NULL ORDER BY checkin_s")
        return [row[0] for row in rows]

    def deafness(self, ways: Collection[str], since_ms: int) -> Sequence[tuple[int, int]]:
        rows = self.fetch("SELECT way, from_ms, to_ms FROM deafness WHERE to_ms > ? ORDER BY from_ms", (since_ms,))
        return [(from_ms, to_ms) for way, from_ms, to_ms in rows if way in ways]

    def suspects(self, sieve: SupervisionFilter, after: bytes, limit: int) -> Sequence[SupervisedDevice]:
        statement, parameters = _sieved(sieve, after, limit)
        rows = self.fetch(statement, parameters)
        if not rows:
            return []
        standing = self._cases(
            f"{_SELECT} WHERE stands = 1 AND device_id > ? AND device_id <= ? ORDER BY id", (after, rows[-1][0])
        )
        return [watched_of(row, standing.get(row[0], ())) for row in rows]

    def _cases(self, statement: str, parameters: Sequence[Any]) -> dict[bytes, list[Case]]:
        found: dict[bytes, list[Case]] = {}
        for case in cases_in(self.fetch(statement, parameters)):
            if case.device_id is not None:
                found.setdefault(case.device_id, []).append(case)
        return found

    def open_cases(self, *, fold: int | None = None, after: int = 0, limit: int = 200) -> Sequence[Case]:
        where, parameters = ("fold IS NULL", ()) if fold is None else ("fold = ?", (fold,))
        rows = self.fetch(
            f"{_SELECT} WHERE closed_ms IS NULL AND {where} AND id > ? ORDER BY id LIMIT ?",
            (*parameters, after, limit),
        )
        return cases_in(rows)

    def open_folds(self) -> Sequence[tuple[Case, int]]:
        folds = cases_in(self.fetch(f"{_SELECT} WHERE closed_ms IS NULL AND device_id IS NULL"))
        counted = "SELECT count(*) FROM maintenance WHERE fold = ? AND closed_ms IS NULL"
        return [(fold, self.fetch(counted, (fold.id,))[0][0]) for fold in folds]

    def opened_since(self, cause: Cause, since_ms: int) -> Sequence[Case]:
        rows = self.fetch(
            f"{_SELECT} WHERE closed_ms IS NULL AND fold IS NULL AND device_id IS NOT NULL "
            "AND cause = ? AND opened_ms >= ? ORDER BY id",
            (cause.value, since_ms),
        )
        return cases_in(rows)

    def cases_of(self, device_id: bytes, limit: int = 50) -> Sequence[Case]:
        rows = self.fetch(f"{_SELECT} WHERE device_id = ? ORDER BY id DESC LIMIT ?", (device_id, limit))
        return cases_in(rows)

    def watched(
        self,
        *,
        text: str = "",
        troubled: bool = False,
        only: FleetFilter = ANY,
        after: tuple[str, bytes] | None = None,
        limit: int = 50,
    ) -> Sequence[SupervisedDevice]:
        where, parameters = listed(text, troubled, only)
        if after is not None:
            where.append("(device.label, device.device_id) > (?, ?)")
            parameters.extend(after)
        rows = self.fetch(
            f"{_WATCHED} WHERE {' AND '.join(where)} ORDER BY device.label, device.device_id LIMIT ?",
            (*parameters, limit),
        )
        if not rows:
            return []
        among, parameters = self.writing.among("maintenance", "device_id", [row[0] for row in rows])
        standing = self._cases(f"{_SELECT} WHERE closed_ms IS NULL AND {among} ORDER BY id", parameters)
        return [watched_of(row, standing.get(row[0], ())) for row in rows]

    def watched_by(self, device_ids: Collection[bytes]) -> Mapping[bytes, SupervisedDevice]:
        if not device_ids:
            return {}
        among, parameters = self.writing.among("device", "device_id", device_ids)
        return {row[0]: watched_of(row) for row in self.fetch(f"{_WATCHED} WHERE {among}", parameters)}

    def census(self) -> DeviceCensus:
        devices: dict[str, int] = {}
        for state, count in self.fetch("SELECT state, count(*) FROM device GROUP BY state"):
            devices[state] = count
        cases, causes = dict.fromkeys(Cause, 0), {each.value: each for each in Cause}
        for cause, count in self.fetch(
            "SELECT cause, count(*) FROM maintenance WHERE closed_ms IS NULL AND device_id IS NOT NULL GROUP BY cause"
        ):
            if cause in causes:
                cases[causes[cause]] = count
        return DeviceCensus(devices, cases)


def _sieved(sieve: SupervisionFilter, after: bytes, limit: int) -> tuple[str, list[Any]]:
    """Return devices with a cause that holds and has no standing case, or the other way round, or that has become worse
    than a person accepted."""
    now_ms, wanted = sieve.now_ms, sieve.wanted
    lost = (
        "device_status.highest_counter - device_status.first_counter + 1 - device_status.events "
        f"- device_status.jumped_over - {GAP_OF_A_RESTART} * device_status.restarts"
    )
    installed = f"device.enrolled_at_ms <= {now_ms - INSTALLING_MS}"
    silent, heard = _silent(sieve)
    # Three stages of one card: a stage is never longer than the one before it.
    weeks_ms, soon_ms = now_ms + wanted.sim_days * DAY_MS, now_ms + min(wanted.sim_soon_days, wanted.sim_days) * DAY_MS
    version = bytes(wanted.version or (0, 0, 0))
    # Like domain.supervision.problems, with the causes in the same order; two have different conditions for opening and
    # for staying open.
    conditions: dict[Cause, tuple[str, list[Any]]] = {
        Cause.SILENT: (f"{heard} <= {silent}", []),
        Cause.LOW_BATTERY: ("device_status.low_battery = 1", []),
        Cause.TAMPER: (
            f"{installed} AND (device_status.tamper_open = 1 "
            f"OR device_status.tampered_ms >= device.enrolled_at_ms + {INSTALLING_MS})",
            [],
        ),
        Cause.COUNTER_GAP: (f"{installed} AND {lost} >= {wanted.missing}", []),
        Cause.COUNTERS: ("device_status.counter_fault_ms IS NOT NULL", []),
        Cause.UNSIGNED: (f"device_status.mac_until_ms - device_status.mac_since_ms >= {UNSIGNED_MS}", []),
        Cause.SIM_ENDING: (f"device.sim_until_ms > {soon_ms} AND device.sim_until_ms <= {weeks_ms}", []),
        Cause.SIM_ENDING_SOON: (f"device.sim_until_ms > {now_ms} AND device.sim_until_ms <= {soon_ms}", []),
        Cause.SIM_LAPSED: (f"device.sim_until_ms <= {now_ms}", []),
        Cause.OLD_VERSION: ("substr(device_status.health, 1, 3) < ?", [version]),
        Cause.QUOTA_LOW: (f"device.sim_quota_mb < {wanted.quota_mb}", []),
    }
    lasting = {
        Cause.RESTARTS: ("restarts_until_ms", RESTART_MS, wanted.restarts),
        Cause.REJECTED: ("rejected_until_ms", REJECTED_MS, wanted.rejected),
    }
    opening: list[str] = []
    holding: list[str] = []
    parameters: list[Any] = []
    for cause, (condition, values) in conditions.items():
        term = f"CASE WHEN {condition} THEN {BITS[cause]} ELSE 0 END"
        opening.append(term)
        holding.append(term)
        parameters.extend(values)
    for cause, (column, each_ms, most) in lasting.items():
        bit, until = BITS[cause], f"device_status.{column}"
        opening.append(f"CASE WHEN {installed} AND {until} > {now_ms + each_ms * (most - 1)} THEN {bit} ELSE 0 END")
        holding.append(f"CASE WHEN {installed} AND {until} > {now_ms} THEN {bit} ELSE 0 END")
    valid = f"coalesce(device.valid_until_ms, {now_ms + 1}) > {now_ms}"
    serving = f"(device.state = 'pending' OR (device.state = 'active' AND {valid}))"
    stands = "coalesce(cases.standing, 0)"
    opens = f"CASE WHEN {serving} THEN {' + '.join(opening)} ELSE 0 END"
    holds = f"CASE WHEN {serving} THEN {' + '.join(holding)} ELSE 0 END"
    statement = (
        f"{_WATCHED} LEFT JOIN (SELECT device_id, CAST(sum(bit) AS BIGINT) AS standing FROM maintenance "  # noqa: S608
        "WHERE stands = 1 AND device_id IS NOT NULL GROUP BY device_id) AS cases ON cases.device_id = device.device_id "
        f"WHERE device.device_id > ? AND ((({opens}) & ~{stands}) <> 0 OR ({stands} & ~({holds})) <> 0 "
        f"OR ({stands} <> 0 AND {serving} AND EXISTS (SELECT 1 FROM maintenance AS accepted "
        "WHERE accepted.device_id = device.device_id AND accepted.stands = 1 AND accepted.closed_ms IS NOT NULL "
        f"AND {_worse(now_ms, wanted, lost)}))) "
        "ORDER BY device.device_id LIMIT ?"
    )
    return statement, [after, *parameters, *parameters, limit]


def _worse(now_ms: int, wanted: SupervisionLimits, lost: str) -> str:
    """Return the condition that an accepted case's cause has grown, like domain.supervision.judge.

    lost: how many frames are missing, as SQL. Whether the cause holds at all is asked elsewhere, or decided by the
    domain.
    """
    level = "accepted.level"

    def lately(until: str, each_ms: int, most: int) -> str:
        return f"device_status.{until} > {now_ms} + CAST({each_ms} AS BIGINT) * ({level} + {most - 1})"

    grown = {
        Cause.RESTARTS: lately("restarts_until_ms", RESTART_MS, wanted.restarts),
        Cause.REJECTED: lately("rejected_until_ms", REJECTED_MS, wanted.rejected),
        Cause.COUNTER_GAP: f"{lost} >= {level} + {wanted.missing}",
        Cause.OLD_VERSION: f"{version_number(wanted.version or (0, 0, 0))} > {level}",
        Cause.QUOTA_LOW: f"device.sim_quota_mb <= 0 AND {wanted.quota_mb} > {level}",
        Cause.TAMPER: f"coalesce(device_status.tampered_ms, 0) / 1000 > {level}",
        Cause.COUNTERS: f"device_status.counter_fault_ms / 1000 > {level}",
    }
    whens = " ".join(f"WHEN '{cause.value}' THEN {condition}" for cause, condition in grown.items())
    return f"CASE accepted.cause {whens} ELSE 1 = 0 END"


def _silent(sieve: SupervisionFilter) -> tuple[str, str]:
    """Return, as SQL, the moment before which a silent device was last heard, and when it was last heard."""
    known = sorted(sieve.silent_before_ms.items())[:_MOST_INTERVALS]
    usual = sieve.wanted.checkin_s
    # For an interval not among them the strictest applies: the domain decides.
    otherwise = max(sieve.silent_before_ms.values())
    whens = " ".join(f"WHEN {checkin_s} THEN {before_ms}" for checkin_s, before_ms in known)
    heard = (
        "CASE WHEN device_status.last_seen_ms > device.enrolled_at_ms "
        "THEN device_status.last_seen_ms ELSE device.enrolled_at_ms END"
    )
    return f"CASE coalesce(device.checkin_s, {usual}) {whens} ELSE {otherwise} END", heard


def listed(text: str, troubled: bool, only: FleetFilter) -> tuple[list[str], list[Any]]:
    """Return the conditions of the fleet's list, and their values; of `device` and `device_status`."""
    where, parameters = _wanted(text, troubled)
    for condition, values in _only(only):
        where.append(condition)
        parameters.extend(values)
    return where, parameters


def _wanted(text: str, troubled: bool) -> tuple[list[str], list[Any]]:
    where = ["1 = 1"]
    parameters: list[Any] = []
    if text:
        condition, values = label_or_id(text, "device.label", "device.device_id")
        where.append(condition)
        parameters.extend(values)
    if troubled:
        where.append("EXISTS (SELECT 1 FROM maintenance WHERE closed_ms IS NULL AND device_id = device.device_id)")
    return where, parameters


def _only(only: FleetFilter) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the conditions of a filter, each with its values."""
    lapsed = "(device.state = 'active' AND device.valid_until_ms <= ?)"
    if only.state is RegistrationState.EXPIRED:
        yield f"(device.state = 'expired' OR {lapsed})", (only.now_ms,)
    elif only.state is RegistrationState.ACTIVE:
        yield f"device.state = 'active' AND coalesce(NOT {lapsed}, device.state = 'active')", (only.now_ms,)
    elif only.state is not None:
        yield "device.state = ?", (only.state.value,)
    if only.below_version is not None:
        yield "substr(device_status.health, 1, 3) < ?", (bytes(only.below_version),)
    if only.below_battery is not None:
        yield "device_status.battery < ?", (only.below_battery,)
    if only.silent_since_ms is not None:
        # In words of the column alone, so that a server's statistics tell how few there are.
        yield "(device_status.last_seen_ms < ? OR device_status.last_seen_ms IS NULL)", (only.silent_since_ms,)
    if only.stations is not None:
        marks = ", ".join("?" * len(only.stations)) or "NULL"
        yield f"device.owner_id IN (SELECT id FROM owner WHERE station_key IN ({marks}))", tuple(only.stations)  # noqa: S608
    if only.sim_until_ms is not None:
        yield "device.sim_until_ms <= ?", (only.sim_until_ms,)
    if only.below_quota_mb is not None:
        yield "device.sim_quota_mb < ?", (only.below_quota_mb,)
