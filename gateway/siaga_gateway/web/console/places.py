"""The page of places and people: who would be called, how they are reached, and what is wrong with the lists; and a
field for the code that somebody reads out."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse

from siaga_gateway.catalogue import text
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.installation_area import on_globe, typed_place
from siaga_gateway.domain.limits import LONGEST_SEARCH
from siaga_gateway.domain.notification import BY_HAND
from siaga_gateway.domain.opening_hours import Spans, written
from siaga_gateway.domain.places import SERIOUS, Contact, ContactWay, Finding
from siaga_gateway.domain.way_proof import LONGEST_TYPED, ProvenWay
from siaga_gateway.service.dispatch.place_directory import PersonLine, PlaceDirectory, StationLine, finding_values
from siaga_gateway.service.dispatch.place_preview import PreviewRefused, time_of
from siaga_gateway.web.console.base_map import ON_EVERY_MAP, map_settings
from siaga_gateway.web.console.incident_views import duration, spoken_phone
from siaga_gateway.web.console.place_previews import preview_view
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere, answer_to

router = APIRouter()

PAGE: Final = 50
FAULTS: Final = 100
_LONGEST_CODE: Final = 20
_LONGEST_PLACE: Final = 60
_SHOWN: Final = 60  # characters of an address
_ON_MAP: Final = ON_EVERY_MAP | {"no_areas"}
_DAY: Final = re.compile(r"\b(?:mon|tue|wed|thu|fri|sat|sun)\b")
_DIALLED: Final = (ContactWay.PHONE, ContactWay.SMS, ContactWay.WHATSAPP)


def _desk(context: TheConsole) -> PlaceDirectory:
    if context.places is None:
        raise NotThere("error.nothing_here")
    return context.places


TheDesk = Annotated[PlaceDirectory, Depends(_desk)]
Begin = Annotated[int, Query(ge=0, le=10**6)]


@router.get("/places")
def page(
    request: Request,
    context: TheConsole,
    desk: TheDesk,
    language: Language,
    session: SignedIn,
    q: Annotated[str, Query(max_length=LONGEST_SEARCH)] = "",
    stations: Begin = 0,
    people: Begin = 0,
) -> HTMLResponse:
    """Return the page. q: part of a name, key or address. stations, people: the first of the page shown."""
    return _page(context, desk, language, session.operator, q.strip(), stations, people)


@router.post("/places/try")
def try_place(
    request: Request,
    context: TheConsole,
    desk: TheDesk,
    language: Language,
    session: SignedIn,
    at: Annotated[str, Form(max_length=_LONGEST_PLACE)] = "",
    time: Annotated[str, Form(max_length=_LONGEST_PLACE)] = "",
) -> HTMLResponse:
    """Return the page with who would be called for a place in degrees and a local time. By POST: where somebody lives
    is no part of an address."""
    tried, problem, status = None, "", 200
    try:
        tried = _tried(context, desk, language, at, time)
    except SiagaError as error:
        problem, status = answer_to(request, error)
    return _page(
        context,
        desk,
        language,
        session.operator,
        problem=problem,
        status=status,
        at=at.strip(),
        time=time.strip(),
        tried=tried,
    )


def _tried(context: ConsoleContext, desk: PlaceDirectory, language: str, at: str, time: str) -> dict[str, Any]:
    """Raises: PreviewRefused, StoreFailing."""
    local, now_ms = context.site.local, context.clock.now_ms()
    place, at_ms = typed_place(at), time_of(time, local, now_ms)
    if place is None or not on_globe(place):
        raise PreviewRefused("enrol.no_position", text=at)
    return {"when": local.moment(at_ms), **preview_view(desk.preview(place, at_ms), language)}


@router.post("/places/code")
def code(
    request: Request,
    context: TheConsole,
    desk: TheDesk,
    language: Language,
    session: SignedIn,
    key: Annotated[str, Form(max_length=LONGEST_SEARCH)] = "",
    code: Annotated[str, Form(max_length=_LONGEST_CODE)] = "",
) -> HTMLResponse:
    """Take the code that somebody has read out."""
    key = key.strip().lower()
    try:
        proven = desk.answer(key, code, session.operator)
    except SiagaError as error:
        problem, status = answer_to(request, error)
        return _page(context, desk, language, session.operator, problem=problem, key=key, status=status)
    ways = ", ".join(text(f"console.contact_way.{way}", language) for way in proven)
    done = text("console.places.proven", language, whose=key, ways=ways)
    return _page(context, desk, language, session.operator, done=done)


def _page(
    context: ConsoleContext,
    desk: PlaceDirectory,
    language: str,
    operator: str,
    q: str = "",
    stations_at: int = 0,
    people_at: int = 0,
    *,
    problem: str = "",
    done: str = "",
    key: str = "",
    status: int = 200,
    at: str = "",
    time: str = "",
    tried: dict[str, Any] | None = None,
) -> HTMLResponse:
    by_program = desk.sends()
    stations, all_stations = desk.stations(q, stations_at, PAGE)
    people, all_people = desk.people(q, people_at, PAGE)
    faults = desk.faults()
    return render(
        context,
        "places.html",
        language,
        status=status,
        operator=operator,
        languages=context.site.languages,
        now=context.site.local.moment(context.clock.now_ms()),
        problem=problem,
        done=done,
        key=key,
        q=q,
        faults=[_fault(each, language) for each in faults[:FAULTS]],
        more_faults=max(0, len(faults) - FAULTS),
        stations=[_station(each, language, context) for each in stations],
        people=[_person(each, language, context, by_program) for each in people],
        counts={"stations": all_stations, "people": all_people},
        begin={"stations": stations_at, "people": people_at},
        place=at,
        time=time,
        tried=tried,
        step=PAGE,
        settings=map_settings(context, language, _ON_MAP),
        longest_code=LONGEST_TYPED,
    )


def _fault(finding: Finding, language: str) -> dict[str, Any]:
    said = Localized(f"commands.place_fault.{finding.kind}", **finding_values(finding)).say(language)
    return {"text": said, "serious": finding.kind in SERIOUS}


def _station(line: StationLine, language: str, context: ConsoleContext) -> dict[str, Any]:
    each = line.station
    return {
        "name": each.name,
        "key": each.key,
        "kind": text(f"console.station_kind.{each.kind}", language),
        "above": line.above,
        "contacts": [(text(f"console.contact_way.{one.way}", language), _address(one)) for one in each.contacts],
        "hours": _hours(each.hours, language),
        "address": each.address,
        "at": f"{each.latitude / 1e7:.5f}, {each.longitude / 1e7:.5f}",
        "has_area": line.has_area,
        "verified_by": each.verified_by,
    }


def _address(contact: Contact) -> str:
    if contact.way in _DIALLED:
        return spoken_phone(contact.address)
    return contact.address if len(contact.address) <= _SHOWN else f"{contact.address[:_SHOWN]}…"


def _hours(hours: Spans, language: str) -> str:
    if not hours:
        return text("console.places.always", language)
    return _DAY.sub(lambda day: text(f"console.weekday.{day[0]}", language), written(hours))


def _person(
    line: PersonLine, language: str, context: ConsoleContext, by_program: Collection[ContactWay]
) -> dict[str, Any]:
    local, each, now = context.site.local, line.person, line.standing
    until_ms = None if now is None else now.until_ms
    return {
        "name": each.name,
        "key": each.key,
        "station": each.station,
        "duty": text(f"commands.duty_state.{now.duty}", language) if now else "–",
        "off": now is None or not now.reachable,
        "until": None if until_ms is None else local.moment(until_ms),
        "ways": [
            {
                "way": text(f"console.contact_way.{way.contact.way}", language),
                "proven": None if way.proven_ms is None else local.moment(way.proven_ms),
                "code": _code(way, language, context, by_program),
            }
            for way in each.ways
        ],
        "position": None if line.position_age_s is None else duration(line.position_age_s, language),
    }


def _code(way: ProvenWay, language: str, context: ConsoleContext, by_program: Collection[ContactWay]) -> str:
    """Return how it stands with its code: whether the service took it nobody here knows; empty: nothing waits."""
    now_ms, local = context.clock.now_ms(), context.site.local
    alone = way.contact.way not in by_program or way.contact.way in BY_HAND
    if way.open_at(now_ms) and way.asked_ms is not None:
        key = "code_by_hand" if alone else "asked"
        return text(f"console.places.{key}", language, time=local.clock(way.asked_ms, now_ms))
    return text("console.places.no_program", language) if alone and not way.proven else ""
