"""What a check-in says of the signal at a place, and what may be told of a cell."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from siaga_gateway.domain.coverage import (
    CELL_E7,
    CLASSES,
    LEAST,
    SQUARE,
    CellMonth,
    added,
    cell_at,
    corner_of,
    first_of,
    month_of,
    released,
    sample_of,
    square_of,
)
from siaga_gateway.domain.device_report import NO_POSITION, UNKNOWN_SIGNAL, Bearer, PositionSource, Report, Status
from siaga_gateway.domain.frame import Kind, Suite, Uplink
from siaga_gateway.domain.registry import Device, RegistrationState

NOW_MS = 1_790_000_000_000
PLACE = (-54_123_456, 1_052_654_321)
DEVICE = Device(bytes(8), bytes(64), 0x13, RegistrationState.ACTIVE, "Contoh", NOW_MS)
STATUS = Status((1, 0, 0), -93, Bearer.LTE, 0, 1, 0, 0)
REPORT = Report(NOW_MS // 1000, *PLACE, 12, 30, 80, PositionSource.GNSS << 8, 0)


def checkin(report: Report | None = REPORT, status: Status | None = STATUS) -> Uplink:
    return Uplink(Kind.CHECKIN, Suite.HS256_64, DEVICE.device_id, 7, b"", b"", b"", report=report, status=status)


def test_a_checkin_is_a_signal_in_a_cell_and_a_class_of_owners() -> None:
    sample = sample_of(DEVICE, checkin(), NOW_MS)
    assert sample is not None
    assert (sample.bearer, sample.dbm, sample.classes) == (Bearer.LTE, -93, 1 << 0x13 % CLASSES)
    assert sample.month == month_of(NOW_MS) == 2026 * 12 + 8
    south, west = corner_of(sample.cell)
    assert south <= PLACE[0] < south + CELL_E7 and west <= PLACE[1] < west + CELL_E7
    assert first_of(sample) == CellMonth(sample.month, 1, sample.cell, 1, sample.classes, 1, 0, -93)


@pytest.mark.parametrize(
    ("bearer", "dbm", "weak"),
    [
        *((bearer, dbm, weak) for bearer in (Bearer.LTE, Bearer.SMS) for dbm, weak in ((-100, 0), (-101, 1))),
        (Bearer.LORAWAN, -115, 0),
        (Bearer.LORAWAN, -116, 1),
    ],
)
def test_weak_is_what_loses_messages(bearer: Bearer, dbm: int, weak: int) -> None:
    sample = sample_of(DEVICE, checkin(status=replace(STATUS, bearer=bearer, signal=dbm)), NOW_MS)
    assert sample is not None and first_of(sample).weak == weak


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (None, STATUS),
        (REPORT, None),
        (REPORT, replace(STATUS, signal=UNKNOWN_SIGNAL)),
        (REPORT, replace(STATUS, bearer=Bearer.WIFI)),
        (REPORT, replace(STATUS, bearer=Bearer.UNKNOWN)),
        (replace(REPORT, latitude=NO_POSITION, longitude=NO_POSITION), STATUS),
        (replace(REPORT, latitude=0, longitude=9_999), STATUS),
        (replace(REPORT, fix_age=601), STATUS),
        (replace(REPORT, fix_age=65535), STATUS),
        (replace(REPORT, accuracy=501), STATUS),
        (replace(REPORT, flags=PositionSource.NETWORK << 8), STATUS),
    ],
)
def test_what_does_not_know_where_it_was_sent_from_says_nothing(report: Report | None, status: Status | None) -> None:
    assert sample_of(DEVICE, checkin(report, status), NOW_MS) is None


def test_a_mounted_button_counts_where_it_is_mounted() -> None:
    mounted = replace(DEVICE, installed_latitude=-53_000_000, installed_longitude=1_050_000_000)
    for report in (REPORT, replace(REPORT, latitude=NO_POSITION, longitude=NO_POSITION)):
        sample = sample_of(mounted, checkin(report), NOW_MS)
        assert sample is not None and sample.cell == cell_at(-53_000_000, 1_050_000_000)
    said = replace(REPORT, fix_age=65535, accuracy=65535, flags=PositionSource.INSTALLED << 8)
    found = sample_of(DEVICE, checkin(said), NOW_MS)
    assert found is not None and found.cell == cell_at(*PLACE)


@pytest.mark.parametrize(
    "place", [(-900_000_000, -1_800_000_000), (900_000_000, 1_800_000_000), (0, 0), (-1, -1), PLACE]
)
def test_every_place_of_the_globe_has_a_cell_and_a_square(place: tuple[int, int]) -> None:
    cell = cell_at(*place)
    south, west = corner_of(cell)
    assert 0 <= place[0] - south < CELL_E7 and 0 <= place[1] - west < CELL_E7
    square = square_of(cell)
    south, west = corner_of(square)
    assert 0 <= place[0] - south < SQUARE * CELL_E7 and 0 <= place[1] - west < SQUARE * CELL_E7
    assert square_of(square) == square


def test_no_cell_and_no_square_is_told_that_too_few_reported_from() -> None:
    chance = random.Random(39)
    gathered: dict[tuple[int, int, int, int, int], CellMonth] = {}
    reported: dict[tuple[int, int], set[int]] = {}  # by size and cell: which classes
    for _ in range(2_000):
        cell = cell_at(chance.randrange(-56_000_000, -53_000_000), chance.randrange(1_052_000_000, 1_054_000_000))
        class_ = chance.randrange(CLASSES)
        one = CellMonth(24_320, 1, cell, 1, 1 << class_, 1, 0, -90)
        added(gathered, one.class_key, one)
        reported.setdefault((1, cell), set()).add(class_)
        reported.setdefault((SQUARE, square_of(cell)), set()).add(class_)
    told = released(gathered.values())
    assert {each.size for each in told} == {1, SQUARE}
    for each in told:
        assert each.classes.bit_count() == len(reported[each.size, each.cell]) or each.size == SQUARE
        assert each.classes.bit_count() >= LEAST
        assert len(reported[each.size, each.cell]) >= LEAST
        # A square holds only what its cells do not tell: nobody can take them from it.
        if each.size == SQUARE:
            fine = {one.cell for one in told if one.size == 1}
            rest = [one for one in gathered.values() if square_of(one.cell) == each.cell and one.cell not in fine]
            assert each == released(rest)[0] and len(released(rest)) == 1
    assert released(list(gathered.values())[:1]) == []


@pytest.mark.parametrize("count", [LEAST - 1, LEAST, CLASSES])
def test_no_class_makes_up_more_than_a_fifth_of_what_is_told(count: int) -> None:
    chance = random.Random(count)
    for _ in range(200):
        counts = [chance.choice((1, 2, 3, 40, 700)) for _ in range(count)]
        weak = [chance.randrange(each + 1) for each in counts]
        cells = [
            CellMonth(24_320, 1, 7, 1, 1 << number, each, bad, -90 * each - bad)
            for number, (each, bad) in enumerate(zip(counts, weak, strict=True))
        ]
        found = released(cells)
        if count < LEAST:
            assert found == []
            continue
        (told,) = found
        most = sorted(counts)[-LEAST]
        assert told.samples == sum(min(each, most) for each in counts) >= LEAST * most
        assert told.classes == (1 << count) - 1
        assert 0 <= told.weak <= told.samples
        assert -92 * told.samples <= told.dbm <= -89 * told.samples


def test_who_reports_more_often_says_the_same_of_the_signal() -> None:
    cells = [CellMonth(24_320, 1, 7, 1, 1 << number, 100, 50, -10_000) for number in range(LEAST)]
    cells[0] = cells[0]._replace(samples=1_000, weak=500, dbm=-100_000)
    assert released(cells) == [CellMonth(24_320, 1, 7, 1, (1 << LEAST) - 1, 500, 250, -50_000)]


def test_what_is_told_adds_up_again_the_same() -> None:
    one = CellMonth(24_320, SQUARE, square_of(cell_at(*PLACE)), 1, 0b11111, 40, 10, -3_600)
    cells: dict[tuple[int, int, int, int], CellMonth] = {}
    for each in (one, one):
        added(cells, each.key, each)
    assert list(cells.values()) == [one._replace(samples=80, weak=20, dbm=-7_200)]
