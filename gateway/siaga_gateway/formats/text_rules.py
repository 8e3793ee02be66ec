"""How all formats write numbers, times and texts from outside: exact, and free of anything that breaks a reader."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from siaga_gateway.catalogue import text
from siaga_gateway.domain.device_report import MAX_LATITUDE, MAX_LONGITUDE
from siaga_gateway.domain.incident import Incident, Position
from siaga_gateway.domain.invisible_characters import hidden, without_hidden
from siaga_gateway.domain.position import RADIUS_OTHERWISE_M, RADIUS_UNKNOWN_M

# What XML 1.0 (production 2, Char) excludes besides control characters: surrogates and two noncharacters.
_UNWRITABLE: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def one_line(written: str, limit: int | None = None) -> str:
    """Return a text from outside as one line that every format can hold.

    Control characters and runs of white space become one space; unencodable characters (lone surrogates) become U+FFFD,
    so that the loss shows; other invisible ones (domain.invisible_characters) are dropped. Beyond `limit` characters it
    ends in `…`.
    """
    plain = written.isprintable() and not any(hidden(written))
    if plain and "  " not in written and written[:1] != " " != written[-1:]:
        clean = written  # nearly every text: nothing below would change it
    else:
        clean = " ".join(_UNWRITABLE.sub("\ufffd", _CONTROL.sub(" ", written)).split())
        clean = " ".join(without_hidden(clean).split())
    if limit is not None and len(clean) > limit:
        clean = clean[: limit - 1].rstrip() + "…"
    return clean


def degrees(degrees_e7: int) -> str:
    """Format degrees x 10^7 as decimal degrees with seven places, from digits alone: -1 is `-0.0000001`."""
    whole, fraction = divmod(abs(degrees_e7), 10_000_000)
    return f"{'-' if degrees_e7 < 0 else ''}{whole}.{fraction:07d}"


def kilometres(metres: int) -> str:
    """Format metres as kilometres with three places: 12 is `0.012`."""
    return f"{metres // 1000}.{metres % 1000:03d}"


def on_earth(position: Position) -> bool:
    """Whether the coordinates are possible; others (a faulty button's) are shown to people, never drawn as an area."""
    return abs(position.latitude) <= MAX_LATITUDE and abs(position.longitude) <= MAX_LONGITUDE


def search_radius_m(position: Position) -> int:
    """Return the radius within which the button is, metres: the position's accuracy, or an estimate from its source."""
    if position.accuracy_m is None:
        return RADIUS_UNKNOWN_M.get(position.source, RADIUS_OTHERWISE_M)
    return max(position.accuracy_m, 1)  # no map draws a circle of radius 0


def utc_time(unix_ms: int) -> str:
    """Format as RFC 3339 in UTC with milliseconds: `2026-11-23T07:03:27.250Z`. Raises: OverflowError past the year
    9999."""
    return (_EPOCH + timedelta(milliseconds=unix_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(seconds: int, language: str) -> str:
    """Format a duration for a person: `45 detik`, `12 menit`, `6 jam`, `3 hari`; rounded down."""
    for name, size, up_to in (("seconds", 1, 120), ("minutes", 60, 7_200), ("hours", 3_600, 172_800)):
        if seconds < up_to:
            return text(f"formats.duration.{name}", language, n=seconds // size)
    return text("formats.duration.days", language, n=seconds // 86_400)


def gateway_name(incident: Incident) -> str:
    """Return the gateway in an incident's identifier: `siaga` of `siaga-17`."""
    return incident.identifier.rpartition("-")[0] or incident.identifier
