"""Protocols of calls: their versions, and what the journal says was ticked in one incident."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.invisible_characters import visible
from siaga_gateway.domain.protocol import (
    LONGEST_STEP,
    MOST_STEPS,
    CallKind,
    ProtocolVersion,
    Ticking,
    kind_of,
    newest,
    number_of,
    steps_of,
    typed_steps,
    version_of,
)
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.ports import Clock, JournalEntry
from siaga_gateway.service.store import Store

_TICKS: Final = {journal.PROTOCOL_TICKED: True, journal.PROTOCOL_UNTICKED: False}


class ProtocolError(Refused):
    """A protocol that cannot be saved; the text says why, and what can be done."""


class ProtocolChanges(Protocol):
    """Called from the console's process too. Each call commits before it returns, and is an entry of the journal."""

    def save(self, kind: str, steps_id: str, steps_en: str, shown: int, actor: str) -> int:
        """Save a version of what somebody typed, a step a line; the same as before is no new one. Returns its number.

        steps_en: empty: operators in English read the Indonesian steps. shown: the version that was being changed.
        Raises: ProtocolError; StoreFailing.
        """
        ...


class IncidentProtocol(NamedTuple):
    """What one incident goes by."""

    kind: CallKind
    version: ProtocolVersion | None  # None: the one that comes with the gateway
    ticks: tuple[Ticking, ...]  # all of them, of any kind, oldest first

    def steps(self, language: str) -> tuple[str, ...]:
        return steps_of(self.version, self.kind, language)


class ProtocolBook:
    """Implements ProtocolChanges on the store. Thread-safe."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def save(self, kind: str, steps_id: str, steps_en: str, shown: int, actor: str) -> int:
        found = _kind(kind)
        indonesian, english = _checked(steps_id, "id"), _checked(steps_en, "en")
        if not indonesian:
            raise ProtocolError("protocol.empty")
        if english and len(english) != len(indonesian):
            raise ProtocolError("protocol.uneven", indonesian=len(indonesian), english=len(english))
        now_ms = self._clock.now_ms()
        with self._store.transaction() as transaction:
            transaction.lock_protocols()
            last = newest(transaction.protocols(), found)
            if steps_of(last, found, "id") == indonesian and steps_of(last, found, "en") == (english or indonesian):
                return number_of(last)
            if number_of(last) != shown:
                raise ProtocolError("protocol.overtaken", who="–" if last is None else last.created_by)
            made = ProtocolVersion(found, shown + 1, indonesian, english, now_ms, actor)
            transaction.add_protocol(made)
            transaction.note(
                journal.PROTOCOL_SAVED, now_ms, {"protocol": str(found), "version": made.version}, actor=actor
            )
        return made.version


def tickings(entries: Iterable[JournalEntry]) -> tuple[Ticking, ...]:
    """Return what the journal of one incident says, oldest first; an entry of another form is none."""
    found = list[Ticking]()
    for entry in entries:
        done = _TICKS.get(entry.kind)
        kind, version, step = (entry.facts.get(name) for name in ("protocol", "version", "step"))
        if done is not None and isinstance(kind, str) and isinstance(version, int) and isinstance(step, int):
            found.append(Ticking(kind, version, step, done, entry.actor or "", entry.at_ms))
    return tuple(found)


def protocol_of(
    incident: Incident, entries: Sequence[JournalEntry], versions: Iterable[ProtocolVersion]
) -> IncidentProtocol:
    """entries: of the incident, oldest first."""
    opened = next((each for each in entries if each.kind == journal.INCIDENT_OPENED), None)
    kind = kind_of(incident, None if opened is None else opened.facts.get("trigger"))
    ticks = tickings(entries)
    return IncidentProtocol(kind, version_of(versions, kind, incident.opened_at_ms, ticks), ticks)


def step_text(entry: JournalEntry, versions: Iterable[ProtocolVersion], language: str) -> str | None:
    """Return the step that an entry of the journal is about; None: it is about none that is known."""
    for each in tickings([entry]):
        if each.kind not in tuple(CallKind):
            return None
        kind = CallKind(each.kind)
        version = next((known for known in versions if known.kind is kind and known.version == each.version), None)
        if version is None and each.version:
            return None
        steps = steps_of(version, kind, language)
        return steps[each.step] if 0 <= each.step < len(steps) else None
    return None


def _kind(kind: str) -> CallKind:
    if kind not in tuple(CallKind):
        raise ProtocolError("protocol.kind", kind=kind, known=", ".join(CallKind))
    return CallKind(kind)


def _checked(typed: str, language: str) -> tuple[str, ...]:
    steps = tuple(visible(each) for each in typed_steps(typed))
    named = Localized(f"errors.protocol_language.{language}")
    if len(steps) > MOST_STEPS:
        raise ProtocolError("protocol.many", tongue=named, size=len(steps), most=MOST_STEPS)
    for number, each in enumerate(steps, 1):
        if len(each) > LONGEST_STEP:
            raise ProtocolError("protocol.long", tongue=named, number=number, size=len(each), longest=LONGEST_STEP)
    return steps
