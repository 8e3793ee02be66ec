"""What every route of the console needs, and who is asking."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup

from siaga_gateway.catalogue import LANGUAGES, text
from siaga_gateway.domain import call_back, limits, operator_name
from siaga_gateway.domain.errors import Refused
from siaga_gateway.domain.frame import LONGEST_ETA
from siaga_gateway.domain.incident import Disposition, Mode
from siaga_gateway.domain.invisible_characters import visible
from siaga_gateway.domain.operator_message import LONGEST_MESSAGE, MessageOptions
from siaga_gateway.domain.owner_profile import MOST_PEOPLE
from siaga_gateway.domain.permissions import Permission
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
from siaga_gateway.service.ports import Clock, Disclosures, SignIns
from siaga_gateway.service.registry.owner_cases import OwnerCases
from siaga_gateway.service.registry.registry_directory import RegistryDirectory
from siaga_gateway.service.reports.figure_reports import FigureReports
from siaga_gateway.service.reports.shift_book import ShiftDirectory
from siaga_gateway.web.session.auth import Session, Sessions
from siaga_gateway.web.session.bearer import BearerTokens, is_api
from siaga_gateway.web.session.console_reader import ConsoleReader
from siaga_gateway.web.session.field_widths import WIDTHS
from siaga_gateway.web.session.jurisdiction import JurisdictionReader
from siaga_gateway.web.session.live import LiveStreams
from siaga_gateway.web.session.photograph_uploads import Uploads
from siaga_gateway.web.session.presence import Presence
from siaga_gateway.web.session.sign_in import SignIn
from siaga_gateway.web.session.theme import COOKIE, Theme, theme_named
from siaga_gateway.web.session.walls import Walls

LANGUAGE_COOKIE: Final = "siaga_language"


def shown(value: object) -> object:
    """Escape whatever a template places: no hidden character gets into an attribute or between tags."""
    return visible(value, lines=True) if isinstance(value, str) and not isinstance(value, Markup) else value


@pass_context
def _clock_time(context: Context, unix_ms: int) -> Markup:
    """A time of today, or with its day; the page corrects it at midnight, see clock.js."""
    told = context["console"].site.local.clock(unix_ms, context["now_ms"])
    return Markup('<time data-at="{}">{}</time>').format(unix_ms, told)


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=shown,
    auto_reload=False,  # a thousand cards would look at their templates' files thousands of times
)
_templates.globals["dispositions"] = tuple(Disposition)
_templates.globals["themes"] = tuple(Theme)
_templates.globals["limits"] = {
    "operator": operator_name.LONGEST,
    "password": limits.LONGEST_PASSWORD,
    "unit": limits.LONGEST_UNIT,
    "eta": LONGEST_ETA,
    "note": limits.LONGEST_NOTE,
    "message": LONGEST_MESSAGE,
    "people": MOST_PEOPLE,
    "word": call_back.LONGEST,
    "search": limits.LONGEST_SEARCH,
    **WIDTHS,
}
_templates.filters["clock_time"] = _clock_time


@dataclass(frozen=True, slots=True)
class ConsoleContext:
    """The console's parts, shared by the whole application, and what the browser that asks has chosen of it."""

    reader: ConsoleReader
    directory: CallDirectory
    operate: OperatorActions
    disclosures: Disclosures
    clock: Clock
    streams: LiveStreams
    presence: Presence
    program_streams: LiveStreams  # of programs: they take no operator's place
    sessions: Sessions
    sign_in: SignIn
    sign_ins: SignIns
    programs: BearerTokens  # who comes with a token
    walls: Walls
    site: Site
    mode: Mode
    language: str
    watchdog_ms: int
    troubles: Callable[[], Collection[str]]  # what operators must know about the gateway now, by name
    places: PlaceDirectory | None = None  # None: this console has no such page
    maintenance: MaintenanceCases | None = None  # None: this console has no such page
    deliveries: DeadLetters | None = None  # the same
    figures: FigureReports | None = None  # the same
    signal: CoverageReport | None = None  # the same
    owners: OwnerCases | None = None  # the same
    registry: RegistryDirectory | None = None  # the same
    messages: MessageOptions = field(default_factory=MessageOptions)  # what may be written, and by which ways
    photographs: Uploads | None = None  # the same: None takes none
    imports: ListImports | None = None  # None: nobody brings lists here
    commands: DeviceCommands | None = None  # None: nobody gives commands here
    longer_hold: Callable[[int, str, str], int] | None = None  # asks an owner's buttons; returns how many
    objections: str | None = None  # where an owner objects to a suspension
    other_url: str | None = None  # of the console of a second machine; None: there is none
    streets: Callable[[], StreetMap | None] = lambda: None  # under the map; a SiagaError says why there are none
    street_file: Path | None = None  # whose tiles browsers fetch
    drills: Drills | None = None  # the same
    drill_choices: DrillChoices | None = None  # the same
    protocols: ProtocolChanges | None = None  # None: nobody changes them here
    shifts: ShiftDirectory | None = None  # None: this console has no such page
    # Those that expire soon or are unusable: name, state (of domain.certificate_expiry.State), days.
    certificates: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    # What is wrong with the gateway's machine: fault (of domain.machine_health), free_mb.
    machine: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    presses: Callable[[], str] = lambda: ""  # why none are taken now; empty: they are
    wall_streets: bool = False  # the wall shows streets, without their houses
    jurisdictions: Jurisdictions | None = None  # None: this console has no dispatchers of a station
    lock_after_ms: int = 0  # without anybody at the computer; 0: a screen is never locked by itself
    theme: Theme = Theme.SYSTEM  # of the browser that asks
    session: Session | None = None  # of who asks; None: nobody is signed in, or the route does not ask

    def may(self, permission: str) -> bool:
        """Whether who asks may do this; for templates: by its value."""
        return self.session is not None and Permission(permission) in self.session.permissions


