"""Assembles what calls for help: the lists of stations and areas, who is called for a place, and the waves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from siaga_gateway.adapters.road_times import OsrmRoadTimes
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.bootstrap.foundation import Foundation
from siaga_gateway.bootstrap.start_and_stop import Piece
from siaga_gateway.bootstrap.ways import make_way
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.places import ContactWay, Finding, in_order
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.auditor import Auditor
from siaga_gateway.service.dispatch.call_messages import CallMessages, no_link
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.duty_ends import EVERY_S as DUTY_S
from siaga_gateway.service.dispatch.duty_ends import DutyEnds
from siaga_gateway.service.dispatch.ladders import Ladders
from siaga_gateway.service.dispatch.ladders_check import check_ladders
from siaga_gateway.service.dispatch.notification_sender import LONGEST_TRY_S, NotificationSender
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.people import DutyPeople
from siaga_gateway.service.dispatch.places_check import check_places
from siaga_gateway.service.dispatch.places_watch import RESPONDERS, PlacesWatch
from siaga_gateway.service.dispatch.recipients import Recipients
from siaga_gateway.service.dispatch.responder_links import ResponderLinks
from siaga_gateway.service.dispatch.responder_positions import forget_positions
from siaga_gateway.service.dispatch.responders_check import check_responders
from siaga_gateway.service.dispatch.routing import Router
from siaga_gateway.service.dispatch.wave_plan import WavePlanner
from siaga_gateway.service.dispatch.waves import LONGEST_S, Waves
from siaga_gateway.service.dispatch.way_codes import EVERY_S as CODES_S
from siaga_gateway.service.dispatch.way_codes import WayCodes
from siaga_gateway.service.dispatch.way_questions import WayQuestions
from siaga_gateway.service.dispatch.ways import Way
from siaga_gateway.service.incidents.responder_actions import ResponderSteps
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Clock
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
    codes: PeriodicJobs | None = None  # that prove people's ways; None: there is no way to send them

    def wake(self) -> None:
        """Call when the journal may have grown; from any thread."""
        self.waves.wake()

    def pieces(self) -> list[Piece]:
        ways = [Piece(f"connections of way {each.name}", stop=each.close) for each in self.ways]
        senders = [Piece(f"messages by {each.kind}", each.start, each.stop) for each in self.senders]
        codes = [] if self.codes is None else [Piece("codes", self.codes.start, self.codes.stop)]
        return [*ways, *codes, *senders, Piece("waves", self.waves.start, self.waves.stop)]

    def parts(self) -> dict[str, Callable[[], float]]:
        """Return seconds since the last sign of life of each thread, by name."""
        return {"waves": self.waves.silent_s, **{f"way {each.kind}": each.silent_s for each in self.senders}}

    def fault(self) -> str:
        """Return what is wrong with the escalations, for /readyz; empty: nothing."""
        fault = self.auditor.fault()
        return "" if not fault else f"escalations: {fault}"


def make_dispatch(base: Foundation) -> Dispatch:
    """Make them. Raises: SettingsError for a way that cannot be made."""
    settings, store, clock, notifier = base.settings, base.store, base.clock, base.notifier
    router, origins, duty = make_router(settings, store), Origins(store), make_duty(settings, store)
    ways = [make_way(way, settings, clock) for way in settings.ways]
    kinds = dict.fromkeys(way.kind for way in ways)
    ladders = Ladders(
        settings.dispatch.ladder.ladder(),
        {each.station: each.ladder() for each in settings.dispatch.ladders},
        router,
        origins.of,
    )
    senders: list[NotificationSender] = []

    def written() -> None:
        for sender in senders:
            sender.wake()

    waves = Waves(
        store,
        WavePlanner(
            store,
            Recipients(router, origins.of, DutyPeople(duty, settings.dispatch.responders_within_m)),
            ladders.of,
            AlarmLevels(store),
            kinds,
        ),
        notifier,
        clock,
        Lease(store, "waves", base.worker, LONGEST_S),
        written,
        base.guard.met,
    )
    links = make_responder_links(settings, store, clock)
    link = no_link if links is None else links.url
    senders += [
        NotificationSender(
            store,
            [way for way in ways if way.kind is kind],
            ListedAddresses(router, duty, settings.language),
            CallMessages(store, router, origins.of, settings.local, clock, link).message,
            notifier,
            clock,
            Lease(store, f"way {kind}", base.worker, LONGEST_TRY_S),
            waves.wake,
            base.guard.met,
        )
        for kind in kinds
    ]
    auditor = Auditor(store, notifier, clock, waves.adopt, tells=base.identity.first)
    return Dispatch(waves, ways, senders, auditor, duty, _codes(base, ways, duty) if ways else None)


def duty_ends(base: Foundation, dispatch: Dispatch, steps: ResponderSteps) -> Piece:
    """Look whether those who are on their way still are."""
    ends = DutyEnds(base.store, dispatch.duty, steps, base.clock)
    jobs = PeriodicJobs([Job("ends of duty", DUTY_S, ends.work, shared=True)], Leases(base.store, base.worker), "duty")
    return Piece("ends of duty", jobs.start, jobs.stop)


def _codes(base: Foundation, ways: Sequence[Way], duty: Duty) -> PeriodicJobs:
    store, clock = base.store, base.clock
    kinds = {way.kind for way in ways}

    def busy() -> bool:
        due = (store.next_notification_ms(kind) for kind in kinds)
        return any(at_ms is not None and at_ms <= clock.now_ms() for at_ms in due)

    codes = WayCodes(WayQuestions(store, clock, duty), ways, clock, base.settings.local, busy)
    return PeriodicJobs([Job("codes", CODES_S, codes.work, shared=True)], Leases(store, base.worker), "codes")


def make_responder_links(settings: Settings, store: SqlStore, clock: Clock) -> ResponderLinks | None:
    """Return what makes links for messages; None: there is no page."""
    page = settings.responder_page
    if page.port is None or page.public_url is None:
        return None
    return ResponderLinks(store, page.public_url, clock)


def make_router(settings: Settings, store: SqlStore) -> Router:
    return Router(store, settings.site.local.zone, settings.dispatch.border_tolerance_m)


def places_watch(settings: Settings, store: SqlStore, notifier: JournalNotifier, clock: Clock) -> PlacesWatch:
    """Watch what is wrong with stations and areas."""

    def today() -> date:
        return settings.site.local.at(clock.now_ms()).date()

    def check() -> list[Finding]:
        return check_all_places(settings, store, today())

    return PlacesWatch(store, clock, notifier, check, today)


def check_all_places(settings: Settings, store: SqlStore, today: date) -> list[Finding]:
    """Return what is wrong with stations, areas and ladders, the worst first. Raises: StoreFailing."""
    dispatch = settings.dispatch
    found = check_places(
        store,
        today=today.toordinal(),
        verified_within_days=dispatch.verified_within_days,
        tolerance_m=dispatch.border_tolerance_m,
    )
    own = {each.station: each.ladder() for each in dispatch.ladders}
    ways = {ContactWay(way.kind) for way in settings.ways}
    return in_order([*found, *check_ladders(store, dispatch.ladder.ladder(), own, ways)])


def responders_watch(settings: Settings, store: SqlStore, notifier: JournalNotifier, clock: Clock) -> PlacesWatch:
    """Watch what is wrong with officers and patrols."""
    return PlacesWatch(
        store,
        clock,
        notifier,
        lambda: check_responders(store, clock.now_ms()),
        lambda: settings.site.local.at(clock.now_ms()).date(),
        RESPONDERS,
    )


def position_expiry(settings: Settings, store: SqlStore, clock: Clock) -> Callable[[], None]:
    """Return a job that forgets where people were, days ago."""

    def forget() -> None:
        forget_positions(store, clock, settings.retention.responder_positions_days)

    return forget


def make_duty(settings: Settings, store: SqlStore) -> Duty:
    return Duty(
        store,
        settings.site.local.zone,
        detour_percent=settings.dispatch.detour_percent,
        fresh_s=settings.dispatch.position_fresh_s,
        roads=None if settings.dispatch.osrm is None else OsrmRoadTimes(settings.dispatch.osrm),
    )
