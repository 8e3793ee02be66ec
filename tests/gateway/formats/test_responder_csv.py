"""Lists of officers, patrols and shifts as offices write them; every fault of a row at once."""

from __future__ import annotations

from datetime import date

import pytest

from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.domain.opening_hours import parsed
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder, ResponderKind, Transport
from siaga_gateway.domain.shifts import DutyState, Shift
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.formats.responder_csv import ResponderRow, responder_rows
from siaga_gateway.formats.shift_csv import ShiftRow, shift_rows
from siaga_gateway.formats.spreadsheet_csv import SheetError, sheet

NOW = 1_800_000_000_000
FULL = "nrp;jenis;nama;pos;bahasa;kendaraan;keahlian;jam tenang;lintang;bujur;wa;sms;telegram"
BUDI = (
    "budi;Anggota;Contoh Budi;polsek-a;English;Mobil;perahu, P3K;22.00-05.00;-5,42;105,25;"
    "0812 0000 0001;081200000002 / 081200000003;100000001"
)


def rows(header: str, *lines: str) -> list[ResponderRow]:
    return responder_rows(sheet("\r\n".join((header, *lines)).encode("cp1252")))


def keys(row: ResponderRow | ShiftRow) -> list[str]:
    return [problem.key for problem in row.problems if isinstance(problem, SiagaError)]


def test_a_row_says_who_somebody_is_and_how_to_reach_him() -> None:
    (row,) = rows(FULL, BUDI)
    assert not row.problems
    budi = row.responder(None, NOW)
    assert budi == Responder(
        "budi",
        ResponderKind.OFFICER,
        "Contoh Budi",
        "polsek-a",
        "en",
        Transport.CAR,
        ("perahu", "P3K"),
        tuple(
            ProvenWay(Contact(way, address))
            for way, address in (
                (ContactWay.WHATSAPP, "+6281200000001"),
                (ContactWay.SMS, "+6281200000002"),
                (ContactWay.SMS, "+6281200000003"),
                (ContactWay.TELEGRAM, "100000001"),
            )
        ),
        parsed("22:00-05:00"),
        (-54_200_000, 1_052_500_000),
        None,
        NOW,
    )


def test_a_key_and_a_name_are_enough_and_empty_cells_are_usual_things() -> None:
    (row,) = rows("key,name,kind,language,transport,quiet,station", "a,Contoh,,,,,")
    assert row.responder(None, NOW) == Responder("a", ResponderKind.OFFICER, "Contoh", added_ms=NOW)
    (short,) = rows("kunci,nama", "a,Contoh")
    assert short.responder(None, NOW) == row.responder(None, NOW)


def test_what_the_file_has_no_column_for_stays_and_so_does_what_was_proven() -> None:
    (row,) = rows(FULL, BUDI)
    before = row.responder(None, NOW)
    before = copied(before, token_hash="x", ways=tuple(copied(way, proven_ms=NOW) for way in before.ways))
    (renamed,) = rows("key;name", "budi;Lain")
    assert renamed.responder(before, NOW + 1) == copied(before, name="Lain")
    (moved,) = rows("key;name;telegram", "budi;Contoh Budi;100000009")
    after = moved.responder(before, NOW + 1)
    assert after.ways == (*before.ways[:-1], ProvenWay(Contact(ContactWay.TELEGRAM, "100000009")))
    assert (after.token_hash, after.added_ms) == ("x", NOW)
    (none,) = rows("key;name;wa;sms;telegram", "budi;Contoh Budi;;;")
    assert none.responder(before, NOW).ways == ()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("Budi B;;;;;;;;;;;;", ["cell.key_like", "cell.empty"]),
        ("budi;polwan;Contoh;Polsek A;;;;;;;;;", ["cell.choice", "cell.key_like"]),
        ("budi;;Contoh;;de;becak;;;;;;;", ["cell.choice", "cell.choice"]),
        ("budi;;Contoh;;;;;24 jam;;;;;", ["cell.always_quiet"]),
        ("budi;;Contoh;;;;;malam;;;;;", ["hours.part"]),
        ("budi;;Contoh;;;;;;105,25;-5,42;;;", ["cell.swapped"]),
        ("budi;;Contoh;;;;;;-5,42;;;;", ["cell.empty"]),
        ("budi;;Contoh;;;;;;;;12;6,28E+11;budi", ["cell.number", "sheet.scientific", "cell.telegram"]),
        (f"budi;;Contoh;;;;{','.join(map(str, range(21)))};;;;;;", ["cell.skills"]),
        ("budi;;Con\u00adtoh;;;;;;;;;;", ["text.hidden"]),
    ],
)
def test_every_fault_of_a_row_is_told(line: str, wanted: list[str]) -> None:
    (row,) = rows(FULL, line)
    assert keys(row) == wanted


def test_a_home_needs_both_halves_and_a_column_is_known() -> None:
    with pytest.raises(SheetError, match="home_latitude"):
        rows("key;name;lat", "a;b;1")
    with pytest.raises(SheetError, match="Did you mean nama"):
        rows("key;namaa", "a;b")


def shifts(header: str, *lines: str) -> list[ShiftRow]:
    return shift_rows(sheet("\n".join((header, *lines)).encode()))


def test_a_shift_is_who_when_and_from_which_day() -> None:
    found = shifts(
        "petugas;jaga;jam;dari;sampai",
        "budi;jaga;Sen-Jum 08.00-16.00;1/12/2026;2026-12-31",
        "wati;siap di rumah;24 jam;;",
        "budi;;22:00-06:00;;",
    )
    assert [row.shift for row in found] == [
        Shift(
            "budi",
            DutyState.ON_DUTY,
            parsed("Mon-Fri 08:00-16:00"),
            date(2026, 12, 1).toordinal(),
            date(2026, 12, 31).toordinal(),
        ),
        Shift("wati", DutyState.AVAILABLE, ()),
        Shift("budi", DutyState.ON_DUTY, parsed("22:00-06:00")),
    ]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("Budi;off;;;", ["cell.key_like", "cell.choice", "cell.no_hours"]),
        ("budi;;siang;;", ["hours.part"]),
        ("budi;;08:00-16:00;2026-12-31;2026-12-30", ["cell.days_turned"]),
        ("budi;;08:00-16:00;besok;31/2/2026", ["cell.no_day", "cell.no_day"]),
    ],
)
def test_every_fault_of_a_shift_is_told(line: str, wanted: list[str]) -> None:
    (row,) = shifts("petugas;jaga;jam;dari;sampai", line)
    assert keys(row) == wanted and row.shift is None
