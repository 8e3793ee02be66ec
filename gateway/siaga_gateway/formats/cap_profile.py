"""What strict receivers of CAP want besides the incident: an expiry, area codes, a polygon, codes agreed upon."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from string import Formatter
from typing import Final
from urllib.parse import urlsplit

from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.incident import Incident, Position
from siaga_gateway.domain.value import record
from siaga_gateway.formats.text_rules import degrees, search_radius_m

Pair = tuple[str, str]  # a value's name, and the value

# Of the Ministry of Home Affairs: province, regency or city, district, village: 18, 18.71, 18.71.01, 18.71.01.1001.
KEMENDAGRI: Final = "Kemendagri"
_KEMENDAGRI_CODE: Final = re.compile(r"[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?")
_NAMES: Final = frozenset({"id", "incident"})
_CORNERS: Final = 24
_M_PER_DEGREE: Final = 111_195
_E7: Final = 10**7
_HALF: Final = 180 * _E7
# Nearer to a pole the circle has no corners that a map in degrees could join.
_LAST_LATITUDE: Final = 85 * _E7


def _no_codes(_position: Position | None) -> Sequence[Pair]:
    return ()


@record
class Profile:
    """What a receiver wants besides what every CAP message of ours has."""

    expires_s: int | None = None  # after `sent`; None: no expiry, an open call does not lapse by itself
    event_codes: tuple[Pair, ...] = ()
    web: str | None = None  # an address, in which {id} and {incident} stand for the incident
    contact: str | None = None
    circle: bool = True
    polygon: bool = False
    geocodes: Callable[[Position | None], Sequence[Pair]] = _no_codes  # of the area that a position is in


PLAIN: Final = Profile()


def check_code(code: str, name: str) -> str:
    """Return a geocode if it can be one. Raises: SettingError."""
    right = _KEMENDAGRI_CODE.fullmatch(code) if name == KEMENDAGRI else code and code.isprintable()
    if not right or code != code.strip():
        raise SettingError("output.geocode" if name == KEMENDAGRI else "output.geocode_other", code=code)
    return code


def check_event_code(written: str) -> Pair:
    """Return `OET:v1.2=OET-000` as a pair. Raises: SettingError."""
    name, mark, value = (part.strip() for part in written.partition("="))
    if not (name and mark and value):
        raise SettingError("output.event_code", written=written)
    return name, value


def check_web(written: str) -> str:
    """Return an address that a link can be made of. Raises: SettingError."""
    try:
        names = {name for _, name, spec, conversion in Formatter().parse(written) if name is not None}
        made = urlsplit(written.format(id=1, incident="x"))
    except (ValueError, KeyError, IndexError):
        raise SettingError("output.web", written=written) from None
    blank = any(each.isspace() for each in written)
    if names - _NAMES or made.scheme not in {"http", "https"} or not made.netloc or blank:
        raise SettingError("output.web", written=written)
    return written


def link(web: str, incident: Incident) -> str:
    """Return the address of an incident."""
    return web.format(id=incident.id, incident=incident.identifier)


def polygon(position: Position) -> str | None:
    """Return corners around the circle to search in, `latitude,longitude` each, counter-clockwise, the first again at
    the end; None: near a pole or at the antimeridian there is none that receivers draw rightly."""
    latitude, longitude = position.latitude, position.longitude
    if abs(latitude) > _LAST_LATITUDE:
        return None
    # The corners lie outside, so that the sides touch the circle and cut nothing off. A metre more covers the rounding.
    radius_m = (search_radius_m(position) + 1) / math.cos(math.pi / _CORNERS)
    high = radius_m / _M_PER_DEGREE * _E7
    wide = high / math.cos(math.radians(latitude / _E7))
    corners = []
    for number in range(_CORNERS):
        angle = 2 * math.pi * number / _CORNERS
        corners.append((round(latitude + high * math.sin(angle)), round(longitude + wide * math.cos(angle))))
    if any(abs(east) > _HALF for _, east in corners):
        return None
    return " ".join(f"{degrees(north)},{degrees(east)}" for north, east in (*corners, corners[0]))
