"""Assembles what knows stations, areas and people: who would be called for a place, what is wrong with the lists."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date

from siaga_gateway.adapters.road_times import OsrmRoadTimes
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.places import ContactWay, Finding, in_order
from siaga_gateway.service.dispatch.drill_choices import DrillChoices
from siaga_gateway.service.dispatch.drill_preview import CallPreview
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.jurisdictions import Jurisdictions
from siaga_gateway.service.dispatch.ladders import Ladders
from siaga_gateway.service.dispatch.ladders_check import check_ladders
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.people import DutyPeople
from siaga_gateway.service.dispatch.place_preview import PlacePreview
from siaga_gateway.service.dispatch.places_check import check_places
from siaga_gateway.service.dispatch.places_watch import RESPONDERS, PlacesWatch
from siaga_gateway.service.dispatch.responder_positions import forget_positions
from siaga_gateway.service.dispatch.responders_check import check_responders
from siaga_gateway.service.dispatch.routing import Router
from siaga_gateway.service.dispatch.sender_lease import KindsSent
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Clock


def make_router(settings: Settings, store: SqlStore) -> Router:
    return Router(store, settings.site.local.zone, settings.dispatch.border_tolerance_m)


def make_duty(settings: Settings, store: SqlStore) -> Duty:
    return Duty(
        store,
        settings.site.local.zone,
        detour_percent=settings.dispatch.detour_percent,
        fresh_s=settings.dispatch.position_fresh_s,
        roads=None if settings.dispatch.osrm is None else OsrmRoadTimes(settings.dispatch.osrm),
    )


def make_ladders(settings: Settings, router: Router, origins: Origins) -> Ladders:
    own = {each.station: each.ladder() for each in settings.dispatch.ladders}
    return Ladders(settings.dispatch.ladder.ladder(), own, router, origins.of)


def ways_sent(settings: Settings, store: SqlStore, clock: Clock) -> Collection[ContactWay]:
    """Return on which kinds of ways a program sends, here or at another machine. Raises: StoreFailing."""
    return {ContactWay(way.kind) for way in settings.ways} | {*KindsSent(store, clock).now()}


def make_place_preview(settings: Settings, store: SqlStore, clock: Clock) -> PlacePreview:
    """Return what tells whom a press at a place would call."""
    router, duty = make_router(settings, store), make_duty(settings, store)
    people = DutyPeople(duty, settings.dispatch.responders_within_m)
    ladders = make_ladders(settings, router, Origins(store))
    return PlacePreview(store, router, people, ladders, lambda: ways_sent(settings, store, clock))


def make_jurisdictions(settings: Settings, store: SqlStore, clock: Clock) -> Jurisdictions:
    return Jurisdictions(make_router(settings, store), Origins(store), clock)


def make_drill_choices(settings: Settings, store: SqlStore, clock: Clock) -> DrillChoices:
    router, origins, duty = make_router(settings, store), Origins(store), make_duty(settings, store)
    people = DutyPeople(duty, settings.dispatch.responders_within_m)
    preview = CallPreview(store, router, origins, people, make_ladders(settings, router, origins))
    return DrillChoices(store, router, clock, preview)


def check_all_places(settings: Settings, store: SqlStore, today: date, clock: Clock) -> list[Finding]:
    """Return what is wrong with stations, areas and ladders, the worst first. Raises: StoreFailing."""
    dispatch = settings.dispatch
    found = check_places(
        store,
        today=today.toordinal(),
        verified_within_days=dispatch.verified_within_days,
        tolerance_m=dispatch.border_tolerance_m,
    )
    own = {each.station: each.ladder() for each in dispatch.ladders}
    ways = ways_sent(settings, store, clock)
    return in_order([*found, *check_ladders(store, dispatch.ladder.ladder(), own, ways)])


def places_watch(settings: Settings, store: SqlStore, notifier: JournalNotifier, clock: Clock) -> PlacesWatch:
    """Watch what is wrong with stations and areas."""

    def today() -> date:
        return settings.site.local.at(clock.now_ms()).date()

    def check() -> list[Finding]:
        return check_all_places(settings, store, today(), clock)

    return PlacesWatch(store, clock, notifier, check, today)


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