_URGENT_DAYS: Final = 7
_LINES: Final = 2  # the queue needs the space


def urgent_certificates(context: ConsoleContext) -> dict[str, Any]:
    """Return what an operator must see: unusable certificates, and those in their last days; `more` are on the
    maintenance page."""
    told = [each for each in context.certificates() if each["state"] != "ending" or each["days"] < _URGENT_DAYS]
    told.sort(key=lambda each: (each["state"] == "ending", each["days"]))
    return {"shown": told[:_LINES], "more": len(told[_LINES:])}


def context_of(request: Request) -> ConsoleContext:
    context: ConsoleContext = request.app.state.context
    session: Session | None = getattr(request.state, "session", None)
    reader = context.reader
    if session is not None and session.jurisdiction is not None and context.jurisdictions is not None:
        reader = JurisdictionReader.of(reader, context.jurisdictions, session.jurisdiction)
    return replace(context, theme=theme_named(request.cookies.get(COOKIE)), session=session, reader=reader)


def language_of(request: Request) -> str:
    """Return the language that this browser chose, else the configured one; a program says which it accepts."""
    if is_api(request.url.path):
        return accepted_language(request.headers.get("accept-language", "")) or context_of(request).language
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else context_of(request).language


def accepted_language(header: str) -> str | None:
    """Return which of our languages an Accept-Language (RFC 9110, 12.5.4) wants most; None: none of them."""
    wanted = list[tuple[float, int, str]]()
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        language = tag.strip().partition("-")[0].lower()
        if language in LANGUAGES and 0 < quality <= 1:
            wanted.append((-quality, place, language))
    return min(wanted)[2] if wanted else None


class PageRefused(Refused):
    """The console says no, in a text of its own; error_answers tells it with this status."""

    GROUP = "console"
    STATUS: ClassVar[int] = 409


class SignedOut(PageRefused):
    """The request has no valid session."""

    STATUS = 401


class ScreenLocked(PageRefused):
    """The session's screen is locked; see route_table.LOCKED_MAY."""

    STATUS = 423


class NotPermitted(PageRefused):
    """Whoever is signed in may not do this."""

    STATUS = 403


def session_of(request: Request) -> Session:
    """Return the session of who asks, which route_guard found. Raises: SignedOut."""
    session: Session | None = getattr(request.state, "session", None)
    if session is None:
        raise SignedOut("error.signed_out")
    return session


TheConsole = Annotated[ConsoleContext, Depends(context_of)]
Language = Annotated[str, Depends(language_of)]
SignedIn = Annotated[Session, Depends(session_of)]


def render(console: ConsoleContext, template: str, language: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a page or fragment; `t` looks up a text of the console in `language`, `f` one of the figures."""
    page = _templates.get_template(template)
    known = {
        "t": partial(_text, language, "console"),
        "f": partial(_text, language, "figures"),
        "language": language,
        "console": console,
        "now_ms": console.clock.now_ms(),
    }
    return HTMLResponse(page.render(**known, **context), status)


def _text(language: str, room: str, key: str, **values: object) -> str:
    return text(f"{room}.{key}", language, **values)
