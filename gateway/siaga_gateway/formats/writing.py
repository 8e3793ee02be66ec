"""How numbers, times and texts from outside are written in every format: exact, and free of what breaks a reader."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from siaga_gateway.catalogue import WIB, text
from siaga_gateway.domain.incident import Incident, Position

# Marks that reorder what a reader sees (Unicode bidirectional embeddings, overrides and isolates). Right-to-left names
# need none of them, and with them a name can be made to look like another. The joiners that emojis use are kept.
_REORDERING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
# What XML 1.0 (production 2, Char) cannot hold beside control characters: surrogates and two non-characters.
_UNWRITABLE: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# The radius of the circle to search in, metres, where the button did not know its accuracy: a satellite fix is seldom
# worse, a position from the mobile network is the size of a cell, an installed one was surveyed by a person.
RADIUS_UNKNOWN_M: Final = {"gnss": 100, "network": 5_000, "installed": 50}
RADIUS_OTHERWISE_M: Final = 5_000


def one_line(written: str, limit: int | None = None) -> str:
    """A text from outside as one line that every format can hold.

    Control characters and runs of white space become one space; what cannot be written (a lone surrogate) becomes
    U+FFFD, so that the loss shows; marks that reorder the display are dropped. Longer than `limit` characters, it ends
    in `…`.
    """
    if written.isprintable() and "  " not in written and written[:1] != " " != written[-1:]:
        clean = written  # nearly every text: none of what follows would find anything in it
    else:
        clean = _UNWRITABLE.sub("\ufffd", _REORDERING.sub("", _CONTROL.sub(" ", written)))
        clean = " ".join(clean.split())
    if limit is not None and len(clean) > limit:
        clean = clean[: limit - 1].rstrip() + "…"
    return clean


def degrees(degrees_e7: int) -> str:
    """Degrees x 10^7 as decimal degrees with seven places, from digits alone: -1 is `-0.0000001`."""
    whole, fraction = divmod(abs(degrees_e7), 10_000_000)
    return f"{'-' if degrees_e7 < 0 else ''}{whole}.{fraction:07d}"


def kilometres(metres: int) -> str:
    """Whole metres as kilometres with three places: 12 is `0.012`."""
    return f"{metres // 1000}.{metres % 1000:03d}"


def on_earth(position: Position) -> bool:
    """False for coordinates that no place has (a button's fault): shown to people, never drawn as an area."""
    return abs(position.latitude) <= 900_000_000 and abs(position.longitude) <= 1_800_000_000


def search_radius_m(position: Position) -> int:
    """The radius around the position in which the button is, metres: its accuracy, or what its source is worth."""
    if position.accuracy_m is None:
        return RADIUS_UNKNOWN_M.get(position.source, RADIUS_OTHERWISE_M)
    return max(position.accuracy_m, 1)  # a circle of no size is drawn by no map


def utc_time(unix_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-23T07:03:27.250Z`. Raises OverflowError past the year 9999."""
    return (_EPOCH + timedelta(milliseconds=unix_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wib_time(unix_ms: int) -> str:
    """ISO 8601 in WIB with whole seconds: `2026-11-23T14:03:27+07:00`. Raises OverflowError past the year 9999."""
    return (_EPOCH + timedelta(seconds=unix_ms // 1000)).astimezone(WIB).isoformat()


def duration(seconds: int, language: str) -> str:
    """A length of time for a person: `45 detik`, `12 menit`, `6 jam`, `3 hari`; it is rounded down."""
    for name, size, up_to in (("seconds", 1, 120), ("minutes", 60, 7_200), ("hours", 3_600, 172_800)):
        if seconds < up_to:
            return text(f"formats.duration.{name}", language, n=seconds // size)
    return text("formats.duration.days", language, n=seconds // 86_400)


def gateway_name(incident: Incident) -> str:
    """The gateway that an incident's identifier names: `lampung` of `lampung-17`."""
    return incident.identifier.rpartition("-")[0] or incident.identifier
