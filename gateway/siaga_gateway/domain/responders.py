"""Officers and patrols: who they are, where they are, and how soon one of them can be at a place.

A responder is named by its key, which the force chooses. When somebody is on duty is in shifts.py, which of the ways to
him count in way_proof.py, who is called in service/dispatch/duty.py.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from siaga_gateway.domain.opening_hours import Spans, is_open
from siaga_gateway.domain.places import Contact, Point
from siaga_gateway.domain.position import distance_m
from siaga_gateway.domain.shifts import DutyState, Standing
from siaga_gateway.domain.value import copied, record
from siaga_gateway.domain.way_proof import ProvenWay


class ResponderKind(StrEnum):
    OFFICER = "officer"
    PATROL = "patrol"  # a vehicle with whoever is in it


class Transport(StrEnum):
    FOOT = "foot"
    BICYCLE = "bicycle"
    MOTORCYCLE = "motorcycle"
    CAR = "car"
    BOAT = "boat"


# Through a town and its traffic, km/h: an estimate, from the door.
SPEED_KMH: Final = {
    Transport.FOOT: 5,
    Transport.BICYCLE: 12,
    Transport.MOTORCYCLE: 30,
    Transport.CAR: 30,
    Transport.BOAT: 20,
}
FROM_HOME_S: Final = 180  # to be dressed and out of the house


@record
class Responder:
    """Somebody, or a crew, that can come."""

    key: str
    kind: ResponderKind
    name: str
    station: str | None = None  # the home station's key
    language: str = "id"
    transport: Transport = Transport.MOTORCYCLE
    skills: tuple[str, ...] = ()
    ways: tuple[ProvenWay, ...] = ()  # in the order of preference
    quiet: Spans = ()  # minutes of the local week; none: never
    home: Point | None = None
    token_hash: str | None = None  # of what his phone shows with its positions, see formats/owntracks.py
    added_ms: int = 0

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """Return the ways that count, in the order of preference."""
        return tuple(way.contact for way in self.ways if way.proven)


def is_quiet(responder: Responder, now: Standing, minute: int) -> bool:
    """Whether a call would wake him who did not offer himself: on duty nobody is quiet, nor who said so himself.

    minute: of the week, local.
    """
    if now.duty is DutyState.ON_DUTY or (now.declared and now.duty is DutyState.AVAILABLE):
        return False
    return bool(responder.quiet) and is_open(responder.quiet, minute)


def rung_for(rung: int, last: int, quiet: bool) -> int:
    """Return on which rung of the ladder, from 0, to call somebody who would be called on this one."""
    return min(rung + 1, last) if quiet else rung


# Where somebody is

STILL_M: Final = 60  # so far a receiver's position wanders while nobody moves
COARSE_M: Final = 10_000  # such a circle does not tell who is near
AHEAD_MS: Final = 120_000  # by so much a phone's clock may be ahead
UNKNOWN_AGE_MS: Final = 600_000  # of a fix whose age nobody knows, as with a button's
OLDEST_MS: Final = 24 * 3_600_000  # nobody is there any more
_FASTEST_M_S: Final = 70
_FAR_M: Final = 3_000  # a smaller jump is noise


@record
class ResponderPosition:
    """Where somebody was last known to be, and since when he has been about there."""

    responder: str
    latitude: int  # degrees x 10^7
    longitude: int
    accuracy_m: int | None
    fix_ms: int  # when the receiver was there, Unix ms of the gateway's clock; never later than heard_ms
    fix_known: bool  # False: the phone did not say; fix_ms is guessed
    heard_ms: int  # when something last came from there
    still_latitude: int = 0  # where he has been about since still_ms
    still_longitude: int = 0
    still_ms: int = 0

    @property
    def place(self) -> Point:
        return self.latitude, self.longitude

    def age_s(self, now_ms: int) -> int:
        return max(0, now_ms - self.fix_ms) // 1000

    def still_s(self) -> int:
        """Return for how long, as of the fix, he had not moved."""
        return max(0, self.fix_ms - self.still_ms) // 1000


def fix_time(told_ms: int, made_ms: int | None, heard_ms: int, *, is_ping: bool = False) -> tuple[int, bool]:
    """Return when a fix was made, by the gateway's clock, and whether that is known.

    told_ms: what the phone says. made_ms: when it made the message, by its own clock. is_ping: the phone tells that it
    lives; told_ms is the time of the message, not of the fix.
    """
    if is_ping:
        return min(told_ms, heard_ms) - UNKNOWN_AGE_MS, False
    if told_ms <= heard_ms + AHEAD_MS:
        return min(told_ms, heard_ms), True
    # Its clock is ahead: only how long the message took to be made is worth something.
    age_ms = UNKNOWN_AGE_MS if made_ms is None else max(0, made_ms - told_ms)
    return heard_ms - age_ms, False


def moved_on(before: ResponderPosition | None, new: ResponderPosition) -> ResponderPosition | None:
    """Return what to keep after a new position; None: it says nothing new (older, or the same fix once more)."""
    if before is None:
        return copied(new, still_latitude=new.latitude, still_longitude=new.longitude, still_ms=new.fix_ms)
    same = before.place == new.place
    if same and not new.fix_known:
        # The phone lives, and knows nothing newer.
        return copied(before, heard_ms=new.heard_ms) if new.heard_ms > before.heard_ms else None
    if new.fix_ms <= before.fix_ms:
        return None
    room = max(STILL_M, new.accuracy_m or 0, before.accuracy_m or 0)
    if distance_m((before.still_latitude, before.still_longitude), new.place) <= room:
        return copied(
            new,
            still_latitude=before.still_latitude,
            still_longitude=before.still_longitude,
            still_ms=before.still_ms,
        )
    return copied(new, still_latitude=new.latitude, still_longitude=new.longitude, still_ms=new.fix_ms)


def is_possible(before: ResponderPosition | None, new: ResponderPosition) -> bool:
    """Whether somebody can have come from there to here in that time."""
    if before is None or not (before.fix_known and new.fix_known) or new.fix_ms <= before.fix_ms:
        return True
    metres = distance_m(before.place, new.place) - (before.accuracy_m or 0) - (new.accuracy_m or 0)
    return metres <= _FAR_M or metres * 1000 <= _FASTEST_M_S * (new.fix_ms - before.fix_ms)


def estimate_s(metres: int, transport: Transport, detour_percent: int, *, from_home: bool = False) -> int:
    """Return about how long somebody needs, seconds: straight line x detour / speed. An estimate, to be shown as one.

    detour_percent: how much longer the road is than the straight line; 140: by 40 %.
    """
    speed = SPEED_KMH[transport]
    return metres * detour_percent * 36 // (1000 * speed) + (FROM_HOME_S if from_home else 0)
