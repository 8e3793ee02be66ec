"""Ranks positions, and decides whether a better one is worth reporting.

Frames arrive out of order, so the choice must not depend on the order: positions are ranked, and the best rank wins.
"""

from __future__ import annotations

import math
from typing import Final

from siaga_gateway.domain.device_report import (
    NO_POSITION,
    UNKNOWN_ACCURACY,
    UNKNOWN_FIX_AGE,
    PositionSource,
    Report,
)
from siaga_gateway.domain.incident import Position
from siaga_gateway.domain.value import copied

# How fast a holder may move away from a fix, m/s: a bicycle, a car in town. Weighs a fix's age against its accuracy: a
# satellite fix to 10 m loses to a cell's 2 km only if it is more than six minutes older.
SPEED_M_S: Final = 5
# Past this age a fix of a moving button says less than the place where the button was mounted.
CARRY_OVER_MS: Final = 30 * 60 * 1000
# The radius that stands in where the button did not know its accuracy, by source, metres: a satellite fix is seldom
# worse, a position from the mobile network is the size of a cell, a person surveyed an installed one. For ranking and
# for the circle to search in; what people read stays "unknown".
RADIUS_UNKNOWN_M: Final = {"gnss": 100, "network": 5_000, "installed": 50}
RADIUS_OTHERWISE_M: Final = 5_000
_FIX_AGE_UNKNOWN_S: Final = 600
_MAX_FIX_AGE_S: Final = UNKNOWN_FIX_AGE - 1
_ZERO_E7: Final = 10_000  # 0.001 degrees
# A fixed button whose satellite fix is further than this from its place was moved, or its place is wrong.
_AWAY_M: Final = 1_000
# A smaller move is noise.
_MOVED_M: Final = 20
_EARTH_M_PER_E7: Final = 6_371_008.8 * math.pi / 180 / 10**7

GNSS: Final = "gnss"
SOURCES: Final = {
    PositionSource.NONE: "network",  # coordinates without a declared source count as coarse
    PositionSource.GNSS: "gnss",
    PositionSource.NETWORK: "network",
    PositionSource.INSTALLED: "installed",
}

_SOURCES: Final = tuple(SOURCES[PositionSource(number)] for number in range(4))
_NO_ACCURACY: Final = (0, UNKNOWN_ACCURACY)


def is_zero(latitude: int, longitude: int) -> bool:
    """Whether it is within 111 m of 0, 0, at sea: a receiver without a fix, or a field that nobody filled in."""
    return abs(latitude) < _ZERO_E7 and abs(longitude) < _ZERO_E7


def impossible(report: Report) -> str | None:
    """Return why a report's position is not one (zero, off_globe); None: it is one, or none was sent."""
    if report.has_position:
        return "zero" if is_zero(report.latitude, report.longitude) else None
    return None if (report.latitude, report.longitude) == (NO_POSITION, NO_POSITION) else "off_globe"


def reported(report: Report, at_ms: int) -> Position | None:
    """Return the position of a report; None: none was sent, or the coordinates are impossible.

    at_ms: when the event happened. An accuracy of 0 m counts as unknown: no receiver has it.
    """
    latitude, longitude = report.latitude, report.longitude
    if not report.has_position or is_zero(latitude, longitude):
        return None
    # As its properties say of a report with a position: each would look for that anew, for every frame.
    accuracy_m, fix_age_s = report.accuracy, report.fix_age
    return Position(
        latitude,
        longitude,
        None if accuracy_m in _NO_ACCURACY else accuracy_m,
        None if fix_age_s == UNKNOWN_FIX_AGE else fix_age_s,
        _SOURCES[report.flags >> 8 & 3],
        at_ms,
    )


def fix_ms(position: Position) -> int:
    """Return when the fix was made, Unix ms; an unknown age counts as ten minutes."""
    age_s = _FIX_AGE_UNKNOWN_S if position.fix_age_s is None else position.fix_age_s
    return position.at_ms - age_s * 1000


