"""Assembles what calls for help: the lists of stations and areas, and who is called for a place."""

from __future__ import annotations

from datetime import date

from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.places import Finding
from siaga_gateway.service.dispatch.places_check import check_places
from siaga_gateway.service.dispatch.places_watch import PlacesWatch
from siaga_gateway.service.dispatch.routing import Router
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.ports import Clock


def make_router(settings: Settings, store: SqlStore) -> Router:
    return Router(store, settings.site.local.zone, settings.dispatch.border_tolerance_m)


def places_watch(settings: Settings, store: SqlStore, notifier: JournalNotifier, clock: Clock) -> PlacesWatch:
    """Watch what is wrong with stations and areas."""

    def today() -> date:
        return settings.site.local.at(clock.now_ms()).date()

    def check() -> list[Finding]:
        return check_places(
            store,
            today=today().toordinal(),
            verified_within_days=settings.dispatch.verified_within_days,
            tolerance_m=settings.dispatch.border_tolerance_m,
        )

    return PlacesWatch(store, clock, notifier, check, today)
