"""The trips of an incident through rules, steps, store and snapshots, on a program whose Incident has one more field,
`extra_mark`: says what each trip made of it. See gateway/sql/test_one_more_field.py, which makes that program."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from databases import Place
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from pressing_button import PressingButton, at, report_body
from siaga_gateway.domain.frame import Flags, Kind
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal.notifier import JournalNotifier

MARK = "contoh"


class Given(Place):
    """A place that another process has made."""

    def __init__(self, kind: str, folder: Path, conninfo: str) -> None:
        self.kind = kind
        self._folder = folder
        self.conninfo = conninfo
        self._migrated = False


class Trip:
    """One desk and what was found so far, by step."""

    def __init__(self, desk: IngestHarness) -> None:
        self.desk = desk
        self.found: dict[str, Any] = {}
        clock = ManualClock(NOW_MS + 5_000)
        self.operator = IncidentActions(
            desk.store, desk.keyring, SentAnswers(), JournalNotifier(), clock, outputs=["cad"]
        )

    def give(self, incident: Incident) -> None:
        with self.desk.store.transaction() as transaction:
            given: Any = {"extra_mark": MARK}
            transaction.put_incident(replace(incident, **given))

    def see(self, step: str, incident_id: int) -> None:
        """In its row, in its last notice, and as one who remembers nothing reads it."""
        store = self.desk.store
        now = store.incident(incident_id)
        told = [each for each in store.pending("cad") if each.incident_id == incident_id]
        last = store.notices(told)[told[-1].id].incident if told else None
        self.found[step] = [None if each is None else getattr(each, "extra_mark", "no field") for each in (now, last)]

    def everything(self) -> None:
        desk = self.desk
        button = desk.button()
        desk.take(button.press(NOW_S, **at()))
        incident = desk.only()
        self.see("born", incident.id)
        self.give(incident)
        first = button.opening
        for kind, more in (
            (Kind.UPDATE, at(latitude=-54_100_000)),
            (Kind.CANCEL, {}),
            (Kind.TAMPER, {"flags": int(Flags.DURESS)}),
        ):
            desk.take(button.follow(kind, NOW_S, **more))
            self.see(kind.name.lower(), incident.id)
        desk.take(button.press(NOW_S, again=True))
        self.see("press", incident.id)
        assert first is not None
        desk.take(button.frame(Kind.PRESS, first, report_body(NOW_S, battery=11)))
        self.see("contradiction", incident.id)
        for step, made in {
            "seen": lambda: self.operator.seen(incident.id, "Siti"),
            "assign": lambda: self.operator.assign(incident.id, "Siti", "Patroli 12", 6),
            "on_scene": lambda: self.operator.on_scene(incident.id, "Siti"),
            "close": lambda: self.operator.close(incident.id, "Siti", "verified", "diamankan"),
            "add_note": lambda: self.operator.add_note(incident.id, "Siti", "selesai"),
        }.items():
            made()
            self.see(step, incident.id)
        desk.take(button.follow(Kind.UPDATE, NOW_S, **at(latitude=-54_000_000)))
        self.see("late", incident.id)
        self.held(desk.button(RegistrationState.SUSPENDED))

    def held(self, button: PressingButton) -> None:
        self.desk.take(button.press(NOW_S))
        incident = self.desk.only()
        self.give(incident)
        self.operator.dispatch_held(incident.id, "Siti")
        self.see("dispatch_held", incident.id)


def main(kind: str, old: str, old_conninfo: str, new: str, new_conninfo: str) -> None:
    """old: where a store is that the program of today made; new: where there is none yet."""
    store = Given(kind, Path(old), old_conninfo).open(NOW_MS)
    (known,) = store.open_incidents()
    pending = store.pending("cad")
    told = [notice.incident for notice in store.notices(pending).values()]
    marks = [getattr(each, "extra_mark", "no field") for each in (known, *told)]
    store.close()
    desk = IngestHarness(Given(kind, Path(new), new_conninfo))
    trip = Trip(desk)
    trip.everything()
    desk.close()
    print(json.dumps({"program": sys.modules[Incident.__module__].__file__, "old": marks, "found": trip.found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
