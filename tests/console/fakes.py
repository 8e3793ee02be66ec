"""Hand-written fakes of what the console needs: an event-sourced book of incidents, a bell and a clock.

`Book` is JournalReader and Operate in memory; `filebook.py` has one that outlives its process.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from fastapi import FastAPI

from siaga_gateway.domain.incident import Disposition, Incident, IncidentState, Mode, Position
from siaga_gateway.domain.registry import Owner, RegistrationState
from siaga_gateway.service import journal
from siaga_gateway.service.maintenance_desk import MaintenanceDesk
from siaga_gateway.service.ports import JournalEntry, OperateError
from siaga_gateway.web.app import ConsoleOptions, create_app

# Invented people; NIK with an area code that does not exist.
PEOPLE = (
    ("Sari Dewi", "+6281200000001", "Jl. Contoh Teuku Umar 12, Kedaton, Bandar Lampung", "Toko Makmur, kasir"),
    ("Budi Santoso", "+6281200000002", "Jl. Contoh AH Nasution 4, Metro Pusat, Metro", "Gudang kopi, pintu"),
    ("Made Wirawan", "+6281200000003", "Desa Contoh Balinuraga, Way Panji, Lampung Selatan", "Tombol jinjing Made"),
    ("Ayu Lestari", "+6281200000004", "Jl. Contoh Raya Kotabumi 88, Lampung Utara", "Apotek Sehat, meja depan"),
    ("Rahmat Hidayat", "+6281200000005", "Pekon Contoh, Kota Agung, Tanggamus", "Kapal nelayan Rahmat"),
    ("Siti Aminah", "+6281200000006", "Jl. Contoh Lintas Timur 20, Menggala, Tulang Bawang", "Rumah Siti, dapur"),
    ("Joko Prasetyo", "+6281200000007", "Jl. Contoh Pahlawan 3, Kalianda, Lampung Selatan", "Pos satpam Kalianda"),
)


def owner(number: int) -> Owner:
    name, phone, address, _ = PEOPLE[number % len(PEOPLE)]
    return Owner(id=number + 1, name=name, nik=f"99710000000000{number:02d}", phone=phone, address=address)


class FakeClock:
    """Real time, shifted by hand."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


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


class FakeDisclosures:
    """ports.Disclosures that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, tuple[int, ...]]] = []  # operator, what, incidents

    def shown(self, operator: str, incident_id: int, what: str = "incident") -> None:
        self.told.append((operator, what, (incident_id,)))

    def listed(self, operator: str, incident_ids: Collection[int]) -> None:
        self.told.append((operator, "queue", tuple(incident_ids)))


class FakeSignIns:
    """ports.SignIns that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def signed_in(self, operator: str, by_password: bool) -> None:
        self.told.append(("in", operator, by_password))

    def signed_out(self, operator: str) -> None:
        self.told.append(("out", operator))

    def refused(self, operator: str | None, why: str) -> None:
        self.told.append(("refused", operator, why))


def on_book(
    book: Book, bell: FakeBell, clock: FakeClock, options: ConsoleOptions, maintenance: MaintenanceDesk | None = None
) -> FastAPI:
    """A console on a book; nobody asks whom it showed what."""
    return create_app(
        reader=book,
        operate=book,
        disclosures=FakeDisclosures(),
        sign_ins=FakeSignIns(),
        bell=bell,
        options=options,
        clock=clock,
        maintenance=maintenance,
    )


