"""Sites for tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.site import MapBounds, Site
from siaga_gateway.domain.value import copied

WIB = LocalTime(ZoneInfo("Asia/Jakarta"))
WITA = LocalTime(ZoneInfo("Asia/Makassar"))
BERLIN = LocalTime(ZoneInfo("Europe/Berlin"))

SITE = Site("lampung", WIB, MapBounds(*map(Decimal, ("103.45", "-6.15", "106.2", "-3.65"))), ("id", "en"), "110")

MAKASSAR = Site(
    "Polda Sulawesi Selatan",
    WITA,
    MapBounds(*map(Decimal, ("118.7", "-7.8", "122.2", "-1.8"))),
    ("id", "en"),
    "112",
)


def site(**changes: Any) -> Site:
    return copied(SITE, **changes)
