"""Hand-written fakes of what the console needs: an event-sourced book of incidents, a bell and a clock.

`Book` is JournalReader and OperatorActions in memory; `file_book.py` has one that outlives its process.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import FastAPI

from gateway.fake_account_store import FakeAccountStore, accounts_on
from gateway.fake_ports import RunningClock
from gateway.web.fake_calls import CallsInMemory, of_lines
from gateway.web.fake_disclosures import FakeDisclosures
from gateway.web.fake_people import opened
from gateway.web.fake_protocols import FakeProtocolStore, protocols_of, tick
from gateway.web.fake_steps import called_back, changed
from gateway.web.fake_units import arrived, beside, corrected, reopened, stood_down, undone
from siaga_gateway.domain.escalation_state import Phase
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.protocol import ProtocolVersion
from siaga_gateway.domain.triage import Alarm
from siaga_gateway.service.downlink.command_port import DeviceCommands
from siaga_gateway.service.fleet.coverage_survey import CoverageReport
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.incidents.incident_notes import with_line
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.operator_port import (
    AcknowledgeCall,
    AddNote,
    AssignUnit,
    CallHolderBack,
    CloseIncident,
    CorrectDisposition,
    DispatchHeld,
    MarkOnScene,
    MarkSeen,
    OperateError,
    OperatorAction,
    OperatorActions,
    Overtaken,
    ReopenIncident,
    ResumeCall,
    SendMessage,
    StandDownUnit,
    TickProtocol,
    UndoAcknowledgement,
)
from siaga_gateway.service.ports import JournalEntry, UnreadableCall
from siaga_gateway.service.reports.figure_reports import FigureReports
from siaga_gateway.service.store.incident_search import IncidentSearch
from siaga_gateway.web.app import ConsoleOptions, create_app


class FakeBell:
    """As the real one: what rang between two waits of one task is not missed."""

    def __init__(self) -> None:
        self._rings = 0
        self._heard: dict[int, int] = {}
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._guard = threading.Lock()

    def ring(self) -> None:
        with self._guard:
            self._rings += 1
            for event, loop in self._waiting.items():
                loop.call_soon_threadsafe(event.set)

    async def wait(self, timeout_s: float) -> bool:
        task, event = id(asyncio.current_task()), asyncio.Event()
        with self._guard:
            if self._heard.get(task, 0) != self._rings:
                self._heard[task] = self._rings
                return True
            self._waiting[event] = asyncio.get_running_loop()
        try:
            await asyncio.wait_for(event.wait(), timeout_s)
        except TimeoutError:
            return False
        finally:
            with self._guard:
                del self._waiting[event]
        with self._guard:
            self._heard[task] = self._rings
        return True


class FakeSignIns:
    """ports.SignIns that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def signed_in(self, operator: str, by_password: bool) -> None:
        self.told.append(("in", operator, by_password))

    def signed_out(self, operator: str) -> None:
        self.told.append(("out", operator))

    def refused(self, operator: str | None, why: str, times: int = 1) -> None:
        self.told.append(("refused", operator, why))


def on_book(
    book: Book,
    notifier: FakeBell,
    clock: RunningClock,
    options: ConsoleOptions,
    maintenance: MaintenanceCases | None = None,
    figures: FigureReports | None = None,
    signal: CoverageReport | None = None,
    accounts: FakeAccountStore | None = None,
    commands: DeviceCommands | None = None,
) -> FastAPI:
    """A console on a book; nobody asks whom it showed what."""
    return create_app(
        reader=book,
        operate=book,
        disclosures=FakeDisclosures(),
        sign_ins=FakeSignIns(),
        accounts=accounts_on(accounts or FakeAccountStore(), clock),
        notifier=notifier,
        options=options,
        clock=clock,
        maintenance=maintenance,
        figures=figures,
        signal=signal,
        protocols=protocols_of(book, clock),
        commands=commands,
        troubles=lambda: book.troubles,
    )


