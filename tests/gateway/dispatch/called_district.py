"""A real store with incidents in the invented district, the waves that call for them, and an operator."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC
from pathlib import Path

from databases import Place
from gateway import sample_store
from gateway.dispatch.listed_places import AREAS, DISTRICT, at
from gateway.fake_ports import ManualClock, SentAnswers
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.escalation_state import Escalation
from siaga_gateway.domain.incident import Incident, Position
from siaga_gateway.domain.notification import Notification, NotificationState
from siaga_gateway.domain.places import Contact, ContactWay, Point, Station
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.drill_choices import DrillChoices
from siaga_gateway.service.dispatch.drill_preview import CallPreview
from siaga_gateway.service.dispatch.ladders import Ladders
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.recipients import People, Recipient, Recipients
from siaga_gateway.service.dispatch.routing import PressOrigin, Router
from siaga_gateway.service.dispatch.wave_plan import WavePlanner
from siaga_gateway.service.dispatch.waves import LONGEST_S, Waves
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Clock
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.store import Store

NTFY, PHONE = ContactWay.NTFY, ContactWay.PHONE
IN_SW = at(0.3, 0.3)
LADDER = Ladder("Contoh")


def on_ntfy(station: Station) -> Station:
    contacts = (Contact(NTFY, f"https://ntfy.example/{station.key}"), *station.contacts)
    return copied(station, contacts=contacts)


class NoPeople:
    """Implements recipients.People where nobody but stations is known."""

    def near(self, place: Point | None, now_ms: int) -> Sequence[Recipient]:
        return ()

    def chiefs(self, stations: Collection[str], now_ms: int) -> Sequence[Recipient]:
        return ()

    def everyone(self, stations: Collection[str], now_ms: int) -> Sequence[Recipient]:
        return ()

    def person(self, key: str) -> Recipient | None:
        return None


class CalledDistrict:
    """All stations of listed_places.DISTRICT can be told by ntfy, and be called by hand."""

    def __init__(
        self,
        folder: Path | Place,
        *,
        stations: Collection[Station] = tuple(on_ntfy(each) for each in DISTRICT),
        ways: Collection[ContactWay] = (NTFY,),
        people: People | None = None,
    ) -> None:
        self.store = sample_store.new_store(folder)
        sample_store.with_device(self.store)
        with self.store.transaction() as transaction:
            transaction.change_places()
            transaction.put_stations(stations)
            transaction.put_areas(AREAS)
        self.clock = ManualClock(sample_store.NOW_MS)
        self.router = Router(self.store, UTC, 100)
        self.people = people or NoPeople()
        self.ways = ways
        self.waves = self.made(self.store)
        sent, keyring = SentAnswers(), KeyRing(self.store, sample_store.GATEWAY_KEY)
        self.operator = IncidentActions(self.store, keyring, sent, JournalNotifier(), self.clock, outputs=[])
        self.waves.work()

    def made(self, store: Store, worker: str = "worker 1") -> Waves:
        """The waves of another worker, or of the same one after a restart."""
        return Waves(
            store,
            WavePlanner(
                store,
                Recipients(self.router, _origin, self.people, store.drill),
                lambda incident, now_ms: LADDER,
                AlarmLevels(store),
                self.ways,
            ),
            JournalNotifier(),
            self.clock,
            Lease(store, "waves", worker, LONGEST_S),
        )

    def restore(self) -> None:
        """The store comes from a backup, and the gateway starts."""
        with self.store.transaction() as transaction:
            transaction.remember("waves.store", "another")
        self.waves = self.made(self.store)

    def press(self, place: Point | None = IN_SW, counter: int = 1, *, held: bool = False) -> Incident:
        incident = sample_store.open_incident(self.store, counter, held=held)
        if place is not None:
            position = Position(*place, 10, 0, "gnss", self.clock.now_ms())
            incident = copied(incident, position=position)
            with self.store.transaction() as transaction:
                transaction.put_incident(incident)
        self.note(incident, journal.INCIDENT_OPENED)
        return incident

    def spoil(self, incident: Incident) -> None:
        """From now on the incident cannot be read: a bit was flipped, or a later version wrote it."""
        with self.store.engine.transaction() as session:
            session.run("UPDATE incident SET call_back = 'calmed' WHERE id = ?", (incident.id,))

    def note(self, incident: Incident, kind: str, **facts: object) -> None:
        with self.store.transaction() as transaction:
            transaction.note(kind, self.clock.now_ms(), facts, incident_id=incident.id)

    def go_on(self, seconds: float = 0) -> None:
        self.clock.at_ms += round(seconds * 1000)
        while self.waves.work():
            pass

    def state(self, incident: Incident) -> Escalation:
        found = self.store.escalation_of(incident.id)
        assert found is not None
        return found

    def told(self, incident: Incident, way: ContactWay = NTFY) -> Sequence[Notification]:
        return [each for each in self.store.notifications_of(incident.id) if each.way is way]

    def whom(self, incident: Incident, rung: str, way: ContactWay = NTFY) -> set[str]:
        """Who was told by the calls of a rung."""
        return {each.recipient.partition(":")[2] for each in self.told(incident, way) if each.rung == rung}

    def hand_over(self) -> None:
        """All that waits is handed over."""
        with self.store.transaction() as transaction:
            for incident in self.store.open_incidents():
                waiting = [each for each in self.told(incident) if each.state is NotificationState.PENDING]
                transaction.put_notifications(
                    [copied(each, state=NotificationState.HANDED_OVER, next_at_ms=None) for each in waiting]
                )

    def called(self, incident: Incident) -> list[str]:
        return [
            str(entry.facts["rung"])
            for entry in self.store.journal_of_incident(incident.id)
            if entry.kind == journal.CALLED
        ]

    def close(self) -> None:
        self.store.close()


def _origin(incident: Incident) -> PressOrigin:
    place = incident.place
    return PressOrigin() if place is None else PressOrigin(place[:2])


def choices_of(store: Store, clock: Clock) -> DrillChoices:
    router, origins = Router(store, UTC, 100), Origins(store)
    preview = CallPreview(store, router, origins, NoPeople(), Ladders(LADDER, {}, router, origins.of))
    return DrillChoices(store, router, clock, preview)
