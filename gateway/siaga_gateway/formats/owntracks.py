"""What the OwnTracks apps post and publish, into fixes; https://owntracks.org/booklet/tech/json/.

Fields that are zero are left out, so an accuracy may be missing. A ping (`t` = p) repeats the last place with the time
of the message: it says that the phone lives. `created_at` is when the message was made, by the phone's clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.position import is_zero
from siaga_gateway.domain.value import record

LARGEST: Final = 256 * 1024  # bytes
MOST: Final = 1_000  # messages in a batch
OF_ONE: Final = 50  # positions of one person that are looked at, of one message
_E7: Final = 10**7
_LATEST_S: Final = 253_402_300_799  # year 9999
# What the apps send beside places: nothing is wrong with it, and nothing of it is kept.
_PASSED: Final = frozenset(
    {"lwt", "waypoint", "waypoints", "card", "cmd", "status", "steps", "beacon", "request", "configuration", "dump"}
)
_PLACES: Final = frozenset({"location", "transition"})


class OwntracksError(Malformed):
    """A message that says no place, or not so that it can be read; the text says what to change in the app."""


@record
class Fix:
    """Where a phone was."""

    latitude: int  # degrees x 10^7
    longitude: int
    accuracy_m: int | None  # None: not said
    told_ms: int  # when, by the phone's clock
    made_ms: int | None  # when the message was made, by the same clock
    is_ping: bool


@record
class Passed:
    """A message without a place, of a kind that is none of ours."""

    kind: str


def read(raw: bytes) -> list[Fix | Passed | OwntracksError]:
    """Read what was posted: nothing, one message, or a list of them. What is wrong with one leaves the others.

    Raises: OwntracksError if nothing of it can be read.
    """
    if len(raw) > LARGEST:
        raise OwntracksError("owntracks.size", most=LARGEST)
    if not raw.strip():
        return []  # a friend was deleted in the app
    try:
        told = json.loads(raw.decode("utf-8"), parse_float=Decimal, parse_constant=_not_a_number)
    except (ValueError, ArithmeticError, RecursionError):
        raise OwntracksError("owntracks.no_json") from None
    messages = told if isinstance(told, list) else [told]
    if len(messages) > MOST:
        raise OwntracksError("owntracks.many", count=len(messages), most=MOST)
    return [_message(each) for each in messages]


def newest(fixes: Iterable[Fix]) -> list[Fix]:
    """Return those of one message that are looked at, in the order of time: only the last of somebody counts in the
    end, so a backlog of a week is not looked through."""
    return sorted(fixes, key=lambda fix: fix.told_ms)[-OF_ONE:]


def _message(told: Any) -> Fix | Passed | OwntracksError:
    try:
        if not isinstance(told, dict):
            raise OwntracksError("owntracks.no_message")
        kind = told.get("_type")
        if not isinstance(kind, str):
            raise OwntracksError("owntracks.kind")
        if kind == "encrypted":
            raise OwntracksError("owntracks.encrypted")
        if kind in _PASSED:
            return Passed(kind)
        if kind not in _PLACES:
            raise OwntracksError("owntracks.kind")
        return _fix(told)
    except OwntracksError as error:
        return error


def _fix(told: dict[str, Any]) -> Fix:
    latitude, longitude = _degrees(told, "lat", 90), _degrees(told, "lon", 180)
    if is_zero(latitude, longitude):
        raise OwntracksError("owntracks.zero")
    accuracy = _number(told, "acc")
    if accuracy is not None and not 0 < accuracy < 10**8:
        accuracy = None  # an invalid fix has a negative one
    told_s = _number(told, "tst")
    if told_s is None or not 0 < told_s <= _LATEST_S:
        raise OwntracksError("owntracks.no_time")
    made_s = _number(told, "created_at")
    return Fix(
        latitude,
        longitude,
        None if accuracy is None else max(1, round(accuracy)),
        int(told_s * 1000),
        int(made_s * 1000) if made_s is not None and 0 < made_s <= _LATEST_S else None,
        told.get("t") == "p",
    )


def _degrees(told: dict[str, Any], name: str, most: int) -> int:
    degrees = _number(told, name)
    if degrees is None:
        raise OwntracksError("owntracks.no_place", name=name)
    if abs(degrees) > most:
        raise OwntracksError("owntracks.off_globe", name=name, most=most)
    return int((degrees * _E7).to_integral_value())


def _number(told: dict[str, Any], name: str) -> Decimal | None:
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if number.is_finite() and number.adjusted() < 20 else None


def _not_a_number(_name: str) -> None:
    raise ValueError("not in JSON")


def topic_parts(topic: str) -> tuple[str, str] | None:
    """Return user and device of `owntracks/<user>/<device>`, also with `/event` and the like; None: another topic."""
    parts = topic.split("/")
    if len(parts) < 3 or parts[0] != "owntracks" or not parts[1] or not parts[2]:
        return None
    return parts[1], parts[2]
