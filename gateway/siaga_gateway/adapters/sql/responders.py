"""Officers and patrols in the store; names, addresses and homes are sealed under the key for personal data."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import orjson

from siaga_gateway.adapters.sql.encryption import Sealing
from siaga_gateway.adapters.sql.engine import Insert, Row, Session
from siaga_gateway.adapters.sql.reads import Reads
from siaga_gateway.adapters.sql.row_layout import Columns, Layout, sound
from siaga_gateway.adapters.sql.rows import columns
from siaga_gateway.adapters.sql.write_batch import CHANGED, WriteBatch
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.escalation_state import Progress
from siaga_gateway.domain.notification import RESPONDER
from siaga_gateway.domain.opening_hours import parsed, parsed_shifts, written
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder, ResponderKind, ResponderPosition, Transport
from siaga_gateway.domain.shifts import SelfDeclared, Shift
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.service.store.responders import Box

log = logging.getLogger(__name__)

_OPEN: Final = ("kind", "station", "language", "transport", "skills", "quiet", "token_hash", "added_ms")
_SEALED: Final = ("name", "ways", "home")
_NAMES: Final = ("responder_key", *_OPEN, *_SEALED)
_SHIFT: Final = Layout(Shift, {"hours": Columns(("hours",), written, parsed_shifts)})
_DECLARED: Final = Layout(SelfDeclared)
_POSITION: Final = Layout(ResponderPosition)
_POSITION_TABLE: Final = "responder_position"
_PUT: Final = Insert("responder", _NAMES, ("responder_key",))
_PUT_SHIFT: Final = Insert("shift", (*_SHIFT.names, "number"), ("responder", "number"))
_PUT_DECLARED: Final = Insert("self_declared", _DECLARED.names, ("responder",))
_RESPONDERS: Final = f"SELECT {columns(_NAMES)} FROM responder"  # noqa: S608 - constants
_SHIFTS: Final = f"SELECT {columns(_SHIFT.names)} FROM shift ORDER BY responder, number"  # noqa: S608
_ALL_DECLARED: Final = f"SELECT {columns(_DECLARED.names)} FROM self_declared"  # noqa: S608
_POSITIONS: Final = f"SELECT {columns(_POSITION.names)} FROM responder_position"  # noqa: S608
_POSITION_OF: Final = f"{_POSITIONS} WHERE responder = ?"
# Later by fix, or the same fix with a later sign of life.
_PUT_POSITION: Final = (
    f"INSERT INTO responder_position ({columns(_POSITION.names)}) "  # noqa: S608
    f"VALUES ({', '.join('?' for _ in _POSITION.names)}) ON CONFLICT (responder) DO UPDATE SET "
    f"{', '.join(f'{name} = excluded.{name}' for name in _POSITION.names[1:])} "
    "WHERE excluded.fix_ms > responder_position.fix_ms "
    "OR (excluded.fix_ms = responder_position.fix_ms AND excluded.heard_ms > responder_position.heard_ms)"
)
# Worded like the escalations' partial index: what is closed is not looked at.
_VERSIONS: Final = "SELECT name, value FROM meta WHERE name IN ('responders', 'places', 'duty')"
_ASSIGNED: Final = (
    "SELECT incident_id, assignments FROM escalation WHERE next_at_ms IS NOT NULL AND assignments <> '[]'"
)
_AT_ONCE: Final = 500  # keys in one statement
_BUSY: Final = frozenset({Progress.COMING.value, Progress.LATE.value, Progress.ON_SCENE.value})
_OF_A_PERSON: Final = (
    ("shift", "responder"),
    ("self_declared", "responder"),
    ("responder_position", "responder"),
    ("responder_link", "responder"),
    ("duty_link", "responder"),
    ("response", "responder"),
    ("text_code", "responder"),
)
_TO_SEAL: Final = (
    f"SELECT {columns(('responder_key', *_SEALED))} FROM responder "  # noqa: S608
    "WHERE responder_key > ? AND name NOT LIKE ? ORDER BY responder_key LIMIT ?"
)


def _row(responder: Responder, sealing: Sealing) -> Row:
    """Raises: PersonalKeyError."""
    ways = [
        (way.contact.way.value, way.contact.address, way.proven_ms, way.asked_ms, way.code, way.wrong)
        for way in responder.ways
    ]
    key = responder.key
    return (
        key,
        responder.kind.value,
        responder.station,
        responder.language,
        responder.transport.value,
        orjson.dumps(responder.skills).decode(),
        written(responder.quiet),
        responder.token_hash,
        responder.added_ms,
        sealing.seal_text(responder.name, "responder", key, "name"),
        sealing.seal_text(orjson.dumps(ways).decode(), "responder", key, "ways"),
        None
        if responder.home is None
        else sealing.seal_text(orjson.dumps(responder.home).decode(), "responder", key, "home"),
    )


def _responder(row: Row, sealing: Sealing) -> Responder:
    """Raises: SiagaError, ValueError, KeyError, TypeError for a row that is damaged, or without its key."""
    key, kind, station, language, transport, skills, quiet, token_hash, added_ms, name, ways, home = row
    listed: list[list[Any]] = orjson.loads(sealing.open_text(ways, "responder", key, "ways"))
    at = None if home is None else orjson.loads(sealing.open_text(home, "responder", key, "home"))
    return Responder(
        key,
        ResponderKind(kind),
        sealing.open_text(name, "responder", key, "name"),
        station,
        language,
        Transport(transport),
        tuple(orjson.loads(skills)),
        tuple(ProvenWay(Contact(ContactWay(way), address), *rest) for way, address, *rest in listed),
        parsed(quiet),
        None if at is None else (int(at[0]), int(at[1])),
        token_hash,
        added_ms,
    )


class ResponderWriting(WriteBatch):
    """Implements service.store.responders.ResponderWriting."""

    def change_responders(self) -> int:
        self.touched = True
        ((version,),) = self._fetch(f"{CHANGED} RETURNING CAST(value AS BIGINT)", ("responders",))
        return int(version) - 1

    def responder(self, key: str) -> Responder | None:
        rows = self._fetch(f"{_RESPONDERS} WHERE responder_key = ?", (key,))
        return _readable(rows[0], self._sealing) if rows else None

    def put_responders(self, responders: Collection[Responder]) -> None:
        if responders:
            self.flush()
            self._session.insert(_PUT, [_row(each, self._sealing) for each in responders])

    def remove_responders(self, keys: Collection[str]) -> int:
        gone = 0
        for key in keys:
            gone += self._run("DELETE FROM responder WHERE responder_key = ?", (key,))
            for table, name in _OF_A_PERSON:
                self._run(f"DELETE FROM {table} WHERE {name} = ?", (key,))  # noqa: S608 - constants
        return gone

    def set_shifts(self, responder: str, shifts: Sequence[Shift]) -> None:
        self._run("DELETE FROM shift WHERE responder = ?", (responder,))
        if shifts:
            self._session.insert(_PUT_SHIFT, [(*_SHIFT.row(each), number) for number, each in enumerate(shifts)])

    def declare(self, declared: SelfDeclared) -> None:
        self._run(CHANGED, ("duty",))
        self._session.insert(_PUT_DECLARED, [_DECLARED.row(declared)])

    def undeclare(self, responder: str) -> None:
        self._run(CHANGED, ("duty",))
        self._run("DELETE FROM self_declared WHERE responder = ?", (responder,))

    def position(self, responder: str) -> ResponderPosition | None:
        rows = self._fetch(_POSITION_OF, (responder,))
        return _POSITION.only(rows, _POSITION_TABLE)

    def put_position(self, position: ResponderPosition) -> None:
        self._run(_PUT_POSITION, _POSITION.row(position))

    def forget_position(self, responder: str) -> None:
        self._run("DELETE FROM responder_position WHERE responder = ?", (responder,))

    def forget_positions(self, before_ms: int) -> int:
        if self._run("DELETE FROM self_declared WHERE until_ms < ?", (before_ms,)):
            self._run(CHANGED, ("duty",))
        return self._run("DELETE FROM responder_position WHERE heard_ms < ?", (before_ms,))


class ResponderReading(Reads):
    """Implements service.store.responders.ResponderReading."""

    _known_responders: dict[str, tuple[Row, Responder]] | None = None  # decrypted, by key, with the row it was

    def responders_version(self) -> int:
        return self._version("responders")

    def duty_version(self) -> int:
        return self._version("duty")

    def list_versions(self) -> tuple[int, int, int]:
        known = {name: int(value) for name, value in self.fetch(_VERSIONS)}
        return known["responders"], known["places"], known["duty"]

    def responders(self) -> Sequence[Responder]:
        before = self._known_responders or {}
        known: dict[str, tuple[Row, Responder]] = {}
        for row in self.fetch(_RESPONDERS):
            there = before.get(row[0])
            if there is not None and there[0] == row:
                known[row[0]] = there
            elif (found := _readable(row, self.sealing)) is not None:
                known[row[0]] = row, found
        self._known_responders = known
        # Sorted here: databases sort by rules of their own.
        return [known[key][1] for key in sorted(known)]

    def responder_keys(self) -> Mapping[str, int]:
        return dict(self.fetch("SELECT responder_key, added_ms FROM responder"))

    def token_hashes(self) -> Mapping[str, str]:
        return dict(self.fetch("SELECT responder_key, token_hash FROM responder WHERE token_hash IS NOT NULL"))

    def shifts(self) -> Sequence[Shift]:
        found = []
        for row in self.fetch(_SHIFTS):
            try:
                found.append(_SHIFT.value(row))
            except (KeyError, ValueError, TypeError, SiagaError) as error:  # damaged: the others count
                log.error(Localized("log.responders.shift", responder=row[0], why=error))
        return sorted(found, key=lambda shift: shift.responder)

    def declared(self) -> Mapping[str, SelfDeclared]:
        found = {}
        for row in self.fetch(_ALL_DECLARED):
            try:
                found[row[0]] = _DECLARED.value(row)
            except (KeyError, ValueError, TypeError) as error:
                log.error(Localized("log.responders.shift", responder=row[0], why=error))
        return found

    def positions(self, since_ms: int, within: Box | None = None) -> Sequence[ResponderPosition]:
        if within is None:
            rows = self.fetch(f"{_POSITIONS} WHERE fix_ms >= ?", (since_ms,))
            return _POSITION.sound(rows, _POSITION_TABLE)
        (south, west), (north, east) = within
        rows = self.fetch(
            f"{_POSITIONS} WHERE latitude BETWEEN ? AND ? AND longitude BETWEEN ? AND ? AND fix_ms >= ?",
            (south, north, west, east, since_ms),
        )
        return _POSITION.sound(rows, _POSITION_TABLE)

    def positions_of(self, responders: Collection[str]) -> Mapping[str, ResponderPosition]:
        found: dict[str, ResponderPosition] = {}
        keys = sorted(responders)
        for at in range(0, len(keys), _AT_ONCE):
            among, parameters = self.writing.among("responder_position", "responder", keys[at : at + _AT_ONCE])
            rows = self.fetch(f"{_POSITIONS} WHERE {among}", parameters)
            found |= {each.responder: each for each in _POSITION.sound(rows, _POSITION_TABLE)}
        return found

    def assigned_responders(self) -> frozenset[str]:
        found = set()
        for busy in sound(_busy, self.fetch(_ASSIGNED), "escalation"):
            found |= {who.removeprefix(RESPONDER) for who in busy if who.startswith(RESPONDER)}
        return frozenset(found)


def _busy(row: Row) -> set[str]:
    assignments: list[list[Any]] = orjson.loads(row[1])
    return {who for who, progress, *_ in assignments if progress in _BUSY}


def _readable(row: Row, sealing: Sealing) -> Responder | None:
    """Return the responder of a row; None: it is damaged, or its key is not here, and the others are still called."""
    try:
        return _responder(row, sealing)
    except (KeyError, ValueError, TypeError, IndexError, SiagaError) as error:
        log.error(Localized("log.responders.unreadable", responder=row[0], why=error))
        return None


def seal_responders(session: Session, sealing: Sealing, after: str, limit: int) -> str:
    """Encrypt the next people under the current key; what cannot be decrypted stays. Returns the key of the last one
    examined; empty: no more."""
    keys = sealing.keys
    rows = session.fetch(_TO_SEAL, (after, f"{keys.current}.%", limit))
    sealed: list[Row] = []
    for key, *texts in rows:
        try:
            opened = [
                None if text is None else sealing.open_text(text, "responder", key, what)
                for what, text in zip(_SEALED, texts, strict=True)
            ]
        except SiagaError as error:
            log.error(Localized("log.responders.unreadable", responder=key, why=error))
            continue
        again = (
            None if text is None else keys.seal_note(text, "responder", key, what)
            for what, text in zip(_SEALED, opened, strict=True)
        )
        sealed.append((*again, key))
    if sealed:
        session.many("UPDATE responder SET name = ?, ways = ?, home = ? WHERE responder_key = ?", sealed)
    return rows[-1][0] if rows else ""
