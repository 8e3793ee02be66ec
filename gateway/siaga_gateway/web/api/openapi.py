"""The API's description (OpenAPI 3.1), and the same as a page for people."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from siaga_gateway.domain.permissions import Permission
from siaga_gateway.web.api import (
    device_commands,
    devices,
    enrolments,
    incidents,
    maintenance,
    majors,
    owners,
    person,
    places,
    protocols,
    reports,
    shifts,
    site_profile,
    steps,
    stream,
    whoami,
)
from siaga_gateway.web.api.answers import OvertakenProblem, Problem
from siaga_gateway.web.api.examples import with_examples
from siaga_gateway.web.session.bearer import API
from siaga_gateway.web.session.context import Language, SignedIn, TheConsole, render
from siaga_gateway.web.session.route_table import ROUTES

router = APIRouter(include_in_schema=False)
ROUTERS: Final = tuple(
    each.router
    for each in (
        *(whoami, incidents, person, steps, majors, stream, devices, device_commands, maintenance, owners, enrolments),
        *(places, protocols, reports, shifts, site_profile),
    )
)

_ABOUT: Final = (
    "What the console does, for programs. Each request has a token of `siaga gateway token make` as "
    "`Authorization: Bearer`. Refusals are problems (RFC 9457) with a `key` that stays the same, and a text in the "
    "language of `Accept-Language` (id, en). Within v1 fields may be added; none is removed or changes its meaning."
)


@cache
def description() -> dict[str, Any]:
    """Return the document."""
    routes: list[BaseRoute] = [route for each in ROUTERS for route in each.routes]
    found = get_openapi(title="Siaga", version="1", description=_ABOUT, routes=routes)
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for shape in (Problem, OvertakenProblem):
        made = shape.model_json_schema(ref_template="#/components/schemas/{model}")
        made.pop("$defs", None)  # an incident's, which is there
        schemas[shape.__name__] = made
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            needed = ROUTES[(method.upper(), path)]
            operation["x-scope"] = needed.value if isinstance(needed, Permission) else None
    found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}]
    with_examples(found)
    return found


@router.get(f"{API}/openapi.json")
def document(session: SignedIn) -> JSONResponse:
    return JSONResponse(description())


@router.get("/api/docs")
def page(context: TheConsole, language: Language, session: SignedIn) -> Response:
    """Return every route with its parameters, scopes and answers: no script, nothing from elsewhere."""
    found = description()
    routes = [
        (method.upper(), path, operation)
        for path, methods in found["paths"].items()
        for method, operation in methods.items()
    ]
    return render(
        context,
        "api_docs.html",
        language,
        operator=session.operator,
        languages=context.site.languages,
        now=context.site.local.moment(context.clock.now_ms()),
        routes=routes,
    )
