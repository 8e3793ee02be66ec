"""Which routes an application has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import Mount

PLACES: Final = {"name": "land", "letter": "suspension", "step": "dismiss", "device_id": "00" * 8, "kind": "normal"}


def declared(routes: Sequence[object]) -> set[tuple[str, str]]:
    """The routes of an application, also those of the routers that it includes; /static is a folder for everybody."""
    found = set[tuple[str, str]]()
    for route in routes:
        if isinstance(route, APIRoute):
            found |= {(method, route.path) for method in route.methods - {"HEAD"}}
        elif (router := getattr(route, "original_router", None)) is not None:
            found |= declared(router.routes)
        else:
            assert isinstance(route, Mount) and route.path == "/static", route
    return found


def address(path: str) -> str:
    """The path with something in each of its places."""
    parts = []
    for part in path.split("{"):
        name, brace, rest = part.partition("}")
        parts.append(PLACES.get(name, "1") + rest if brace else part)
    return "".join(parts)
