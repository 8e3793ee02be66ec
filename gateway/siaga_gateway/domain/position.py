"""Which of several positions is worth the most, and whether a better one is worth telling.

Frames arrive out of order, so the choice must not depend on the order: positions have a rank, and the best rank wins.
"""

from __future__ import annotations

import math
from typing import Final

from siaga_gateway.domain.incident import Position
from siaga_gateway.domain.report import PositionSource, Report

# How fast a holder may move away from a fix, metres a second: a bicycle, a car in a town. It weighs the age of a fix
# against its accuracy: a satellite fix to 10 m loses to a cell's 2 km only when it is more than six minutes older.
SPEED_M_S: Final = 5
# A fix of a moving button that is older than this says less than the place where the button was mounted.
CARRY_OVER_MS: Final = 30 * 60 * 1000
# Stand-ins for ranking only; what a person is shown stays "unknown".
_ACCURACY_UNKNOWN_M: Final = {"gnss": 100, "network": 5_000, "installed": 50}
_FIX_AGE_UNKNOWN_S: Final = 600
_MAX_FIX_AGE_S: Final = 65_534
# Below this a change of place is noise.
_MOVED_M: Final = 20
_EARTH_M_PER_E7: Final = 6_371_008.8 * math.pi / 180 / 10**7

SOURCES: Final = {
    PositionSource.NONE: "network",  # coordinates without a declared source are taken for coarse ones
    PositionSource.GNSS: "gnss",
    PositionSource.NETWORK: "network",
    PositionSource.INSTALLED: "installed",
}


def reported(report: Report, at_ms: int) -> Position | None:
    """The position of a report; None: none sent, or coordinates that no place has. at_ms: when the event happened."""
    if not report.has_position:
        return None
    return Position(
        latitude=report.latitude,
        longitude=report.longitude,
        accuracy_m=report.accuracy_m,
        fix_age_s=report.fix_age_s,
        source=SOURCES[report.position_source],
        at_ms=at_ms,
    )


def fix_ms(position: Position) -> int:
    """When the fix was made, Unix ms; an unknown age counts as ten minutes."""
    age_s = _FIX_AGE_UNKNOWN_S if position.fix_age_s is None else position.fix_age_s
    return position.at_ms - age_s * 1000


def better(one: Position | None, other: Position | None) -> Position | None:
    """The one with the smaller circle in which the holder must be by now, whichever comes first."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=_rank)


def _rank(position: Position) -> tuple[int, int, int, int]:
    accuracy_m = position.accuracy_m
    if accuracy_m is None:
        accuracy_m = _ACCURACY_UNKNOWN_M.get(position.source, 5_000)
    # radius now = accuracy + speed x (now - fix); `now` is the same for both and falls out. Millimetres.
    radius = accuracy_m * 1000 - SPEED_M_S * fix_ms(position)
    return radius, -position.at_ms, position.latitude, position.longitude


def best_known(last: Position | None, installed: tuple[int, int] | None, at_ms: int) -> Position | None:
    """The position to show for an incident of which a frame is dated at_ms.

    last: the best that the device ever reported, in any frame. installed: where the installer mounted it (degrees x
    10^7), which a `last` of more than half an hour before gives way to. `last` is restated as of at_ms, so that its
    fix age says how old it really is.
    """
    if last is not None and (installed is None or at_ms - fix_ms(last) <= CARRY_OVER_MS):
        return _as_of(last, at_ms)
    if installed is not None:
        return Position(installed[0], installed[1], None, None, "installed", at_ms)
    return None


def same_fix(one: Position | None, other: Position | None) -> bool:
    """Whether two positions are one fix, perhaps stated as of different times."""
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
    # In full: `replace` costs five times as much, for every press.
    return Position(
        position.latitude,
        position.longitude,
        position.accuracy_m,
        min(age_s, _MAX_FIX_AGE_S),
        position.source,
        at_ms,
    )


def distance_m(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Metres between two places, (latitude, longitude), that are near each other (equirectangular; 0.1 % off at
    100 km)."""
    middle = math.radians((one[0] + other[0]) / 2 / 10**7)
    longitude = (one[1] - other[1] + 1_800_000_000) % 3_600_000_000 - 1_800_000_000
    return round(_EARTH_M_PER_E7 * math.hypot(one[0] - other[0], longitude * math.cos(middle)))


def worth_telling(told: tuple[int, int, int | None] | None, now: Position) -> bool:
    """Whether the outputs should hear of a position: the first, one further from the last they were told of than noise
    is, or one at most half as uncertain. told: latitude, longitude, accuracy."""
    if told is None:
        return True
    latitude, longitude, accuracy_m = told
    if distance_m((latitude, longitude), (now.latitude, now.longitude)) > _MOVED_M:
        return True
    if now.accuracy_m is None:
        return False
    return accuracy_m is None or now.accuracy_m * 2 <= accuracy_m