def better(one: Position | None, other: Position | None) -> Position | None:
    """Return the position with the smaller circle that the holder must be in by now, in either order."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=_rank)


def _rank(position: Position) -> tuple[int, int, int, int]:
    accuracy_m = position.accuracy_m
    if accuracy_m is None:
        accuracy_m = RADIUS_UNKNOWN_M.get(position.source, RADIUS_OTHERWISE_M)
    # radius now = accuracy + speed x (now - fix); `now` is common to both and cancels out. Millimetres.
    radius = accuracy_m * 1000 - SPEED_M_S * fix_ms(position)
    return radius, -position.at_ms, position.latitude, position.longitude


def best_known(last: Position | None, installed: tuple[int, int] | None, at_ms: int) -> Position | None:
    """Return the position to show for an incident whose frame is dated at_ms.

    last: the best that the device ever reported, in any frame; restated as of at_ms, so that its fix age says how old
    it really is. installed: where the installer mounted it (degrees x 10^7); it replaces a `last` older than half an
    hour.
    """
    if last is not None and (installed is None or at_ms - fix_ms(last) <= CARRY_OVER_MS):
        return _as_of(last, at_ms)
    if installed is not None:
        return Position(installed[0], installed[1], None, None, "installed", at_ms)
    return None


def same_fix(one: Position | None, other: Position | None) -> bool:
    """Whether two positions are the same fix, perhaps restated as of different times."""
    if one is None or other is None:
        return one is other
    if (one.latitude, one.longitude, one.accuracy_m, one.source) != (
        other.latitude,
        other.longitude,
        other.accuracy_m,
        other.source,
    ):
        return False
    if one.fix_age_s is None or other.fix_age_s is None:
        return one.fix_age_s is other.fix_age_s
    return abs(fix_ms(one) - fix_ms(other)) < 1000


def _as_of(position: Position, at_ms: int) -> Position:
    if at_ms <= position.at_ms or position.fix_age_s is None:
        return position
    age_s = position.fix_age_s + (at_ms - position.at_ms) // 1000
    return copied(position, fix_age_s=min(age_s, _MAX_FIX_AGE_S), at_ms=at_ms)


def distance_m(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Return metres between two nearby places, (latitude, longitude) in degrees x 10^7 (equirectangular; 0.1 % off at
    100 km)."""
    middle = math.radians((one[0] + other[0]) / 2 / 10**7)
    longitude = (one[1] - other[1] + 1_800_000_000) % 3_600_000_000 - 1_800_000_000
    return round(_EARTH_M_PER_E7 * math.hypot(one[0] - other[0], longitude * math.cos(middle)))


def worth_telling(told: tuple[int, int, int | None] | None, now: Position) -> bool:
    """Whether to report a position to the outputs: the first one, one beyond noise from the last reported, or one at
    most half as uncertain.

    told: latitude, longitude, accuracy.
    """
    if told is None:
        return True
    latitude, longitude, accuracy_m = told
    if distance_m((latitude, longitude), (now.latitude, now.longitude)) > _MOVED_M:
        return True
    if now.accuracy_m is None:
        return False
    return accuracy_m is None or now.accuracy_m * 2 <= accuracy_m


def away_m(position: Position | None, installed: tuple[int, int] | None) -> int | None:
    """Return how far a satellite fix is from where the button was mounted, metres; None: within what is allowed."""
    if position is None or installed is None or position.source != "gnss":
        return None
    away = distance_m((position.latitude, position.longitude), installed)
    return away if away > max(_AWAY_M, 3 * (position.accuracy_m or RADIUS_UNKNOWN_M["gnss"])) else None


def about(degrees_e7: int) -> int:
    """Return a latitude or longitude, degrees x 10^7, to a hundredth of a degree: a kilometre."""
    return round(degrees_e7 / _ABOUT_E7) * _ABOUT_E7


_ABOUT_E7: Final = 10**5
