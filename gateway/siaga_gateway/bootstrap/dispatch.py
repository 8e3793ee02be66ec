"""Assembles what calls for help: the lists of stations and areas, who is called for a place, and the waves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.places_and_people import make_duty, make_ladders, make_router
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.bootstrap.ways import checked_subscription, make_way, vapid_key
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.settings import Settings
from siaga_gateway.config.ways import PhoneSettings, PushSettings, TelegramSettings, TextSettings
from siaga_gateway.domain.owner_cases import DAY_MS
from siaga_gateway.domain.places import ContactWay
from siaga_gateway.domain.triage_signs import TriageLimits
from siaga_gateway.formats.webpush import public_key
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.auditor import Auditor
from siaga_gateway.service.dispatch.call_messages import CallMessages, no_code
from siaga_gateway.service.dispatch.clusters import EVERY_S as CLUSTERS_S
from siaga_gateway.service.dispatch.clusters import Clusters
from siaga_gateway.service.dispatch.drills import EVERY_S as DRILLS_S
from siaga_gateway.service.dispatch.drills import DrillEnds, Drills
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_ends import EVERY_S as DUTY_S
from siaga_gateway.service.dispatch.duty_ends import DutyEnds
from siaga_gateway.service.dispatch.keyed_answers import KeyedAnswers
from siaga_gateway.service.dispatch.moved_chats import MovedChats
from siaga_gateway.service.dispatch.notification_sender import LONGEST_TRY_S, NotificationSender
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.people import DutyPeople
from siaga_gateway.service.dispatch.push_devices import EVERY_S as PUSH_S
from siaga_gateway.service.dispatch.push_devices import PushDevices, WatchedPush
from siaga_gateway.service.dispatch.recipients import Recipients
from siaga_gateway.service.dispatch.responder_links import ResponderLinks
from siaga_gateway.service.dispatch.sender_lease import KindsSent, SenderLease
from siaga_gateway.service.dispatch.text_codes import TextCodes
from siaga_gateway.service.dispatch.text_numbers import TextNumbers
from siaga_gateway.service.dispatch.wave_plan import WavePlanner
from siaga_gateway.service.dispatch.waves import LONGEST_S, Waves
from siaga_gateway.service.dispatch.way_changes import EVERY_S as CHANGES_S
from siaga_gateway.service.dispatch.way_changes import WayChanges
from siaga_gateway.service.dispatch.way_codes import EVERY_S as CODES_S
from siaga_gateway.service.dispatch.way_codes import WayCodes
from siaga_gateway.service.dispatch.way_faults import Fault, WayFaults, faults_of
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.dispatch.way_traffic import WayTraffic, traffic_of
from siaga_gateway.service.dispatch.ways import TalkingWay, WatchedWay, Way
from siaga_gateway.service.incidents.after_step import AfterStep
from siaga_gateway.service.incidents.exercise_ends import EVERY_S as EXERCISES_S
from siaga_gateway.service.incidents.exercise_ends import ExerciseEnds
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.incidents.promises import EVERY_S as PROMISES_S
from siaga_gateway.service.incidents.promises import Promises
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.ports import AcknowledgementSender, Clock
from siaga_gateway.service.scheduling.lease import Lease
from siaga_gateway.service.scheduling.periodic_jobs import Job, Leases, PeriodicJobs


@dataclass(frozen=True, slots=True)
class Dispatch:
    """The worker that drives the escalations, the senders of its messages, and who watches over them."""

    waves: Waves
    ways: Sequence[Way]
    senders: Sequence[NotificationSender]
    auditor: Auditor
    duty: Duty
    calls_wait: Callable[[], bool]  # whether a message for help waits for its service; may raise StoreFailing
    codes: PeriodicJobs | None = None  # that prove people's ways; None: there is no way to send them
    faults: Sequence[WayFaults] = ()  # of ways with a part of their own on this machine
    push: PushDevices | None = None  # None: nobody is told by web push
    traffic: Mapping[str, WayTraffic] = field(default_factory=dict)  # of each way by name

    def wake(self) -> None:
        """Call when the journal may have grown; from any thread."""
        self.waves.wake()

    def pieces(self) -> list[Piece]:
        ways = [Piece(f"connections of way {each.name}", stop=each.close) for each in self.ways]
        senders = [Piece(f"messages by {each.kind}", each.start, each.stop) for each in self.senders]
        codes = [] if self.codes is None else [Piece("codes", self.codes.start, self.codes.stop)]
        looks = [Piece("look at a way", each.start, each.stop) for each in self.faults]
        # First of all: a call under way would hold the end up for a minute.
        calls = [
            Piece(f"calls by {each.name}", stop=each.hang_up) for each in self.ways if isinstance(each, TalkingWay)
        ]
        return [*ways, *looks, *codes, *senders, Piece("waves", self.waves.start, self.waves.stop), *calls]

    def parts(self) -> dict[str, Callable[[], float]]:
        """Return seconds since the last sign of life of each thread, by name."""
        return {"waves": self.waves.silent_s, **{f"way {each.kind}": each.silent_s for each in self.senders}}

    def ways_failing(self) -> dict[str, str]:
        """Return which ways to people take nothing, by name: failing, spent."""
        return {name: kind for each in self.senders for name, kind in each.faults().items()}

    def fault(self) -> str:
        """Return what is wrong with the escalations, for /readyz; empty: nothing."""
        fault = self.auditor.fault()
        return "" if not fault else f"escalations: {fault}"


def make_dispatch(base: Foundation, keyed: Callable[[], KeyedAnswers]) -> Dispatch:
    """Make them. keyed: makes what takes the keys of calls, if there are any. Raises: SettingsError for a way that
    cannot be made."""
    settings, store, clock, notifier = base.settings, base.store, base.clock, base.notifier
    record = settings.owner_cases
    router, origins, duty = make_router(settings, store), Origins(store), make_duty(settings, store)
    push = _push(settings, store, clock)
    ways = [make_way(way, settings, clock, MovedChats(store).note) for way in settings.ways]
    if push is not None:
        ways = [WatchedPush(way, push.gone, push.taken) if way.kind is ContactWay.PUSH else way for way in ways]
    kinds = dict.fromkeys(way.kind for way in ways)
    ladders = make_ladders(settings, router, origins)
    senders: list[NotificationSender] = []

    def written() -> None:
        for sender in senders:
            sender.wake()

    waves = Waves(
        store,
        WavePlanner(
            store,
            Recipients(router, origins.of, DutyPeople(duty, settings.dispatch.responders_within_m), store.drill),
            ladders.of,
            AlarmLevels(store, TriageLimits(pranks=record.pranks, history_ms=record.days * DAY_MS)),
            kinds,
            KindsSent(store, clock).now,
        ),
        notifier,
        clock,
        Lease(store, "waves", base.worker, LONGEST_S),
        written,
        base.guard.met,
    )
    looks: dict[str, WayFaults] = {}  # by way

    def able(kind: ContactWay) -> bool:
        return not all(way.name in looks and looks[way.name].stops() for way in ways if way.kind is kind)

    leases = {
        kind: SenderLease(
            store,
            kind,
            base.worker,
            LONGEST_TRY_S,
            clock,
            # The workers of one machine share its modems.
            able=(lambda: True) if settings.machine is None else partial(able, kind),
            notes=settings.store.shared,
        )
        for kind in kinds
    }
    looks |= {
        way.name: WayFaults(store, notifier, clock, way, leases[way.kind].sure)
        for way in ways
        if isinstance(way, WatchedWay)
    }
    answers = keyed() if any(isinstance(way, TalkingWay) for way in ways) else None
    links = make_responder_links(settings, store, clock)
    read_back = _read_back(settings)
    code = TextCodes(store, [TextNumbers(store, kind) for kind in read_back], clock).code if read_back else no_code
    traffic = {
        way.name: traffic_of(way, looks[way.name].stops) if way.name in looks else traffic_of(way) for way in ways
    }
    for kind in kinds:
        coded = code if kind in read_back else no_code
        messages = CallMessages(store, router, origins.of, settings.local, clock, links, coded)
        senders.append(
            NotificationSender(
                store,
                [way for way in ways if way.kind is kind],
                ListedAddresses(router, duty, settings.language, store.owner),
                messages.message,
                notifier,
                clock,
                leases[kind],
                waves.wake,
                base.guard.met,
                messages.expect,
                answers if any(way.kind is kind and isinstance(way, TalkingWay) for way in ways) else None,
                traffic,
            )
        )
    auditor = Auditor(store, notifier, clock, waves.adopt, tells=base.identity.first)

    def calls_wait() -> bool:
        due = (store.next_notification_ms(kind) for kind in kinds)
        return any(at_ms is not None and at_ms <= clock.now_ms() for at_ms in due)

    codes = _codes(base, ways, duty, calls_wait, traffic, push, lambda kind: leases[kind].sure()) if ways else None
    return Dispatch(waves, ways, senders, auditor, duty, calls_wait, codes, [*looks.values()], push, traffic)


def _push(settings: Settings, store: SqlStore, clock: Clock) -> PushDevices | None:
    """Raises: SettingsError for a key that cannot be used."""
    way = next((way for way in settings.ways if isinstance(way, PushSettings)), None)
    if way is None:
        return None
    try:
        return PushDevices(store, clock, checked_subscription(way), public_key(vapid_key(way.vapid_key)))
    except ValueError as error:
        raise SettingsError("settings.way", name=way.name, why=error) from None


def keyed_answers(base: Foundation, sender: AcknowledgementSender, grown: Callable[[], None]) -> KeyedAnswers:
    """Make what takes the keys of calls. grown: called after each answer, when outbox and journal may have grown."""
    names = tuple(output.name for output in base.outputs)
    told = (base.store, base.keyring, sender, base.notifier, base.clock)
    desk = IncidentActions(*told, outputs=names, committed=grown, local=base.settings.local)
    people = ResponderSteps(*told, outputs=names, committed=grown, local=base.settings.local)
    return KeyedAnswers(base.store, desk, people, base.settings.language)


def way_faults(settings: Settings, store: SqlStore) -> Callable[[], dict[str, Fault]]:
    """Return what tells the faults of ways, by name, from any process. Raises: StoreFailing."""
    watched = [way.name for way in settings.ways if isinstance(way, PhoneSettings)]
    return lambda: faults_of(store, watched)


def under_way(
    base: Foundation, dispatch: Dispatch, steps: ResponderSteps, link: AcknowledgementSender, grown: Callable[[], None]
) -> Piece:
    """Look whether those on their way still are, tell the holder if they are late, and end what is left of drills.

    grown: called when the journal may have grown.
    """
    ends = DutyEnds(base.store, dispatch.duty, steps, base.clock)
    after = AfterStep(base.keyring, link, base.notifier, grown)
    promises = Promises(base.store, dispatch.duty, after, base.clock)
    exercises = ExerciseEnds(base.store, after, base.clock, [output.name for output in base.outputs])
    wanted = [
        Job("ends of duty", DUTY_S, ends.work, shared=True),
        Job("promised times", PROMISES_S, promises.work, shared=True),
        Job("exercises after their drill", EXERCISES_S, exercises.work, shared=True),
    ]
    jobs = PeriodicJobs(wanted, Leases(base.store, base.worker), "duty")
    return Piece("under way", jobs.start, jobs.stop)


def _codes(
    base: Foundation,
    ways: Sequence[Way],
    duty: Duty,
    busy: Callable[[], bool],
    traffic: Mapping[str, WayTraffic],
    push: PushDevices | None,
    mine: Callable[[ContactWay], bool],
) -> PeriodicJobs:
    store, clock = base.store, base.clock
    read_back = _read_back(base.settings)
    codes = WayCodes(WayQuestions(store, clock, duty), ways, clock, base.settings.local, busy, read_back, traffic, mine)
    changes = WayChanges(store, duty, ways, clock, base.settings.local, busy, traffic, mine)
    # Whoever sends on a way sends its codes.
    jobs = [Job("codes", CODES_S, codes.work), Job("changed ways", CHANGES_S, changes.work)]
    if push is not None:
        jobs.append(Job("browsers", PUSH_S, push.work))
    return PeriodicJobs(jobs, Leases(store, base.worker), "codes")


def _read_back(settings: Settings) -> frozenset[ContactWay]:
    """Return the kinds of ways on which people may write back. Of several by which one person is told each must."""
    read: dict[ContactWay, bool] = {}
    for way in settings.ways:
        if isinstance(way, TextSettings | TelegramSettings):
            kind = ContactWay(way.kind)
            read[kind] = read.get(kind, True) and way.read_back
    return frozenset(kind for kind, is_read in read.items() if is_read)


def drill_ends(base: Foundation) -> Piece:
    """End the drills whose time is over."""
    store, clock = base.store, base.clock
    ends = DrillEnds(store, Drills(store, base.notifier, clock, base.settings.mode), clock)
    jobs = PeriodicJobs([Job("ends of drills", DRILLS_S, ends.work, shared=True)], Leases(store, base.worker), "drills")
    return Piece("ends of drills", jobs.start, jobs.stop)


def major_incidents(base: Foundation) -> Piece:
    """Find the calls that belong to one major incident."""
    store = base.store
    clusters = Clusters(store, base.notifier, base.clock, base.settings.clusters.limits())
    job = Job("major incidents", CLUSTERS_S, clusters.work, shared=True)
    jobs = PeriodicJobs([job], Leases(store, base.worker), "major incidents")
    return Piece("major incidents", jobs.start, jobs.stop)


def make_responder_links(settings: Settings, store: SqlStore, clock: Clock) -> ResponderLinks | None:
    """Return what makes links for messages; None: there is no page."""
    page = settings.responder_page
    if page.port is None or page.public_url is None:
        return None
    return ResponderLinks(store, page.public_url, clock)
