"""What every route of the API has in common: its limits, what it refuses with, and an incident with its ETag."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Annotated, Any, Final, TypeVar

from fastapi import Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.limits import LONGEST_SEARCH
from siaga_gateway.service.store import StoreDamaged
from siaga_gateway.web.api.shapes import IncidentShape
from siaga_gateway.web.console.step_answers import IncidentId
from siaga_gateway.web.session.context import ConsoleContext
from siaga_gateway.web.session.error_answers import NotThere

T = TypeVar("T")

MOST: Final = 200  # of one page
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many of one page.")]
RowId = IncidentId
DeviceId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="16 hexadecimal digits.")]
RowCursor = Annotated[
    str | None, Query(pattern="^[0-9]{1,18}$", description="`next_cursor` of the page before; without it: the first.")
]
Search = Annotated[str, Query(max_length=LONGEST_SEARCH, description="Part of a name, or of a key.")]


class Problem(BaseModel):
    """What cannot be done (RFC 9457). `detail` is for people, in the language of `Accept-Language` (id, en)."""

    type: str = Field("about:blank")
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str
    key: str = Field(description="What it is, the same in every language.", examples=["operate.overtaken"])


class OvertakenProblem(Problem):
    """Somebody, or the holder, was faster: nothing was changed, and this is what stands now."""

    incident: IncidentShape | None = Field(None, description="As it is now, where somebody was faster.")


def problems(*statuses: int, overtaken: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return what a route may refuse with, for its declaration."""
    told = {
        401: "No token, or none that serves.",
        403: "The token lacks a scope.",
        404: "There is no such thing.",
        409: "Not possible as things stand; nothing was changed.",
        412: "Somebody has taken a step since the ETag of `If-Match`; nothing was changed.",
        422: "Something in the request is not understood.",
        429: "Too many requests; `Retry-After` says how long to wait.",
        503: "Not now; try again. After a step it is unknown whether it was taken: look before you repeat it.",
    }
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({401, 403, 422, 429, 503, *statuses}):
        shape = OvertakenProblem if overtaken and status in (409, 412) else Problem
        content = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}}}
        found[status] = {"description": told[status], "content": content}
    return found


def there(found: T | None, key: str = "error.nothing_here", **values: object) -> T:
    """Return it. Raises: NotThere."""
    if found is None:
        raise NotThere(key, **values)
    return found


def incident_of(context: ConsoleContext, incident_id: int) -> Incident:
    """Raises: NotThere, also where its row cannot be read."""
    try:
        found = context.reader.incident(incident_id)
    except StoreDamaged as error:
        raise NotThere("error.unreadable_incident", id=incident_id) from error
    return there(found, "error.unknown_incident", id=incident_id)


def shape_of(context: ConsoleContext, incident: Incident) -> IncidentShape:
    known = None
    with suppress(StoreDamaged):  # it comes without its wave
        known = context.reader.escalation_of(incident.id)
    return IncidentShape.of(incident, context.directory.name, None if known is None else known.wave)


def etag_of(incident: Incident, shape: BaseModel) -> str:
    """The part before the dot changes with each step of a person, and is what If-Match asks about; the rest with
    anything: a position that comes in refuses nobody's step."""
    return f'"{incident.progress}.{sha256(shape.model_dump_json().encode()).hexdigest()[:16]}"'


def shown_by(if_match: str | None) -> str | None:
    """Return the progress that a client saw; None: it does not say."""
    if if_match is None or if_match.strip() == "*":
        return None
    return if_match.strip().removeprefix("W/").strip('"').partition(".")[0][:16]


def tagged(response: Response, context: ConsoleContext, incident: Incident) -> IncidentShape:
    """Return an incident, with its ETag in the answer's head."""
    shape = shape_of(context, incident)
    response.headers["ETag"] = etag_of(incident, shape)
    return shape


def each_of(context: ConsoleContext, found: list[Incident]) -> list[IncidentShape]:
    """Return several, without asking for each one's calls."""
    waves = {each.incident_id: each.wave for each in context.reader.open_escalations()}
    return [IncidentShape.of(each, context.directory.name, waves.get(each.id)) for each in found]


Step = Callable[[], Incident]
