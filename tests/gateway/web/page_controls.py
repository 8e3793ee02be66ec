"""What a page offers: where its links lead, and where its forms and buttons send."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final
from urllib.parse import unquote, urlsplit

from siaga_gateway.domain.permissions import Permission
from siaga_gateway.web.session.route_table import ROUTES, Access

Route = tuple[str, str]  # method, and the path as it is declared

_POSTS: Final = ("hx-post", "hx-get")
_SPECIFIC_FIRST: Final = sorted(ROUTES, key=lambda route: route[1].count("{"))


# A latitude and a longitude, in degrees, or one of them with the digits that tell a house from its neighbour.
_POSITION: Final = re.compile(r"\d\.\d+[^\d.]{1,12}\d{1,3}\.\d|\d\.\d{4,}")
_ADDRESSES: Final = frozenset({"href", "action", "formaction", "src", *_POSTS})


class _Controls(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = set[Route]()
        self._method = "GET"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and "action" in given:
            self._method = given.get("method", "get").upper()
            self._add(self._method, given["action"])
        if "formaction" in given:
            self._add(given.get("formmethod", self._method).upper(), given["formaction"])
        for name in _POSTS:
            if name in given:
                self._add(name.removeprefix("hx-").upper(), given[name])
        if tag == "a":
            self._add("GET", given.get("href", ""))

    def _add(self, method: str, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or not parts.path:  # a telephone number, another machine, this page
            return
        self.found.add(route_of(method, parts.path))


def route_of(method: str, path: str) -> Route:
    """Raises: AssertionError where there is no such route."""
    for route in _SPECIFIC_FIRST:
        pattern = "[^/]+".join(map(re.escape, re.split(r"\{\w+\}", route[1])))
        if route[0] == method and re.fullmatch(pattern, path):
            return route
    raise AssertionError(f"no route for {method} {path}")


def controls(html: str) -> set[Route]:
    """Return the routes of all links, forms and buttons of a page, of its <template>s too."""
    parser = _Controls()
    parser.feed(html)
    parser.close()
    return parser.found


def refused_to(permissions: frozenset[Permission], routes: set[Route]) -> set[Route]:
    """Return those of the routes that answer 403 to whoever has only these permissions."""
    needed = {route: ROUTES[route] for route in routes}
    return {route for route, what in needed.items() if not isinstance(what, Access) and what not in permissions}


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attrs if value and name in _ADDRESSES}


def with_a_position(html: str) -> list[str]:
    """Return the gateway's own addresses on a page that carry a position: a telephone opens its way there elsewhere."""
    parser = _Addresses()
    parser.feed(html)
    parser.close()
    asked = (each for each in parser.found if not urlsplit(each).scheme)
    return [each for each in asked if _POSITION.search(unquote(each))]