class Book(CallsInMemory, OperatorActions):
    """Incidents and journal, changed only by events: plain JSON objects with `do` and what belongs to it."""

    def __init__(self, notifier: FakeBell) -> None:
        super().__init__()
        self.notifier = notifier
        self.sent_messages: list[SendMessage] = []
        self.broken = False  # as if the disk had gone
        self.fault: Exception = OSError("disk I/O error")  # what is raised then
        self.troubles: list[str] = []
        self.unreadable: list[UnreadableCall] = []
        self.protocol_store = FakeProtocolStore()
        self._lock = threading.RLock()
        self._incidents: dict[int, Incident] = {}
        self._journal: list[JournalEntry] = []

    # --- what tests do ---

    def do(self, **event: Any) -> int:
        """Apply one event and ring; the journal's last id afterwards."""
        event.setdefault("at_ms", time.time_ns() // 1_000_000)
        with self._lock:
            self._commit(event)
            last = len(self._journal)
        self.notifier.ring()
        return last

    def press(self, incident_id: int, **facts: Any) -> int:
        """Open an incident; facts: person, latitude and longitude (degrees x 10^7), and any field of Incident."""
        return self.do(do="press", incident=incident_id, **facts)

    # --- JournalReader ---
    def journal_after(self, after_id: int, limit: int = 500) -> Sequence[JournalEntry]:
        with self._reading():
            return self._journal[after_id : after_id + limit]

    def journal_last(self, limit: int) -> Sequence[JournalEntry]:
        with self._reading():
            return self._journal[-limit:]

    def journal_of_lines(self, limit: int) -> Sequence[JournalEntry]:
        return of_lines(self.journal_last(1 << 40))[-limit:]

    def journal_of_incident(self, incident_id: int) -> Sequence[JournalEntry]:
        with self._reading():
            return [entry for entry in self._journal if entry.incident_id == incident_id]

    def last_journal_id(self) -> int:
        with self._reading():
            return len(self._journal)

    def incident(self, incident_id: int) -> Incident | None:
        with self._reading():
            return self._incidents.get(incident_id)

    def incidents(self, ids: Collection[int]) -> Mapping[int, Incident]:
        with self._reading():
            return {each: self._incidents[each] for each in ids if each in self._incidents}

    def open_incidents(self) -> Sequence[Incident]:
        with self._reading():
            return [each for each in self._incidents.values() if each.state is not IncidentState.CLOSED]

    def unreadable_calls(self, known: Collection[int]) -> Sequence[UnreadableCall]:
        return self.unreadable

    def protocols(self) -> Sequence[ProtocolVersion]:
        return self.protocol_store.protocols()

    def found_incidents(self, wanted: IncidentSearch, before: int, limit: int) -> Sequence[Incident]:
        """All that are wanted by their kind; the store's own search is tested on the store."""
        found = [each for each in self.recent_incidents(limit) if each.id < before]
        return [each for each in found if wanted.mode in (None, each.mode)]

    def recent_incidents(self, limit: int = 50) -> Sequence[Incident]:
        return self._closed(limit, tests=False)

    def recent_tests(self, limit: int = 50) -> Sequence[Incident]:
        return self._closed(limit, tests=True)

    def _closed(self, limit: int, *, tests: bool) -> Sequence[Incident]:
        with self._reading():
            closed = [each for each in self._incidents.values() if each.state is IncidentState.CLOSED]
            found = [each for each in closed if (each.mode is Mode.TEST) is tests]
            return sorted(found, key=lambda each: -(each.closed_at_ms or 0))[:limit]

    def _reading(self) -> threading.RLock:
        if self.broken:
            raise self.fault
        return self._lock

    # --- OperatorActions ---

    def _take(self, action: OperatorAction) -> Incident:
        match action:
            case MarkSeen():
                return self._seen(action, action.wave)
            case AcknowledgeCall():
                return self._acknowledge(action)
            case ResumeCall():
                return self._resume(action)
            case AssignUnit():
                if action.beside:
                    return beside(self, self._open(action.incident_id), action)
                return self._step("assign", action, unit=action.unit, eta_minutes=action.eta_minutes)
            case StandDownUnit():
                return stood_down(self, self._open(action.incident_id), action)
            case CallHolderBack():
                return called_back(self, self._open(action.incident_id), action)
            case MarkOnScene():
                if action.unit is not None:
                    return arrived(self, self._open(action.incident_id), action)
                return self._step("on_scene", action)
            case DispatchHeld():
                return self._step("dispatch", action)
            case CloseIncident():
                return self._close(action)
            case CorrectDisposition():
                return corrected(self, action)
            case ReopenIncident():
                return reopened(self, action)
            case UndoAcknowledgement():
                return undone(self, self._open(action.incident_id), action)
            case AddNote():
                return self._add_note(action)
            case TickProtocol():
                return tick(self, self._open(action.incident_id), action)
            case SendMessage():
                self.sent_messages.append(action)
                return self._open(action.incident_id)
        raise TypeError(f"no action {action!r}")

    def _acknowledge(self, action: AcknowledgeCall) -> Incident:
        found = self._open(action.incident_id)
        self._check_wave(found, action.wave)
        if found.state is IncidentState.OPEN:
            return self._seen(action, action.wave)
        self.do(do="note", kind=journal.ACKNOWLEDGED, incident=found.id, actor=action.operator, wave=action.wave)
        return found

    def _seen(self, action: OperatorAction, wave: int | None) -> Incident:
        found = self.incident(action.incident_id)
        if found is not None and found.state is IncidentState.OPEN and wave is not None:
            self._check_wave(found, wave)
        return self._step("seen", action)

    def _check_wave(self, found: Incident, wave: int) -> None:
        known = self.escalation_of(found.id)
        if known is not None and wave < known.wave:
            raise OperateError("operate.rings_anew", id=found.id)

    def _resume(self, action: ResumeCall) -> Incident:
        found, known = self._open(action.incident_id), self.escalation_of(action.incident_id)
        if known is not None and known.phase is Phase.ASKED:
            self.do(do="note", kind=journal.RESUMED, incident=found.id, actor=action.operator)
        return found

    def _open(self, incident_id: int) -> Incident:
        found = self.incident(incident_id)
        if found is None:
            raise OperateError(f"incident {incident_id} does not exist")
        if found.state is IncidentState.CLOSED:
            raise OperateError(f"incident {incident_id} is closed")
        return found

    def _close(self, action: CloseIncident) -> Incident:
        found, known = self.incident(action.incident_id), action.presses
        if found is not None and known is not None and (found.presses > known or found.duress is not action.duress):
            raise Overtaken(found, called=True)
        return self._step("close", action, disposition=action.disposition, note=action.note)

    def _add_note(self, action: AddNote) -> Incident:
        found = self.incident(action.incident_id)
        if found is None:
            raise OperateError(f"incident {action.incident_id} does not exist")
        if with_line(found.note, action.operator, "", action.note) is not None:
            self.do(do="note_added", incident=found.id, actor=action.operator, note=action.note)
        return self._incidents[found.id]

    def _step(self, step: str, action: OperatorAction, **facts: Any) -> Incident:
        incident_id, operator, shown = action.incident_id, action.operator, action.shown
        with self._reading():
            found = self._incidents.get(incident_id)
        if found is None:
            raise OperateError(f"incident {incident_id} does not exist")
        target = TARGETS.get(step)
        if target is None and not found.held:
            return found
        unseen = shown not in (None, found.progress)
        if step == "seen" and unseen and found.seen_by not in (None, operator):
            raise Overtaken(found)
        if found.state is target and all((getattr(found, name) or "") == (v or "") for name, v in facts.items()):
            return found
        if step != "seen" and unseen:
            raise Overtaken(found)
        if found.state is target and shown is None:
            last = [entry.actor for entry in self.journal_of_incident(incident_id) if entry.kind == target]
            if target is IncidentState.CLOSED or last[-1:] != [operator]:
                raise Overtaken(found)
        if found.state is IncidentState.CLOSED:
            raise OperateError(f"incident {incident_id} is closed: open a new one by radio")
        if step == "seen" and found.state is not IncidentState.OPEN:
            return found
        if step == "on_scene" and found.unit is None:
            raise OperateError(f"incident {incident_id} has no unit")
        self.do(do=step, incident=incident_id, actor=operator, **facts)
        return self._incidents[incident_id]

    # --- events ---

    def _commit(self, event: dict[str, Any]) -> None:
        self._apply(event)

    def _apply(self, event: dict[str, Any]) -> None:
        facts = {key: value for key, value in event.items() if key not in ("do", "incident", "actor", "at_ms")}
        at_ms: int = event["at_ms"]
        number: Any = event.get("incident")
        if event["do"] == "press":
            self._incidents[number] = opened(number, at_ms, facts)
            self._write(at_ms, journal.INCIDENT_OPENED, number, None, {"counter": number, "kind": "press"})
            return
        if event["do"] == "trial":
            born = replace(opened(number, at_ms, facts), mode=Mode.TEST, state=IncidentState.CLOSED)
            self._incidents[number] = replace(born, closed_at_ms=at_ms)
            self._write(at_ms, journal.TEST_PRESS, number, None, {"counter": number, "trigger": "hold"})
            return
        if event["do"] == "trouble":
            self.troubles = facts["names"]
            for number, found in self._incidents.items():
                whose = (
                    None if found.owner is None else replace(found.owner, unreadable="personal_key" in self.troubles)
                )
                self._incidents[number] = replace(found, owner=whose)
            return
        if event["do"] == "note":
            self._write(at_ms, facts.pop("kind"), number, event.get("actor"), facts)
            return
        if event["do"] == "judge":
            self.judged(number, Alarm(facts["level"], ()))
            return
        if event["do"] in ("climb", "tell"):  # no entry in the journal
            (self.climb if event["do"] == "climb" else self.tell)(number, at_ms, **facts)
            return
        found = self._incidents[number]
        kind, found = changed(event["do"], found, at_ms, event.get("actor"), facts)
        self._incidents[number] = found
        self._write(at_ms, kind, number, event.get("actor"), {k: v for k, v in facts.items() if k in SHOWN})

    def _write(self, at_ms: int, kind: str, number: int | None, actor: str | None, facts: dict[str, Any]) -> None:
        device = None if number is None else self._incidents[number].device_id
        self._journal.append(JournalEntry(len(self._journal) + 1, at_ms, kind, number, device, actor, facts))


TARGETS = {
    "seen": IncidentState.SEEN,
    "assign": IncidentState.ASSIGNED,
    "on_scene": IncidentState.ON_SCENE,
    "close": IncidentState.CLOSED,
}
SHOWN = ("unit", "eta_minutes", "disposition", "instead_of", "reason", "accuracy_m", "fix_age_s")
