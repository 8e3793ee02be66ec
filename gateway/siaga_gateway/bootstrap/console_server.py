"""The console's part of the front: its pages, on a web server that reports when it is ready and stops on request."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Collection
from datetime import date
from functools import partial
from typing import Any, Final, cast

from fastapi import FastAPI

from siaga_gateway.adapters.interprocess_link import FrontSide, RemotePort
from siaga_gateway.adapters.operations.remote_metrics import PressProcessProbe
from siaga_gateway.adapters.photograph_conversion import PhotographConversion
from siaga_gateway.adapters.sql import SqlStore, open_store
from siaga_gateway.bootstrap.certificate_inventory import CertificateNotice
from siaga_gateway.bootstrap.dispatch import way_faults
from siaga_gateway.bootstrap.http_front.calls import (
    ACCOUNTS,
    ADVISED_OWNER,
    ANSWER_CODE,
    CLOSE_CASE,
    COMMANDS,
    DISCLOSURES,
    DISMISS_OWNER_CASE,
    END_DRILL,
    IMPORTS,
    LIFT_SUSPENSION,
    LONGER_HOLD,
    MACHINE,
    OPERATE,
    ORDER_DRILL,
    PASSED_ON,
    PRESENCE,
    PROTOCOLS,
    REGISTRY,
    SEND_AGAIN,
    SET_CODE_WORDS,
    SET_SIM,
    SHIFTS,
    SIGN_INS,
    STORE_TROUBLE,
    SUSPEND_OWNER,
    TOKENS,
    told_drill,
)
from siaga_gateway.bootstrap.http_front.refused_sign_ins import GatheredSignIns
from siaga_gateway.bootstrap.places_and_people import (
    check_all_places,
    make_drill_choices,
    make_duty,
    make_jurisdictions,
    make_place_preview,
    ways_sent,
)
from siaga_gateway.bootstrap.preflight import StartError, session_secret
from siaga_gateway.bootstrap.streets import streets_of
from siaga_gateway.bootstrap.web_server import WebServer
from siaga_gateway.bootstrap.worker_identity import WorkerIdentity
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.drill import Drill
from siaga_gateway.domain.machine_health import URGENT
from siaga_gateway.domain.owner_cases import OwnerCase
from siaga_gateway.domain.permissions import Permission
from siaga_gateway.domain.places import ContactWay, Finding
from siaga_gateway.domain.sim_card import SimCard
from siaga_gateway.domain.supervision import Case
from siaga_gateway.service.accounts.account_changes import AccountChanges
from siaga_gateway.service.accounts.names_permitted import NamesPermitted
from siaga_gateway.service.accounts.token_changes import TokenChanges
from siaga_gateway.service.delivery.dead_letters import DeadLetters, Undelivered
from siaga_gateway.service.dispatch.drills import Drills, WantedDrill
from siaga_gateway.service.dispatch.list_imports import ListImports
from siaga_gateway.service.dispatch.place_directory import PlaceDirectory
from siaga_gateway.service.dispatch.responders_check import check_responders
from siaga_gateway.service.dispatch.stuck_calls import StuckCalls
from siaga_gateway.service.dispatch.traffic_faults import told_faults
from siaga_gateway.service.downlink.command_port import DeviceCommands
from siaga_gateway.service.fleet.coverage_survey import CoverageReport
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.incidents.console_presence import PresenceNotes, SharedPresence
from siaga_gateway.service.incidents.protocol_book import ProtocolChanges
from siaga_gateway.service.installation.standby_watch import absence
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.operator_port import OperatorActions
from siaga_gateway.service.ports import Clock, Disclosures, SignIns
from siaga_gateway.service.registry.owner_cases import OwnerCases
from siaga_gateway.service.registry.registry_changes import RegistryChanges
from siaga_gateway.service.registry.registry_directory import RegistryDirectory
from siaga_gateway.service.reports.figure_reports import FigureReports
from siaga_gateway.service.reports.shift_book import ShiftChanges, ShiftDirectory
from siaga_gateway.service.store import StoreFailing
from siaga_gateway.web.app import LOOPBACK_HOSTS, ConsoleOptions, VendorMissing, create_app, end_streams, is_upload
from siaga_gateway.web.session.auth import Accounts
from siaga_gateway.web.session.presence import Presence

_TROUBLE_S: Final = 2.0  # within which the press process reports what is wrong


def serve_console(
    settings: Settings,
    side: FrontSide,
    bound: socket.socket,
    clock: Clock,
    on_ready: Callable[[], None],
    alive: Callable[[], None],
    told: threading.Event,
    silent_watchers: Callable[[], Collection[str]],
) -> None:
    """Serve until SIGTERM.

    told: set if the signal came already. silent_watchers: those who should have asked. alive: called every second by
    the loop that answers. Raises: StartError, StoreUnusable.
    """
    store = open_store(settings, clock.now_ms())
    with contextlib.closing(store):
        notifier = JournalNotifier()
        side.start(notifier.ring)
        pulse = PressProcessProbe(side)
        pulse.start()
        sign_ins = GatheredSignIns(cast(SignIns, RemotePort(side, SIGN_INS, asked=False)))
        app = console_app(settings, store, side, notifier, clock, pulse, sign_ins, silent_watchers)
        sign_ins.start()
        try:
            at_end = partial(end_streams, app)
            proxies = settings.console.proxies
            WebServer("console", app, proxies, on_ready, alive, told, at_end, is_upload).run_on(bound)
        finally:
            sign_ins.stop()
            side.end()


class _RemoteMaintenance(MaintenanceCases):
    """Reads here; the press process closes cases."""

    def __init__(
        self, side: FrontSide, store: SqlStore, notifier: JournalNotifier, clock: Clock, settings: Settings
    ) -> None:
        super().__init__(store, notifier, clock, settings.supervision.wanted, settings.local)
        self._side = side

    def close(self, case_id: int, actor: str, note: str, *, level: int | None = None) -> Case:
        return cast(Case, self._side.ask(CLOSE_CASE, case_id, actor, note, level=level))

    def set_sim(self, device_id: bytes, sim: SimCard, actor: str) -> SimCard:
        return cast(SimCard, self._side.ask(SET_SIM, device_id, sim, actor))


class _RemoteOwnerCases(OwnerCases):
    """Reads here; the press process decides."""

    def __init__(
        self, side: FrontSide, store: SqlStore, notifier: JournalNotifier, clock: Clock, settings: Settings
    ) -> None:
        limits, deciders = settings.owner_cases.limits(), NamesPermitted(store, Permission.OWNERS_DECIDE)
        super().__init__(store, notifier, clock, limits, deciders, settings.local)
        self._side = side

    def suspend(self, case_id: int, actor: str, reason: str, until: str) -> OwnerCase:
        return cast(OwnerCase, self._side.ask(SUSPEND_OWNER, case_id, actor, reason, until))

    def dismiss(self, case_id: int, actor: str, reason: str) -> OwnerCase:
        return cast(OwnerCase, self._side.ask(DISMISS_OWNER_CASE, case_id, actor, reason))

    def advised(self, case_id: int, actor: str, reason: str) -> OwnerCase:
        return cast(OwnerCase, self._side.ask(ADVISED_OWNER, case_id, actor, reason))

    def lift(self, case_id: int, actor: str, reason: str) -> OwnerCase:
        return cast(OwnerCase, self._side.ask(LIFT_SUSPENSION, case_id, actor, reason))

    def set_code_words(self, owner_id: int, code: str, duress: str, actor: str) -> None:
        self._side.ask(SET_CODE_WORDS, owner_id, code, duress, actor)


class _RemoteDrills(Drills):
    """Reads here; the press process orders and ends."""

    def __init__(
        self, side: FrontSide, store: SqlStore, notifier: JournalNotifier, clock: Clock, settings: Settings
    ) -> None:
        super().__init__(store, notifier, clock, settings.mode)
        self._side = side

    def order(self, wanted: WantedDrill, actor: str) -> Drill:
        return cast(Drill, self._side.ask(ORDER_DRILL, told_drill(wanted), actor))

    def end(self, drill_id: int, actor: str) -> Drill:
        return cast(Drill, self._side.ask(END_DRILL, drill_id, actor))


class _Deliveries(DeadLetters):
    """Reads here; the press process does what is asked for."""

    def __init__(
        self, side: FrontSide, store: SqlStore, notifier: JournalNotifier, clock: Clock, settings: Settings
    ) -> None:
        super().__init__(store, notifier, clock, [output.name for output in settings.outputs])
        self._side = side
        self._lock = threading.Lock()
        self._warned: tuple[float, list[str]] | None = None

    def send_again(self, delivery_id: int, actor: str) -> None:
        self._side.ask(SEND_AGAIN, delivery_id, actor)

    def passed_on(self, delivery_id: int, actor: str) -> None:
        self._side.ask(PASSED_ON, delivery_id, actor)

    def troubles(self) -> list[str]:
        """Return what operators must know, by name; every open page asks, the store is read every two seconds.

        Raises: StoreFailing."""
        with self._lock:
            if self._warned is None or time.monotonic() - self._warned[0] > _TROUBLE_S:
                self._warned = time.monotonic(), _named(self.undelivered(limit=1))
            return self._warned[1]


def _named(found: Undelivered) -> list[str]:
    return ["outputs_failing"] * bool(found.failing) + ["outputs_gave_up"] * bool(found.given_up)


def _places(settings: Settings, store: SqlStore, side: FrontSide, clock: Clock) -> PlaceDirectory:
    """Read here; the press process takes codes."""

    def today() -> date:
        return settings.site.local.at(clock.now_ms()).date()

    def of_places() -> list[Finding]:
        return check_all_places(settings, store, today(), clock)

    def of_people() -> list[Finding]:
        return check_responders(store, clock.now_ms())

    def answer(key: str, answer: str, actor: str) -> tuple[ContactWay, ...]:
        return tuple(ContactWay(way) for way in side.ask(ANSWER_CODE, key, answer, actor))

    return PlaceDirectory(
        store,
        clock,
        make_duty(settings, store),
        of_places,
        of_people,
        today,
        answer,
        make_place_preview(settings, store, clock),
        lambda: ways_sent(settings, store, clock),
    )


def _presence(settings: Settings, store: SqlStore, side: FrontSide, clock: Clock) -> Presence:
    """Which call is open at which console; told through the store where other machines may have consoles on it."""
    if not settings.store.shared:
        return Presence()
    notes = cast(PresenceNotes, RemotePort(side, PRESENCE, asked=False))
    return Presence(SharedPresence(store, notes, WorkerIdentity().name(settings), clock))


def console_app(
    settings: Settings,
    store: SqlStore,
    side: FrontSide,
    notifier: JournalNotifier,
    clock: Clock,
    pulse: PressProcessProbe,
    sign_ins: SignIns,
    silent_watchers: Callable[[], Collection[str]],
) -> FastAPI:
    """Make the console. Raises: StartError if its browser libraries are missing."""
    options = ConsoleOptions(
        site=settings.whole_site(),
        mode=settings.mode,
        language=settings.language,
        secret=session_secret(settings.data_dir),
        by_name=settings.console.is_reached_from_here_only and not settings.console.operators,
        objections=settings.owner_cases.objections,
        wall_streets=settings.console.wall_streets,
        other_url=settings.console.other_url,
        lock_after_min=settings.accounts.lock_after_min,
        streets=streets_of(settings.site.map),
        street_file=settings.site.map.streets,
        tile_origin=settings.site.map.tile_origin(),
        hosts=(*LOOPBACK_HOSTS, settings.console.host, *settings.console.allowed_hosts),
    )

    deliveries = _Deliveries(side, store, notifier, clock, settings)
    ways = [way.name for way in settings.ways]
    calls = StuckCalls(store, notifier, clock)
    faults = way_faults(settings, store)
    drills = _RemoteDrills(side, store, notifier, clock, settings)

    def machine() -> list[dict[str, Any]]:
        try:
            return list(side.ask(MACHINE, deadline_s=_TROUBLE_S))
        except StoreFailing:
            return []  # a silent press process is reported by itself

    def troubles() -> list[str]:
        found = ["watchers_silent"] if silent_watchers() else []
        try:
            if store.key_fault is not None:
                found.append("personal_key")
            elif store.key_file_fault() is not None:
                found.append("personal_key_file")
            if side.ask(STORE_TROUBLE, deadline_s=_TROUBLE_S):
                found.append("store")
            found += [each["fault"] for each in machine() if each["fault"] in URGENT]
            found += calls.troubles()
            found += ["phone_line"] * any(each.stops for each in faults().values())
            found += ["ways_failing"] if told_faults(store, ways) else []
            found += deliveries.troubles()
            found += ["drill"] * drills.runs()
            found += ["standby"] if absence(store) is not None else []
        except StoreFailing:
            return found  # a failing store and a silent press process are reported by themselves
        return found

    jurisdictions = make_jurisdictions(settings, store, clock)
    shifts = cast(ShiftChanges, RemotePort(side, SHIFTS, asked=True))
    try:
        return create_app(
            reader=store,
            operate=cast(OperatorActions, RemotePort(side, OPERATE, asked=True)),
            disclosures=cast(Disclosures, RemotePort(side, DISCLOSURES, asked=False)),
            sign_ins=sign_ins,
            accounts=Accounts(
                store,
                cast(AccountChanges, RemotePort(side, ACCOUNTS, asked=True)),
                cast(TokenChanges, RemotePort(side, TOKENS, asked=True)),
            ),
            protocols=cast(ProtocolChanges, RemotePort(side, PROTOCOLS, asked=True)),
            commands=cast(DeviceCommands, RemotePort(side, COMMANDS, asked=True)),
            notifier=notifier,
            clock=clock,
            options=options,
            certificates=CertificateNotice(settings.data_dir).read,
            machine=machine,
            places=_places(settings, store, side, clock),
            maintenance=_RemoteMaintenance(side, store, notifier, clock, settings),
            deliveries=deliveries,
            signal=CoverageReport(store, clock),
            figures=FigureReports(store, clock, settings.local, settings.mode),
            owners=_RemoteOwnerCases(side, store, notifier, clock, settings),
            registry=RegistryDirectory(store, clock, cast(RegistryChanges, RemotePort(side, REGISTRY, asked=True))),
            imports=cast(ListImports, RemotePort(side, IMPORTS, asked=True)),
            drills=drills,
            drill_choices=make_drill_choices(settings, store, clock),
            jurisdictions=jurisdictions,
            shifts=ShiftDirectory(store, clock, shifts, jurisdictions.sees),
            longer_hold=partial(side.ask, LONGER_HOLD),
            converted=PhotographConversion().converted,
            messages=settings.message_options(),
            presses=pulse.silent,
            troubles=troubles,
            presence=_presence(settings, store, side, clock),
        )
    except VendorMissing as error:
        raise StartError("passed_on", why=error) from None