class Book:
    """Incidents and journal, changed only by events: plain JSON objects with `do` and what belongs to it."""

    def __init__(self, bell: FakeBell) -> None:
        self.bell = bell
        self.broken = False  # as if the disk had gone
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
        self.bell.ring()
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

    def journal_of_incident(self, incident_id: int) -> Sequence[JournalEntry]:
        with self._reading():
            return [entry for entry in self._journal if entry.incident_id == incident_id]

    def last_journal_id(self) -> int:
        with self._reading():
            return len(self._journal)

    def incident(self, incident_id: int) -> Incident | None:
        with self._reading():
            return self._incidents.get(incident_id)

    def open_incidents(self) -> Sequence[Incident]:
        with self._reading():
            return [each for each in self._incidents.values() if each.state is not IncidentState.CLOSED]

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
            raise OSError("disk I/O error")
        return self._lock

    # --- Operate ---

    def seen(self, incident_id: int, operator: str) -> Incident:
        return self._step("seen", incident_id, operator)

    def assign(self, incident_id: int, operator: str, unit: str, eta_minutes: int | None) -> Incident:
        return self._step("assign", incident_id, operator, unit=unit, eta_minutes=eta_minutes)

    def on_scene(self, incident_id: int, operator: str) -> Incident:
        return self._step("on_scene", incident_id, operator)

    def dispatch_held(self, incident_id: int, operator: str) -> Incident:
        return self._step("dispatch", incident_id, operator)

    def close(
        self,
        incident_id: int,
        operator: str,
        disposition: str,
        note: str,
        *,
        presses: int | None = None,
        duress: bool | None = None,
    ) -> Incident:
        found = self.incident(incident_id)
        if found is not None and presses is not None and (found.presses > presses or found.duress is not duress):
            raise OperateError(f"incident {incident_id}: called again")
        return self._step("close", incident_id, operator, disposition=disposition, note=note)

    def _step(self, step: str, incident_id: int, operator: str, **facts: Any) -> Incident:
        with self._reading():
            found = self._incidents.get(incident_id)
        if found is None:
            raise OperateError(f"incident {incident_id} does not exist")
        target = TARGETS.get(step)
        if target is None and not found.held:
            return found
        if found.state is target and all(getattr(found, name) == value for name, value in facts.items()):
            return found
        if found.state is IncidentState.CLOSED:
            if target is IncidentState.CLOSED:
                return found
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
            self._incidents[number] = _opened(number, at_ms, facts)
            self._write(at_ms, journal.INCIDENT_OPENED, number, None, {"counter": number, "kind": "press"})
            return
        if event["do"] == "trial":
            born = replace(_opened(number, at_ms, facts), mode=Mode.TEST, state=IncidentState.CLOSED)
            self._incidents[number] = replace(born, closed_at_ms=at_ms)
            self._write(at_ms, journal.TEST_PRESS, number, None, {"counter": number, "trigger": "hold"})
            return
        if event["do"] == "note":
            self._write(at_ms, facts.pop("kind"), number, event.get("actor"), facts)
            return
        found = self._incidents[number]
        kind, found = _changed(event["do"], found, at_ms, event.get("actor"), facts)
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
SHOWN = ("unit", "eta_minutes", "disposition", "accuracy_m", "fix_age_s")


def _opened(number: int, at_ms: int, facts: dict[str, Any]) -> Incident:
    person = facts.pop("person", number)
    position = None
    if facts.get("latitude") is not None:
        position = Position(
            latitude=facts.pop("latitude"),
            longitude=facts.pop("longitude"),
            accuracy_m=facts.pop("accuracy_m", 35),
            fix_age_s=facts.pop("fix_age_s", 4),
            source=facts.pop("source", "gnss"),
            at_ms=at_ms,
        )
    whose = None if person is None else replace(owner(person), **facts.pop("owner", {}))
    label = PEOPLE[(person or 0) % len(PEOPLE)][3]
    given: dict[str, Any] = {
        "identifier": f"lampung-{number}",
        "mode": Mode(facts.pop("mode", "actual")),
        "state": IncidentState.OPEN,
        "device_id": number.to_bytes(8, "big"),
        "device_label": facts.pop("label", label),
        "registration": RegistrationState(facts.pop("registration", "active")),
        "owner": whose,
        "opening_counter": number,
        "opened_at_ms": at_ms,
        "pressed_at_ms": at_ms - 700,
        "delayed_s": None,
        "position": position,
        "battery": 84,
    }
    return Incident(id=number, **(given | facts))


def _changed(step: str, found: Incident, at_ms: int, actor: str | None, facts: dict[str, Any]) -> tuple[str, Incident]:
    match step:
        case "again":
            return journal.PRESSED_AGAIN, replace(found, presses=found.presses + 1)
        case "move":
            position = Position(source="gnss", at_ms=at_ms, **facts)
            return journal.POSITION, replace(found, position=position)
        case "duress":
            return journal.DURESS, replace(found, duress=True)
        case "copied":
            return journal.KEY_COPIED, replace(found, key_copied=True)
        case "cancel":
            return journal.CANCELLED_BY_HOLDER, replace(found, cancelled_by_holder=True)
        case "seen":
            return journal.SEEN, replace(found, state=IncidentState.SEEN, seen_by=actor, seen_at_ms=at_ms)
        case "assign":
            return journal.ASSIGNED, replace(found, state=IncidentState.ASSIGNED, **facts)
        case "on_scene":
            return journal.ON_SCENE, replace(found, state=IncidentState.ON_SCENE)
        case "dispatch":
            return journal.DISPATCHED_BY_PERSON, replace(found, held=False)
        case "close":
            closed: dict[str, Any] = {"closed_by": actor, "closed_at_ms": at_ms, "note": facts["note"] or None}
            outcome = Disposition(facts["disposition"])
            return journal.CLOSED, replace(found, state=IncidentState.CLOSED, disposition=outcome, **closed)
    raise ValueError(f"no event {step!r}")
