"""Search over past incidents: by number, time, station, kind, what was found, and button."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from siaga_gateway.domain.incident import Disposition, Incident, Mode
from siaga_gateway.domain.limits import LONGEST_SEARCH
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.value import record
from siaga_gateway.service.store.incident_search import CutSearch, IncidentSearch
from siaga_gateway.web.session.context import Language, SignedIn, TheConsole, render

router = APIRouter()

PAGE: Final = 50
_LAST: Final = 2**62
_MODES: Final = (Mode.ACTUAL, Mode.EXERCISE, Mode.TEST)


@record
class FoundLine:
    """A line of the list, without the holder."""

    id: int
    opened: str
    label: str
    device_id: str
    state: str
    disposition: str
    mode: str


@router.get("/search")
def search(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    number: Annotated[str, Query(pattern=r"^\s*[0-9]{0,18}\s*$")] = "",
    q: Annotated[str, Query(max_length=LONGEST_SEARCH)] = "",
    since: Annotated[str, Query(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = "",
    until: Annotated[str, Query(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = "",
    station: Annotated[str, Query(max_length=64)] = "",
    disposition: Annotated[str, Query(max_length=32)] = "",
    mode: Annotated[str, Query(max_length=32)] = "",
    before: Annotated[int, Query(ge=1, le=_LAST)] = _LAST,
) -> Response:
    """Return the page; a number leads to its report. since, until: days of the site. before: the last of the page
    before."""
    if number.strip():
        return RedirectResponse(f"/incidents/{int(number)}/report", 303)
    local = context.site.local
    given = {
        "q": q.strip(),
        "since": since,
        "until": until,
        "station": station.strip(),
        "disposition": disposition,
        "mode": mode,
    }
    from_ms, to_ms = _day(since, local, 0), _day(until, local, 1)
    wanted = IncidentSearch(
        from_ms,
        to_ms,
        given["station"] or None,
        next((each for each in Disposition if each == disposition), None),
        next((each for each in Mode if each == mode), None),
        given["q"],
    )
    found = context.reader.found_incidents(wanted, before, PAGE + 1)
    cut = found.before if isinstance(found, CutSearch) else None
    return _page(
        context,
        language,
        session,
        given=given,
        query=urlencode({name: value for name, value in given.items() if value}),
        found=[_line(each, local) for each in found[:PAGE]],
        more=found[PAGE - 1].id if len(found) > PAGE else cut,
        cut=cut is not None,
        paged=before != _LAST,
    )


def _page(context: TheConsole, language: str, session: SignedIn, **told: Any) -> HTMLResponse:
    return render(
        context,
        "search.html",
        language,
        operator=session.operator,
        languages=context.site.languages,
        now=context.site.local.moment(context.clock.now_ms()),
        modes=_MODES,
        **told,
    )


def _day(text: str, local: LocalTime, after: int) -> int | None:
    """Return the beginning of a day, or its end (after = 1), Unix ms; None: it is none."""
    try:
        day = date.fromisoformat(text)
        return local.end_of(day) if after else local.end_of(date.fromordinal(day.toordinal() - 1))
    except (ValueError, OverflowError):
        return None


def _line(each: Incident, local: LocalTime) -> FoundLine:
    return FoundLine(
        each.id,
        local.moment(each.opened_at_ms),
        each.device_label,
        each.device_id.hex(),
        str(each.state),
        "" if each.disposition is None else str(each.disposition),
        str(each.mode),
    )
