"""An hour of a busy night, its time compressed: buttons, an operator who sleeps, ways that fail, a restart.

Real are the store, ingest, the waves, the senders and the operator's steps; played are the buttons, the people and the
services that take messages. Nothing sleeps: time goes to whatever comes next.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from gateway.dispatch.called_district import NoPeople, on_ntfy
from gateway.dispatch.listed_places import AREAS, DISTRICT, at
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import NOW_MS, IngestHarness
from pressing_button import PressingButton
from siaga_gateway.domain.escalation import fault
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.frame import Flags, Kind
from siaga_gateway.domain.incident import Incident, IncidentState
from siaga_gateway.domain.notification import Notification
from siaga_gateway.domain.places import Contact, ContactWay, Station
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.auditor import Auditor
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.notification_sender import Addressee, NotificationSender
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.recipients import Recipients
from siaga_gateway.service.dispatch.routing import Router
from siaga_gateway.service.dispatch.wave_plan import WavePlanner
from siaga_gateway.service.dispatch.waves import LONGEST_S, Waves
from siaga_gateway.service.dispatch.ways import Budget, HandedOver, PersonalMessage
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import NotDelivered, OperateError
from siaga_gateway.service.scheduling.lease import Lease

MINUTE_MS = 60_000
PRESSES = 300
BUTTONS = 60
ASLEEP_MS = (20 * MINUTE_MS, 32 * MINUTE_MS)
NTFY_DOWN_MS = (10 * MINUTE_MS, 13 * MINUTE_MS)
RESTART_MS = 30 * MINUTE_MS
DEAD = "polsek-ne"  # its Telegram chat has blocked the gateway
WAYS = (ContactWay.NTFY, ContactWay.TELEGRAM)


@dataclass
class NightWay:
    """A service that keeps what it took, by key."""

    kind: ContactWay
    clock: ManualClock
    down_ms: tuple[int, int] = (0, 0)
    unknown_every: int = 0  # so often it takes a message and the answer is lost
    budget: Budget = Budget()  # noqa: RUF009 - a value
    at_once: int = 4
    repeats_recognised: bool = True
    taken: Counter[str] = field(default_factory=Counter)
    lost: set[str] = field(default_factory=set)  # keys whose answer was lost
    tries: int = 0

    @property
    def name(self) -> str:
        return str(self.kind)

    def send(self, address: str, message: PersonalMessage, key: str) -> HandedOver | NotDelivered:
        self.tries += 1
        if self.down_ms[0] <= self.clock.at_ms - NOW_MS < self.down_ms[1]:
            return NotDelivered("503")
        if self.kind is ContactWay.TELEGRAM and DEAD in address:
            return NotDelivered("403", permanent=True)
        self.taken[key] += 1
        if self.unknown_every and self.tries % self.unknown_every == 0:
            self.lost.add(key)
            return NotDelivered("timeout", unknown=True)
        return HandedOver("200", str(self.tries))

    def close(self) -> None: ...


def _station(station: Station) -> Station:
    chat = Contact(ContactWay.TELEGRAM, f"chat-{station.key}")
    made = on_ntfy(station)
    return copied(made, contacts=(*made.contacts, chat))


class BusyNight:
    """Call `live`, then look."""

    def __init__(self, folder: Path, seed: int = 7) -> None:
        self.random = random.Random(seed)
        self.desk = IngestHarness(folder)
        self.store = self.desk.store
        self.clock = ManualClock(NOW_MS)
        with self.store.transaction() as transaction:
            transaction.change_places()
            transaction.put_stations([_station(each) for each in DISTRICT])
            transaction.put_areas(AREAS)
        self.ways = [
            NightWay(ContactWay.NTFY, self.clock, NTFY_DOWN_MS, unknown_every=97),
            NightWay(ContactWay.TELEGRAM, self.clock),
        ]
        self.sent = SentAnswers()
        self.buttons = [self._button(number) for number in range(BUTTONS)]
        self.events: list[tuple[int, int, Callable[[], None]]] = []
        self._number = count()
        self.faults: list[str] = []
        self.late: list[tuple[int, str]] = []
        self._start_gateway()

    def _button(self, number: int) -> PressingButton:
        suspended = number % 10 == 9
        return self.desk.button(RegistrationState.SUSPENDED if suspended else RegistrationState.ACTIVE)

    def _start_gateway(self) -> None:
        """What a start of the gateway makes anew."""
        self.desk = IngestHarness.again(self.desk)
        router, origins = Router(self.store, UTC, 100), Origins(self.store)
        self.waves = Waves(
            self.store,
            WavePlanner(
                self.store,
                Recipients(router, origins.of, NoPeople()),
                lambda incident, now_ms: Ladder("Contoh"),
                AlarmLevels(self.store),
                WAYS,
            ),
            JournalNotifier(),
            self.clock,
            Lease(self.store, "waves", "worker", LONGEST_S),
        )
        self.senders = [
            NotificationSender(
                self.store,
                [way],
                ListedAddresses(router, Duty(self.store, UTC), "id"),
                _compose,
                JournalNotifier(),
                self.clock,
                Lease(self.store, f"way {way.kind}", "worker", 20.0),
            )
            for way in self.ways
        ]
        self.operator = IncidentActions(
            self.store, self.desk.keyring, self.sent, JournalNotifier(), self.clock, outputs=["cad"]
        )
        self.auditor = Auditor(self.store, JournalNotifier(), self.clock, self.waves.adopt)

    # The hour

    def live(self) -> None:
        for _ in range(PRESSES):
            button = self.random.choice(self.buttons)
            self._at(self.random.randrange(60 * MINUTE_MS), lambda pressed=button: self._press(pressed))
        self._at(RESTART_MS, self._restart)
        for second in range(0, 3_600, 5):
            self._at(second * 1_000, self._audit)
        while self.events:
            self._go_on()
        self._finish()

    def _at(self, ms: int, event: Callable[[], None]) -> None:
        heappush(self.events, (ms, next(self._number), event))

    def _go_on(self) -> None:
        """Go to whatever comes next: an event, a step of the ladder, another try of a message."""
        times = [self.events[0][0] + NOW_MS] if self.events else []
        times += [self.store.next_escalation_ms() or 0, *(self.store.next_notification_ms(way) or 0 for way in WAYS)]
        self.clock.at_ms = max(self.clock.at_ms, min(at_ms for at_ms in times if at_ms))
        while self.events and self.events[0][0] + NOW_MS <= self.clock.at_ms:
            heappop(self.events)[2]()
        self.work()

    def work(self) -> None:
        while self.waves.work():
            pass
        for sender in self.senders:
            for _ in range(2):  # what is begun, and what came of it
                sender.work()
                sender._queue.put(None)
                sender._send()
            sender.work()
        while self.waves.work():
            pass

    def _press(self, button: PressingButton) -> None:
        place = at(self.random.uniform(0.05, 1.95), self.random.uniform(0.05, 1.95))
        now_s = self.clock.at_ms // 1_000
        fix = {"latitude": place[0], "longitude": place[1], "accuracy": 10, "fix_age": 1, "source": 1}
        match self.random.randrange(12):
            case 0:
                raw = button.press(now_s, test=True)
            case 1:
                raw = button.follow(Kind.CANCEL, now_s, flags=Flags.DURESS, **fix)
            case 2:
                raw = button.press(now_s)
            case 3:
                raw = button.press(now_s, again=True, **fix)
            case 4:
                raw = button.follow(Kind.UPDATE, now_s, **fix)
            case _:
                raw = button.press(now_s, **fix)
        self.desk.now_ms = self.clock.at_ms
        before = {each.id for each in self.store.open_incidents()}
        self.desk.take(raw)
        for incident in self.store.open_incidents():
            if incident.id not in before:
                self._wake_operator(incident)

    def _wake_operator(self, incident: Incident) -> None:
        """The operator takes it up after some seconds, unless he sleeps; sometimes he forgets one."""
        at_ms = self.clock.at_ms - NOW_MS + self.random.randrange(3_000, 45_000)
        if ASLEEP_MS[0] <= at_ms < ASLEEP_MS[1]:
            at_ms = ASLEEP_MS[1] + self.random.randrange(60_000)
        self._at(at_ms, lambda: self._step(incident.id, 0))

    def _step(self, incident_id: int, step: int) -> None:
        incident = self.store.incident(incident_id)
        if incident is None or incident.state is IncidentState.CLOSED:
            return
        if step == 0 and incident.held:
            self.operator.dispatch_held(incident_id, "Siti")
        try:
            if step == 0:
                self.operator.seen(incident_id, "Siti")
            elif step == 1:
                self.operator.assign(incident_id, "Siti", f"Patroli {incident_id % 9}", 8)
            elif step == 2:
                self.operator.on_scene(incident_id, "Siti")
            else:
                self.operator.close(incident_id, "Siti", "verified", "")
        except OperateError as error:
            self.faults.append(str(error))
        pauses = (30_000, 480_000, 600_000)
        if step < 3 and self.random.random() < 0.9:
            at_ms = self.clock.at_ms - NOW_MS + round(pauses[step] * self.random.uniform(0.3, 1.4))
            self._at(at_ms, lambda: self._step(incident_id, step + 1))

    def _restart(self) -> None:
        """The gateway is killed while messages are on their way: taken, and nobody wrote it down."""
        self._press(self.buttons[0])
        while self.waves.work():
            pass
        for sender in self.senders:
            sender.work()
            while not sender._queue.empty():
                work = sender._queue.get()
                assert work is not None
                work.way.send(work.address, work.message, work.key)
                self.ways[WAYS.index(sender.kind)].lost.add(work.key)
        self._start_gateway()

    def _audit(self) -> None:
        now_ms = self.clock.at_ms
        for incident in self.store.open_incidents():
            found = self.store.escalation_of(incident.id)
            if found is not None and (wrong := fault(found, now_ms)) not in (None, "late"):
                self.late.append((incident.id, str(wrong)))
        self.auditor.work()
        if self.auditor.fault():
            self.late.append((0, self.auditor.fault()))

    def _finish(self) -> None:
        """The operator closes what is open, and what is still to be sent is."""
        for incident in self.store.open_incidents():
            if incident.held:
                self.operator.dispatch_held(incident.id, "Budi")
            self.operator.close(incident.id, "Budi", "verified", "")
        for _ in range(40):
            self.clock.at_ms += 10_000
            self.work()

    def notifications(self, incident_id: int) -> list[Notification]:
        return list(self.store.notifications_of(incident_id))


def _compose(incident: Incident, notification: Notification, addressee: Addressee) -> PersonalMessage:
    return PersonalMessage("Panggilan", addressee.name, None, True, notification.expires_at_ms)
