"""The console as one ASGI application; the bootstrap passes in the store, the use cases and the notifier."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fastapi import Depends, FastAPI

from siaga_gateway.domain.errors import Unusable
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.limits import LARGEST_LIST
from siaga_gateway.domain.operator_message import MessageOptions
from siaga_gateway.domain.site import Site
from siaga_gateway.domain.street_map import StreetMap
from siaga_gateway.service.delivery.dead_letters import DeadLetters
from siaga_gateway.service.dispatch.call_directory import CallDirectory
from siaga_gateway.service.dispatch.drill_choices import DrillChoices
from siaga_gateway.service.dispatch.drills import Drills
from siaga_gateway.service.dispatch.jurisdictions import Jurisdictions
from siaga_gateway.service.dispatch.list_imports import ListImports
from siaga_gateway.service.dispatch.place_directory import PlaceDirectory
from siaga_gateway.service.downlink.command_port import DeviceCommands
from siaga_gateway.service.fleet.coverage_survey import CoverageReport
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.incidents.protocol_book import ProtocolChanges
from siaga_gateway.service.operator_port import OperatorActions
from siaga_gateway.service.ports import Clock, Disclosures, Notifier, SignIns
from siaga_gateway.service.registry.owner_cases import OwnerCases
from siaga_gateway.service.registry.registry_directory import RegistryDirectory
from siaga_gateway.service.reports.figure_reports import FigureReports
from siaga_gateway.service.reports.shift_book import ShiftDirectory
from siaga_gateway.web.accounts import routes as pages_of_accounts
from siaga_gateway.web.accounts import token_routes
from siaga_gateway.web.api import openapi
from siaga_gateway.web.api.stream import PROGRAMS
from siaga_gateway.web.console import (
    actions,
    area_map,
    base_map,
    call_backs,
    incident_report,
    lock,
    majors,
    map_layers,
    map_search,
    message_steps,
    nearest_units,
    pages,
    protocol_page,
    readings,
    search,
    street_tiles,
)
from siaga_gateway.web.console import deliveries as pages_of_deliveries
from siaga_gateway.web.console import drills as pages_of_drills
from siaga_gateway.web.console import places as pages_of_places
from siaga_gateway.web.maintenance import button_page, fleet_map, work_page
from siaga_gateway.web.maintenance import routes as pages_of_maintenance
from siaga_gateway.web.maintenance import signal as pages_of_signal
from siaga_gateway.web.owners import import_routes as pages_of_imports
from siaga_gateway.web.owners import profile_routes as pages_of_profiles
from siaga_gateway.web.owners import registry_routes as pages_of_registry
from siaga_gateway.web.owners import routes as pages_of_owners
from siaga_gateway.web.reports import routes as pages_of_figures
from siaga_gateway.web.session.auth import Accounts, Sessions
from siaga_gateway.web.session.bearer import BearerTokens, brings_token
from siaga_gateway.web.session.console_reader import ConsoleReader
from siaga_gateway.web.session.context import ConsoleContext
from siaga_gateway.web.session.error_answers import add_error_answers, failed
from siaga_gateway.web.session.ladder_changes import LadderChanges
from siaga_gateway.web.session.live import MOST, LiveStreams
from siaga_gateway.web.session.photograph_uploads import Uploads
from siaga_gateway.web.session.presence import Presence
from siaga_gateway.web.session.route_guard import permitted
from siaga_gateway.web.session.security_headers import LARGEST_BODY, RequestGuard, headers_with_tiles
from siaga_gateway.web.session.sign_in import SignIn
from siaga_gateway.web.session.walls import Walls
from siaga_gateway.web.shift import routes as pages_of_shifts
from siaga_gateway.web.static_files import PackedFiles
from siaga_gateway.web.wall import routes as wall_page

STATIC: Final = Path(__file__).with_name("static")
LOOPBACK_HOSTS: Final = ("127.0.0.1", "localhost", "::1")


class VendorMissing(Unusable):
    """The browser libraries were not built; the text names the command that builds them."""


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """The console's options from the settings."""

    site: Site
    mode: Mode
    language: str  # for a browser that has not chosen: id | en
    secret: bytes = field(repr=False)  # 32 bytes or more, kept across restarts, or each one signs everyone out
    by_name: bool = True  # without any account, whoever reaches the console types just a name; on loopback only
    hosts: tuple[str, ...] = LOOPBACK_HOSTS  # names and addresses by which browsers open it, without port
    tick_s: float = 5.0
    objections: str | None = None  # where an owner objects to a suspension
    other_url: str | None = None  # of the console of a second machine
    streets: Callable[[], StreetMap | None] = lambda: None  # called from threads; a SiagaError says why there are none
    street_file: Path | None = None  # whose tiles browsers fetch
    tile_origin: str | None = None  # from which they may fetch others
    wall_streets: bool = False  # the wall shows streets, without their houses
    lock_after_min: int = 0  # a screen is locked when nobody has touched the computer for so long; 0: never
    watchdog_s: float = 15.0  # silence after which the page calls the link dead


