"""What every route of the console needs, and who is asking."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from siaga_gateway.catalogue import LANGUAGES, clock_time, text
from siaga_gateway.domain.incident import Disposition, Mode
from siaga_gateway.service.maintenance_desk import MaintenanceDesk
from siaga_gateway.service.ports import Clock, Disclosures, JournalReader, Operate, SignIns
from siaga_gateway.web.auth import Session, Sessions, SignIn
from siaga_gateway.web.live import LiveStreams

LANGUAGE_COOKIE: Final = "siaga_language"

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["dispositions"] = tuple(Disposition)
_templates.filters["clock_time"] = clock_time


@dataclass(frozen=True, slots=True)
class Desk:
    """The console's parts, one for the whole application."""

    reader: JournalReader
    operate: Operate
    disclosures: Disclosures
    clock: Clock
    streams: LiveStreams
    sessions: Sessions
    sign_in: SignIn
    sign_ins: SignIns
    gateway_name: str
    mode: Mode
    language: str
    passwords: bool  # operators are configured
    watchdog_ms: int
    maintenance: MaintenanceDesk | None = None  # None: this console has no page for it


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def language_of(request: Request) -> str:
    """The language that this browser chose, or the configured one."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else desk_of(request).language


class SignedOut(Exception):
    """The request carries no session that counts."""


def session_of(request: Request) -> Session:
    """The operator's session; raises SignedOut."""
    sessions = desk_of(request).sessions
    session = sessions.read(request.cookies.get(sessions.cookie))
    if session is None:
        raise SignedOut
    return session


TheDesk = Annotated[Desk, Depends(desk_of)]
Language = Annotated[str, Depends(language_of)]
SignedIn = Annotated[Session, Depends(session_of)]


def render(template: str, language: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page or fragment; `t` words a key in `language`."""
    page = _templates.get_template(template)
    return HTMLResponse(page.render(t=partial(_text, language), language=language, **context), status)


def _text(language: str, key: str, **values: object) -> str:
    return text(f"console.{key}", language, **values)
