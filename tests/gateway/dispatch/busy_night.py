"""An hour of a busy night, its time compressed: buttons, an operator who sleeps, ways that fail, a restart; officers
and a patrol who answer, a drill, an earthquake.

Real are the store, ingest, the waves, the senders, the steps of operator and responders, and the jobs beside them;
played are buttons, people and the services that take messages. Nothing sleeps: time goes to whatever comes next.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Final

from gateway.dispatch.called_district import on_ntfy
from gateway.dispatch.listed_places import AREAS, DISTRICT, at
from gateway.dispatch.night_people import NightPeople
from gateway.dispatch.night_ways import DEAD, NightTelephone, NightWay
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.ingest_harness import NOW_MS, IngestHarness
from gateway.ways.modem_place import Telephone
from pressing_button import PressingButton
from siaga_gateway.domain.cluster import ClusterLimits
from siaga_gateway.domain.escalation import fault
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.frame import Flags, Kind
from siaga_gateway.domain.incident import Incident, IncidentState, Mode
from siaga_gateway.domain.local_time import IN_UTC
from siaga_gateway.domain.notification import Notification, key_of
from siaga_gateway.domain.places import Contact, ContactWay, Station
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.domain.value import copied
from siaga_gateway.service.dispatch.addressees import Addressee
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.auditor import Auditor
from siaga_gateway.service.dispatch.call_messages import CallMessages
from siaga_gateway.service.dispatch.clusters import Clusters
from siaga_gateway.service.dispatch.drills import DrillEnds, Drills, WantedDrill
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_ends import DutyEnds
from siaga_gateway.service.dispatch.keyed_answers import KeyedAnswers
from siaga_gateway.service.dispatch.notification_sender import NotificationSender
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.people import DutyPeople
from siaga_gateway.service.dispatch.recipients import Recipients
from siaga_gateway.service.dispatch.responder_links import ResponderLinks
from siaga_gateway.service.dispatch.routing import Router
from siaga_gateway.service.dispatch.text_codes import TextCodes
from siaga_gateway.service.dispatch.wave_plan import WavePlanner
from siaga_gateway.service.dispatch.waves import LONGEST_S, Waves
from siaga_gateway.service.dispatch.ways import PersonalMessage
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.incidents.promises import Promises
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperateError
from siaga_gateway.service.scheduling.lease import Lease

MINUTE_MS = 60_000
PRESSES = 300
BUTTONS = 40
ASLEEP_MS = (20 * MINUTE_MS, 30 * MINUTE_MS)
NTFY_DOWN_MS = (10 * MINUTE_MS, 13 * MINUTE_MS)
RESTART_MS = 28 * MINUTE_MS
DRILL_MS = (5 * MINUTE_MS, 30 * MINUTE_MS)
LISTED = ("station:polsek-nw", "responder:dewi", "responder:citra")
QUAKE_MS = 22 * MINUTE_MS
SHAKEN = 12  # buttons within 100 m
WAYS: Final = (ContactWay.NTFY, ContactWay.TELEGRAM, ContactWay.SMS, ContactWay.PHONE)
ENDS = ("verified", "verified", "not_needed", "unfounded", "accidental", "technical", "abuse")


def _station(station: Station) -> Station:
    """Told by ntfy, one by Telegram too; the Polda's telephone rings, the others' radio is for a person to call."""
    ntfy = on_ntfy(station).contacts[0]
    if station.key == "polda":
        return copied(station, contacts=(ntfy, *station.contacts))
    chat = (Contact(ContactWay.TELEGRAM, f"chat-{station.key}"),) if station.key == DEAD else ()
    return copied(station, contacts=(ntfy, Contact(ContactWay.RADIO, station.key), *chat))


class BusyNight:
    """Call `live`, then look."""

    def __init__(self, folder: Path, line: Telephone, seed: int = 7) -> None:
        """line: a simulated modem that is on."""
        self.random = random.Random(seed)
        self.desk = IngestHarness(folder)
        self.store = self.desk.store
        self.clock = ManualClock(NOW_MS)
        with self.store.transaction() as transaction:
            transaction.change_places()
            transaction.put_stations([_station(each) for each in DISTRICT])
            transaction.put_areas(AREAS)
        self.sent = SentAnswers()
        self.buttons = [self._button(number) for number in range(BUTTONS)]
        self.drilled = [self.desk.button() for _ in range(5)]
        self.shaken = [self.desk.button() for _ in range(SHAKEN)]
        self.events: list[tuple[int, int, Callable[[], None]]] = []
        self._number = count()
        self.people = NightPeople(self.store, self.clock, self._at)
        self.phone = NightTelephone(self.clock, line)
        ways = [
            NightWay(ContactWay.NTFY, self.clock, NTFY_DOWN_MS, unknown_every=97),
            NightWay(ContactWay.TELEGRAM, self.clock),
            NightWay(ContactWay.SMS, self.clock, unknown_every=19, repeats_recognised=False),
            self.phone,
        ]
        self.ways: dict[ContactWay, NightWay] = {each.kind: each for each in ways}
        for each in ways:
            each.read = self.people.read
        self.due: dict[ContactWay, int] = {}  # when something is to be sent next
        self.anew: set[ContactWay] = set()  # for which that may have changed
        self.faults: list[str] = []
        self.late: list[tuple[int, str]] = []
        self.ended: dict[int, str] = {}  # incident: how the operator ended it
        self._start_gateway()

    def _button(self, number: int) -> PressingButton:
        suspended = number % 10 == 9
        return self.desk.button(RegistrationState.SUSPENDED if suspended else RegistrationState.ACTIVE)

    def _start_gateway(self) -> None:
        """What a start of the gateway makes anew."""
        self.anew.update(WAYS)
        self.desk = IngestHarness.again(self.desk)
        store, clock, notifier, keyring = self.store, self.clock, JournalNotifier(), self.desk.keyring
        router, origins, self.duty = Router(store, UTC, 100), Origins(store), Duty(store, UTC)
        self.waves = Waves(
            store,
            WavePlanner(
                store,
                Recipients(router, origins.of, DutyPeople(self.duty, 6_000), store.drill),
                lambda incident, now_ms: Ladder("Contoh"),
                AlarmLevels(store),
                WAYS,
            ),
            notifier,
            clock,
            Lease(store, "waves", "worker", LONGEST_S),
            lambda: self.anew.update(WAYS),
        )
        self.operator = IncidentActions(store, keyring, self.sent, notifier, clock, outputs=["cad"])
        steps = ResponderSteps(store, keyring, self.sent, notifier, clock, outputs=["cad"])
        self.people.start(self.duty, steps, self.sent)
        links = ResponderLinks(store, "https://siaga.example", clock)
        codes = TextCodes(store, [*self.people.numbers.values()], clock)
        messages = CallMessages(store, router, origins.of, IN_UTC, clock, links, codes.code)

        def compose(incident: Incident, notification: Notification, addressee: Addressee) -> PersonalMessage:
            if not notification.is_responder and notification.way is not ContactWay.PHONE:
                return PersonalMessage("Panggilan", addressee.name, None, True, notification.expires_at_ms)
            self.people.meant[key_of(incident.identifier, notification)] = notification
            return messages.message(incident, notification, addressee)

        self.senders = [
            NotificationSender(
                store,
                [way],
                ListedAddresses(router, self.duty, "id"),
                compose,
                notifier,
                clock,
                Lease(store, f"way {way.kind}", "worker", 20.0),
                expect=messages.expect,
                answers=KeyedAnswers(store, self.operator, steps, "id"),
            )
            for way in self.ways.values()
        ]
        self.auditor = Auditor(store, notifier, clock, self.waves.adopt)
        self.drills = Drills(store, notifier, clock, Mode.ACTUAL)
        self.drill_ends = DrillEnds(store, self.drills, clock, lambda: clock.at_ms / 1000)
        self.clusters = Clusters(store, notifier, clock, ClusterLimits())
        self.duty_ends = DutyEnds(store, self.duty, steps, clock)
        self.promises = Promises(store, self.duty, AfterStep(keyring, self.sent, notifier, lambda: None), clock)

    # The hour

    def live(self) -> None:
        for _ in range(PRESSES):
            button = self.random.choice(self.buttons)
            self._at(self.random.randrange(60 * MINUTE_MS), lambda pressed=button: self._press(pressed))
        self._at(RESTART_MS, self._restart)
        for second in range(0, 3_600, 5):
            self._at(second * 1_000, self._audit)
        self._plan_drill()
        for number, button in enumerate(self.shaken):
            place = at(1.5 + number / 10_000, 0.5)
            self._at(QUAKE_MS + number * 2_500, lambda one=button, place=place: self._press_at(one, place))
        while self.events:
            self._go_on()
        self._finish()

    def _plan_drill(self) -> None:
        """Of its five buttons one stays an exercise until it is closed, one beyond the drill's end; the others' become
        real: by a second press, by duress, by the operator's word. The first one's next press is none."""
        place = at(0.5, 1.5)
        wanted = WantedDrill("Latihan contoh", tuple(each.device_id for each in self.drilled), LISTED, 25)
        for each in self.drilled:
            self._at(MINUTE_MS, lambda one=each: self._take(one.follow(Kind.CHECKIN, self.clock.at_ms // 1_000)))
        self._at(DRILL_MS[0], lambda: self.drills.order(wanted, "Siti"))
        closed, again, forced, said, lasting = self.drilled
        for minute, button in ((8, closed), (9, again), (11, forced), (12, said), (27, lasting), (45, closed)):
            self._at(minute * MINUTE_MS, lambda one=button: self._press_at(one, place))
        self._at(9 * MINUTE_MS + 20_000, lambda: self._press_at(again, place, again=True))
        self._at(
            11 * MINUTE_MS + 20_000,
            lambda: self._take(forced.follow(Kind.CANCEL, self.clock.at_ms // 1_000, flags=Flags.DURESS)),
        )
        self._at(12 * MINUTE_MS + 20_000, lambda: self.operator.make_real(self._open(said)[0].id, "Siti"))

    def _open(self, button: PressingButton) -> Sequence[Incident]:
        return [each for each in self.store.open_incidents() if each.device_id == button.device_id]

    def _at(self, ms: int, event: Callable[[], None]) -> None:
        heappush(self.events, (ms, next(self._number), event))

    def _go_on(self) -> None:
        """Go to whatever comes next: an event, a step of the ladder, another try of a message."""
        times = [self.events[0][0] + NOW_MS] if self.events else []
        times += [self.store.next_escalation_ms() or 0, *self.due.values()]
        self.clock.at_ms = max(self.clock.at_ms, min(at_ms for at_ms in times if at_ms))
        while self.events and self.events[0][0] + NOW_MS <= self.clock.at_ms:
            heappop(self.events)[2]()
        self.work()

    def work(self) -> None:
        """Until nothing is due, here or because of what came of it."""
        going = True
        while going:
            while self.waves.work():
                pass
            going = False
            for sender in self.senders:
                if sender.kind in self.anew or 0 < self.due[sender.kind] <= self.clock.at_ms:
                    going |= self._send(sender)

    def _send(self, sender: NotificationSender) -> bool:
        """Send what is due. Returns whether there was something."""
        way, sent = self.ways[sender.kind], False
        self.anew.discard(sender.kind)
        while 0 < self._next_ms(way) <= self.clock.at_ms:
            sender.work()
            sent = True
            if sender._queue.empty():
                break
            sender._queue.put(None)
            sender._send()
            sender._record()  # without beginning the next, for which time may go on
        self.due[way.kind] = self._next_ms(way)
        return sent

    def _next_ms(self, way: NightWay) -> int:
        """When something is to be sent by it; 0: nothing."""
        next_ms = self.store.next_notification_ms(way.kind)
        return 0 if next_ms is None else max(next_ms, way.free_ms)

    def _press(self, button: PressingButton) -> None:
        place = at(self.random.uniform(0.05, 1.95), self.random.uniform(0.05, 1.95))
        now_s = self.clock.at_ms // 1_000
        fix = _fix(place)
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
        self._take(raw)

    def _press_at(self, button: PressingButton, place: tuple[int, int], *, again: bool = False) -> None:
        self._take(button.press(self.clock.at_ms // 1_000, again=again, **_fix(place)))

    def _take(self, raw: bytes) -> None:
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
                self._close(incident_id, "Siti")
        except OperateError as error:
            self.faults.append(str(error))
        pauses = (30_000, 480_000, 600_000)
        if step < 3 and self.random.random() < 0.9:
            at_ms = self.clock.at_ms - NOW_MS + round(pauses[step] * self.random.uniform(0.3, 1.4))
            self._at(at_ms, lambda: self._step(incident_id, step + 1))

    def _close(self, incident_id: int, who: str) -> None:
        self.ended[incident_id] = ENDS[incident_id % len(ENDS)]
        self.operator.close(incident_id, who, self.ended[incident_id], "")

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
                if sender.kind is not ContactWay.PHONE:  # nobody has been called yet
                    work.way.send(work.address, work.message, work.key)
                    self.ways[sender.kind].lost.add(work.key)
        self._start_gateway()

    def _audit(self) -> None:
        now_ms = self.clock.at_ms
        for incident in self.store.open_incidents():
            found = self.store.escalation_of(incident.id)
            if found is not None and (wrong := fault(found, now_ms)) not in (None, "late"):
                self.late.append((incident.id, str(wrong)))
        for job in (self.clusters, self.drill_ends):
            job.work()
        for each in (self.duty_ends, self.promises) if now_ms % 10_000 == 0 else ():
            each.work()
        self.auditor.work()
        if self.auditor.fault():
            self.late.append((0, self.auditor.fault()))

    def _finish(self) -> None:
        """The operator closes what is open, and what is still to be sent is."""
        for incident in self.store.open_incidents():
            if incident.held:
                self.operator.dispatch_held(incident.id, "Budi")
            self._close(incident.id, "Budi")
        for _ in range(40):
            self.clock.at_ms += 10_000
            self.work()

    def notifications(self, incident_id: int) -> list[Notification]:
        return list(self.store.notifications_of(incident_id))


def _fix(place: tuple[int, int]) -> dict[str, int]:
    return {"latitude": place[0], "longitude": place[1], "accuracy": 10, "fix_age": 1, "source": 1}
