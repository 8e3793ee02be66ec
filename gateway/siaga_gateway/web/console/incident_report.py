"""One incident as a report to print: who and where, a map, the timeline, and the frames as evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from siaga_gateway.catalogue import text
from siaga_gateway.domain.frame import FrameError, Kind, decode_uplink
from siaga_gateway.domain.incident import Incident
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.value import record
from siaga_gateway.service.store.audit import EventRow
from siaga_gateway.web.console.incident_views import view
from siaga_gateway.web.console.step_answers import IncidentId
from siaga_gateway.web.console.svg_map import MapMark, SvgMap, svg_map
from siaga_gateway.web.console.timeline import timeline
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.error_answers import NotThere

router = APIRouter()

_STATIONS_M: Final = 25_000  # stations farther away would only make the map coarser
_STATIONS: Final = 3
FRAMES: Final = 500


@record
class EvidenceLine:
    """A frame as it was received."""

    number: int
    received: str
    kind: str
    counter: int
    bearer: str
    frame: str  # hex
    sha256: str
    signature: str  # hex; of one that came later than its frame, else empty
    signed: bool


@router.get("/incidents/{incident_id}/report")
def report(context: TheConsole, language: Language, session: SignedIn, incident_id: IncidentId) -> HTMLResponse:
    """Return the report."""
    found = context.reader.incident(incident_id)
    if found is None:
        raise NotThere("error.unknown_incident", id=incident_id)
    context.disclosures.shown(session.operator, found.id)
    frames = context.reader.frames_of(found.id, FRAMES)
    local, now_ms = context.site.local, context.clock.now_ms()
    enrolled = context.reader.enrolled([found.device_id]).get(found.device_id)
    return render(
        context,
        "incident_report.html",
        language,
        operator=session.operator,
        made=local.moment(now_ms),
        incident=view(found, language, context.mode, None, context.directory.name),
        opened=local.moment(found.opened_at_ms),
        closed=None if found.closed_at_ms is None else local.moment(found.closed_at_ms),
        map=_map(context, found, frames),
        rows=[
            (local.moment(line.at_ms), line)
            for line in reversed(
                timeline(context.reader.journal_of_incident(found.id), language, context.directory.name)
            )
        ],
        frames=[_line(number, row, language, local) for number, row in enumerate(frames, 1)],
        most=FRAMES,
        public_key="" if enrolled is None else enrolled.device.public_xy.hex(),
    )


def _map(context: ConsoleContext, found: Incident, frames: Sequence[EventRow]) -> SvgMap | None:
    place = found.position
    if place is None:
        return None
    here = (place.latitude, place.longitude)
    track = [each for each in map(_place_of, frames) if each is not None]
    near = sorted((distance_m(here, station.place), station.key, station) for station in context.reader.stations())
    marks = [
        *(MapMark("track", *each) for each in dict.fromkeys(track)),
        *(
            MapMark("station", *station.place, station.name)
            for away_m, _, station in near[:_STATIONS]
            if away_m <= _STATIONS_M
        ),
        MapMark("here", *here, radius_m=place.accuracy_m),
    ]
    return svg_map(marks)


def _place_of(row: EventRow) -> tuple[int, int] | None:
    try:
        report = decode_uplink(row.frame).report
    except FrameError:
        return None
    return (report.latitude, report.longitude) if report is not None and report.has_position else None


def _line(number: int, row: EventRow, language: str, local: LocalTime) -> EvidenceLine:
    kinds = {kind.value: kind.name.lower() for kind in Kind}
    later = row.signature is not None and not row.frame.endswith(row.signature)
    return EvidenceLine(
        number=number,
        received=local.moment(row.received_ms),
        kind=text(f"console.kind.{kinds[row.kind]}", language) if row.kind in kinds else str(row.kind),
        counter=row.counter,
        bearer=row.bearer,
        frame=row.frame.hex(),
        sha256=hashlib.sha256(row.frame).hexdigest(),
        signature=row.signature.hex() if later and row.signature is not None else "",
        signed=row.signature is not None,
    )