def create_app(
    *,
    reader: ConsoleReader,
    operate: OperatorActions,
    disclosures: Disclosures,
    sign_ins: SignIns,
    accounts: Accounts,
    notifier: Notifier,
    options: ConsoleOptions,
    clock: Clock,
    maintenance: MaintenanceCases | None = None,
    places: PlaceDirectory | None = None,
    deliveries: DeadLetters | None = None,
    figures: FigureReports | None = None,
    signal: CoverageReport | None = None,
    owners: OwnerCases | None = None,
    registry: RegistryDirectory | None = None,
    imports: ListImports | None = None,
    drills: Drills | None = None,
    drill_choices: DrillChoices | None = None,
    jurisdictions: Jurisdictions | None = None,
    longer_hold: Callable[[int, str, str], int] | None = None,
    converted: Callable[[bytes], bytes] | None = None,
    messages: MessageOptions = MessageOptions(),  # noqa: B008 - a value
    protocols: ProtocolChanges | None = None,
    commands: DeviceCommands | None = None,
    shifts: ShiftDirectory | None = None,
    certificates: Callable[[], Sequence[Mapping[str, Any]]] = tuple,
    machine: Callable[[], Sequence[Mapping[str, Any]]] = tuple,
    presses: Callable[[], str] = lambda: "",
    troubles: Callable[[], Collection[str]] = tuple,
    presence: Presence | None = None,
) -> FastAPI:
    """Make the console.

    reader, operate, disclosures, sign_ins, accounts: called from threads. longer_hold: asks an owner's buttons
    for another hold, see service.downlink.longer_hold. converted: makes a small JPEG of what somebody uploads; called
    from threads; may raise Refused. notifier: used in the event loop. presses: returns why none are
    taken now, or an empty text; never blocks. troubles: returns what operators must know about the gateway
    now; each name has a banner with the text `console.js.trouble_<name>`; called from threads, never raises. presence:
    None: of these consoles alone.

    Raises: VendorMissing if static/vendor was not built. Call `end_streams` before the server waits for its connections
    to end: a live stream never ends by itself.
    """
    if not (STATIC / "vendor" / "vendor.json").is_file():
        raise VendorMissing("start.no_vendor")
    ladders = LadderChanges(reader, clock)

    who_is_where = presence or Presence()

    def live_streams(most: int, told: Presence | None = None) -> LiveStreams:
        return LiveStreams(
            reader, notifier, clock, options.tick_s, lambda: not presses(), troubles, ladders, most, told
        )

    programs = BearerTokens(accounts, clock)
    sessions = Sessions(accounts, options.secret, clock, by_name=options.by_name)
    guard = [Depends(permitted)]
    app = FastAPI(title="Siaga", docs_url=None, redoc_url=None, openapi_url=None, dependencies=guard)
    app.state.context = ConsoleContext(
        reader=reader,
        directory=CallDirectory(reader),
        operate=operate,
        disclosures=disclosures,
        clock=clock,
        streams=live_streams(MOST, who_is_where),
        presence=who_is_where,
        program_streams=live_streams(PROGRAMS),
        troubles=troubles,
        sessions=sessions,
        sign_in=SignIn(sessions, options.secret, clock),
        sign_ins=sign_ins,
        programs=programs,
        walls=Walls(programs, options.secret),
        wall_streets=options.wall_streets,
        site=options.site,
        mode=options.mode,
        language=options.language,
        watchdog_ms=round(options.watchdog_s * 1000),
        lock_after_ms=options.lock_after_min * 60_000,
        maintenance=maintenance,
        places=places,
        deliveries=deliveries,
        figures=figures,
        signal=signal,
        owners=owners,
        registry=registry,
        photographs=None if converted is None else Uploads(converted),
        imports=imports,
        longer_hold=longer_hold,
        messages=messages,
        objections=options.objections,
        other_url=options.other_url,
        streets=options.streets,
        street_file=options.street_file,
        drills=drills,
        drill_choices=drill_choices,
        jurisdictions=jurisdictions,
        protocols=protocols,
        commands=commands,
        shifts=shifts,
        certificates=certificates,
        machine=machine,
        presses=presses,
    )
    app.include_router(base_map.router)  # before the folder that it stands in
    app.mount("/static", PackedFiles(directory=STATIC), name="static")
    app.include_router(pages.router)
    app.include_router(lock.router)
    app.include_router(readings.router)
    app.include_router(incident_report.router)
    app.include_router(search.router)
    app.include_router(actions.router)
    app.include_router(call_backs.router)
    app.include_router(message_steps.router)
    app.include_router(pages_of_deliveries.router)
    app.include_router(pages_of_drills.router)
    app.include_router(majors.router)
    app.include_router(nearest_units.router)
    app.include_router(protocol_page.router)
    app.include_router(pages_of_shifts.router)
    app.include_router(wall_page.router)
    app.include_router(pages_of_places.router)
    app.include_router(area_map.router)
    app.include_router(map_layers.router)
    app.include_router(map_search.router)
    app.include_router(street_tiles.router)
    app.include_router(pages_of_maintenance.router)
    app.include_router(fleet_map.router)
    app.include_router(button_page.router)
    app.include_router(work_page.router)
    app.include_router(pages_of_figures.router)
    app.include_router(pages_of_signal.router)
    app.include_router(pages_of_owners.router)
    app.include_router(pages_of_accounts.router)
    app.include_router(pages_of_imports.router)
    app.include_router(token_routes.router)
    app.include_router(pages_of_registry.router)
    app.include_router(pages_of_profiles.router)
    for each in (*openapi.ROUTERS, openapi.router):
        app.include_router(each)
    add_error_answers(app)
    headers = headers_with_tiles(options.tile_origin)
    app.add_middleware(
        RequestGuard,
        hosts=options.hosts,
        failed=failed,
        headers=headers,
        largest=largest_body,
        by_token=brings_token,
    )
    return app


def is_upload(path: str) -> bool:
    """Whether a file comes to this path, which takes longer than a form."""
    return pages_of_imports.is_upload(path) or pages_of_profiles.is_upload(path)


def largest_body(path: str) -> int:
    """Return how many bytes a POST to this path may have."""
    return LARGEST_LIST + LARGEST_BODY if pages_of_imports.is_upload(path) else pages_of_profiles.largest_body(path)


def end_streams(app: FastAPI) -> None:
    """End every live stream and every wait for a password check, so that a stopping server need not wait for them.

    Call in the event loop.
    """
    context: ConsoleContext = app.state.context
    context.streams.close()
    context.program_streams.close()
    context.sign_in.close()
