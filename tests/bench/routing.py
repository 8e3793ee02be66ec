"""Who is called for a place, among 10,000 stations and 500 areas of 1,000 vertices: what a press pays for it.

The areas are a lattice with crooked borders, each a tenth of a degree wide; stations lie in and around them. Places are
drawn by chance, a tenth of them beside a border. Figures are processor time, as the machine may be shared.
"""

from __future__ import annotations

import math
import random
import sys
import tempfile
import time
from datetime import timedelta, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from telling import say

from databases import held_keys
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.domain.jurisdiction import Jurisdiction, Point, packed
from siaga_gateway.domain.opening_hours import parsed
from siaga_gateway.domain.places import Contact, ContactWay, Station, StationKind
from siaga_gateway.service.dispatch.routing import PressOrigin, Router

STATIONS, COLUMNS, ROWS, VERTICES = 10_000, 25, 20, 1_000
SIDE = 1_000_000
SOUTH, WEST = -60_000_000, 1_040_000_000
ROUTES = 3_000
NOW_MS = 1_790_000_000_000
PHONE = (Contact(ContactWay.PHONE, "+62721000001"),)
HOURS = parsed("Sen-Jum 08:00-16:00")


def area(column: int, row: int) -> Jurisdiction:
    """A square whose sides are waves, which neighbours share."""
    side = VERTICES // 4

    def wave(part: float, phase: int) -> int:
        return round(0.1 * SIDE * math.sin(part * 9 * math.pi + phase) * math.sin(part * math.pi))

    ring: list[Point] = []
    for corner, (east, north, right, up) in enumerate(((0, 0, 1, 0), (1, 0, 0, 1), (1, 1, -1, 0), (0, 1, 0, -1))):
        for step in range(side):
            part = step / side
            along = part if right + up > 0 else 1 - part
            bow = wave(along, (row + (corner == 2)) if right else (column + (corner == 1)))
            ring.append(
                (
                    SOUTH + round((row + north + up * part) * SIDE) + (bow if right else 0),
                    WEST + round((column + east + right * part) * SIDE) + (bow if up else 0),
                )
            )
    return Jurisdiction(f"s{column * ROWS + row}", packed([(tuple(ring),)]))


def place(drawn: random.Random) -> Point:
    if drawn.random() < 0.1:  # beside a border
        return SOUTH + drawn.randrange(ROWS * SIDE), WEST + drawn.randrange(COLUMNS) * SIDE + drawn.randrange(-900, 900)
    return SOUTH + drawn.randrange(ROWS * SIDE), WEST + drawn.randrange(COLUMNS * SIDE)


def stations(drawn: random.Random) -> list[Station]:
    made = [Station("polda", StationKind.POLDA, "Polda", SOUTH, WEST, None, PHONE)]
    for number in range(STATIONS - 1):
        if number < COLUMNS * ROWS:
            column, row = divmod(number, ROWS)
            where = SOUTH + round((row + 0.5) * SIDE), WEST + round((column + 0.5) * SIDE)
        else:
            where = place(drawn)
        hours = HOURS if number % 3 == 0 else ()
        made.append(Station(f"s{number}", StationKind.POLSEK, f"Polsek {number}", *where, "polda", PHONE, hours))
    return made


def main() -> None:
    drawn = random.Random(11)
    with tempfile.TemporaryDirectory() as folder:
        store = SqlStore(Path(folder) / "siaga.db", NOW_MS, held_keys())
        areas = [area(column, row) for column in range(COLUMNS) for row in range(ROWS)]
        with store.transaction() as transaction:
            transaction.change_places()
            transaction.put_stations(stations(drawn))
            transaction.put_areas(areas)
        router = Router(store, timezone(timedelta(hours=7)), 100)
        began = time.process_time()
        router.warm()
        say("routing: the lists are read", (time.process_time() - began) * 1000, "ms")
        known = [PressOrigin(place(drawn)) for _ in range(ROUTES)]
        took, found = [], 0
        for each in known:
            began = time.process_time()
            route = router.route(each, NOW_MS)
            took.append((time.process_time() - began) * 1000)
            found += bool(route.responsible) and len(route.nearest) == 3
        took.sort()
        say("routing: mean", sum(took) / len(took), "ms", wanted="under 2")
        say("routing: p50", took[len(took) // 2], "ms")
        say("routing: p99", took[len(took) * 99 // 100], "ms", wanted="under 2")
        say("routing: places without three stations or an area's", ROUTES - found, "places", wanted="0")
        store.close()


if __name__ == "__main__":
    main()
