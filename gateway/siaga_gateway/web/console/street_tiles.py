"""The streets of the map: what a page says of them, and the file in parts, as the browser's reader asks for them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.web.session.context import ConsoleContext, SignedIn, TheConsole
from siaga_gateway.web.session.error_answers import NotThere

router = APIRouter()


@router.get("/map/streets.pmtiles")
def street_file(context: TheConsole, session: SignedIn) -> Response:
    """Return the bytes of the site's file that `Range` names; it is read piece by piece, never whole."""
    if context.street_file is None or not context.street_file.is_file():
        raise NotThere("error.nothing_here")
    return FileResponse(context.street_file, media_type="application/vnd.pmtiles")


def street_settings(context: ConsoleContext, language: str) -> tuple[dict[str, Any] | None, str]:
    """Return what a page writes into itself of the streets, and why there are none although the site has set some."""
    try:
        streets = context.streets()
    except SiagaError as error:
        return None, error.say(language)
    if streets is None:
        return None, ""
    return {
        "schema": streets.schema,
        "tiles": streets.tiles,
        "least": streets.least,
        "deepest": streets.deepest,
        "attribution": streets.attribution,
        "bounds": streets.bounds,
    }, ""
