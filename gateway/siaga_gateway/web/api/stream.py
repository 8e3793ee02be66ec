"""The journal as server-sent events, for programs: replayed from where a client was, however long it was away."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse

from siaga_gateway.catalogue import text
from siaga_gateway.web.api.answers import problems
from siaga_gateway.web.console.readings import own_calls
from siaga_gateway.web.session.auth import Session
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import ConsoleContext, Language, SignedIn, TheConsole
from siaga_gateway.web.session.error_answers import api_problem

router = APIRouter(prefix=API, tags=["events"])

LastEventId = Annotated[str | None, Header(description="The same, as clients of server-sent events send it.")]
PROGRAMS: Final = 50  # concurrent streams of programs
_EXAMPLE: Final = 'id: 4711\ndata: {"kind": "incident_opened", "incident": 17, "at_ms": 1800000000000}\n\n'


@router.get(
    "/events",
    operation_id="stream_events",
    summary="What happens, as it happens",
    response_class=Response,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}}},
        **problems(),
    },
)
async def stream_events(
    context: TheConsole,
    language: Language,
    session: SignedIn,
    after: Annotated[int | None, Query(ge=0, lt=2**62, description="The last id that you have.")] = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Each entry of the journal is an event without a name, with its id; its data are JSON: `kind`, `incident` (null:
    none), `at_ms`. `tick` comes every few seconds while the gateway takes presses: without any for 15 seconds the link
    is dead. `reset`: your id is unknown here, or you gave none; read the incidents anew. `signed_out`: the token ended.
    """
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdecimal() and len(last_event_id) < 19:
        after = int(last_event_id)
    if context.program_streams.full:
        return api_problem(text("console.refused.streams", language), 503, "refused.streams", {"Retry-After": "5"})
    return EventSourceResponse(
        context.program_streams.stream(after, lambda: _counts(context, session), own_calls(context)),
        headers={"X-Accel-Buffering": "no"},  # keeps a reverse proxy from buffering rows
    )


def _counts(context: ConsoleContext, session: Session) -> bool:
    return context.programs.counts(session) if session.program else context.sessions.counts(session)
