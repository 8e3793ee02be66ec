"""Lists of stations as Excel in Indonesia saves them, and every fault of a row with its line."""

from __future__ import annotations

from datetime import date

import pytest

from siaga_gateway.domain.opening_hours import parsed
from siaga_gateway.domain.places import Contact, ContactWay, Station, StationKind
from siaga_gateway.formats.spreadsheet_csv import SheetError, degrees_e7, sheet
from siaga_gateway.formats.station_csv import StationRow, station_rows

TODAY = date(2026, 11, 30).toordinal()
HEADER = "key;kind;name;latitude;longitude"
GOOD = "polsek-tbu;polsek;Polsek Teluk Betung Utara;-5,4292;105,261"


def rows(*lines: str, end: str = "\r\n", encoding: str = "utf-8") -> list[StationRow]:
    return station_rows(sheet(end.join(lines).encode(encoding)), TODAY)


def only(*lines: str, **how: str) -> Station:
    (row,) = rows(*lines, **how)
    assert row.problems == ()
    return row.station(None)


def keys(*lines: str) -> list[str]:
    (row,) = rows(*lines)
    for problem in row.problems:
        for language in ("id", "en"):
            assert "{" not in problem.say(language) and "cell." not in problem.say(language)
    return [problem.key for problem in row.problems]


def one(column: str, value: str) -> list[str]:
    """The faults of a good row with one more column."""
    return keys(f"{HEADER};{column}", f"{GOOD};{value}")


EXPECTED = Station("polsek-tbu", StationKind.POLSEK, "Polsek Teluk Betung Utara", -54_292_000, 1_052_610_000)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_as_excel_saves_it(encoding: str, end: str) -> None:
    cafe = only(HEADER, GOOD.replace("Utara", "é–Utara"), "", end=end, encoding=encoding)
    assert cafe.name == "Polsek Teluk Betung é–Utara"
    assert only(HEADER, GOOD, end=end, encoding=encoding) == EXPECTED


def test_commas_points_tabs_and_a_line_for_excel() -> None:
    plain = 'polsek-tbu,polsek,"Polsek Teluk Betung Utara",-5.4292,105.2610'
    assert only(HEADER.replace(";", ","), plain) == EXPECTED
    assert only(HEADER.replace(";", "\t"), GOOD.replace(";", "\t")) == EXPECTED
    assert only("sep=;", HEADER, GOOD) == EXPECTED
    quoted = plain.replace("-5.4292,105.2610", '"−5,4292","105,261"')
    assert only(HEADER.replace(";", ","), quoted) == EXPECTED
    assert only("Kunci;Jenis;Nama;Lintang;Bujur;;", f"{GOOD};;") == EXPECTED


def test_lines_are_those_of_the_file() -> None:
    read = rows("sep=;", HEADER, GOOD, "", '"a\nb";x', GOOD, f"{GOOD};too;many")
    assert [(row.line, len(row.problems)) for row in read] == [(3, 0), (5, 5), (7, 0), (8, 1)]


def test_all_that_a_row_may_say() -> None:
    station = only(
        f"{HEADER};induk;alamat;jam;WA;telepon;email;diperiksa oleh;diverifikasi",
        f"{GOOD};polres-bl;Jl. Contoh 1;Sen-Jum 22:00-06:00;"
        "0812-0000-0001 / +62 812 0000 0002;110;a@b.id;Dewi;30/11/2026",
    )
    assert station == Station(
        "polsek-tbu",
        StationKind.POLSEK,
        "Polsek Teluk Betung Utara",
        -54_292_000,
        1_052_610_000,
        "polres-bl",
        (
            Contact(ContactWay.WHATSAPP, "+6281200000001"),
            Contact(ContactWay.WHATSAPP, "+6281200000002"),
            Contact(ContactWay.PHONE, "110"),
            Contact(ContactWay.EMAIL, "a@b.id"),
        ),
        parsed("mon-fri 22:00-06:00"),
        "Jl. Contoh 1",
        "Dewi",
        TODAY,
    )


def test_a_column_that_is_not_there_leaves_what_is_known_and_an_empty_cell_empties_it() -> None:
    (full,) = rows(f"{HEADER};parent;phone;hours", f"{GOOD};polda;110;24 jam")
    before = full.station(None)
    (short,) = rows(HEADER, GOOD)
    assert short.station(before) == before
    (emptied,) = rows(f"{HEADER};parent;phone", f"{GOOD};;")
    after = emptied.station(before)
    assert (after.parent, after.contacts, after.hours) == (None, (), before.hours)


def contact(text: str) -> Contact:
    way, _, address = text.partition(" ")
    return Contact(ContactWay(way), address)


@pytest.mark.parametrize(
    ("columns", "cells", "after"),
    [
        ("phone", "119", "whatsapp +628120000001, phone 119, email a@b.id, sms +628120000002"),
        ("sms;phone", "08120000003;119", "whatsapp +628120000001, sms +628120000003, phone 119, email a@b.id"),
        ("radio", "SIAGA 1", "whatsapp +628120000001, phone 110, email a@b.id, sms +628120000002, radio SIAGA 1"),
        ("phone", "", "whatsapp +628120000001, email a@b.id, sms +628120000002"),
        ("whatsapp;phone;email;sms", ";;;", ""),
    ],
)
def test_contacts_of_ways_for_which_there_is_no_column_stay(columns: str, cells: str, after: str) -> None:
    (full,) = rows(f"{HEADER};wa;phone;email;sms", f"{GOOD};08120000001;110;a@b.id;08120000002")
    before = full.station(None)
    (row,) = rows(f"{HEADER};{columns}", f"{GOOD};{cells}")
    assert row.problems == ()
    assert row.station(before).contacts == tuple(map(contact, filter(None, after.split(", "))))


def test_what_stands_in_a_column_without_a_name_is_not_lost_in_silence() -> None:
    read = sheet("\n".join((f"{HEADER};;phone", f"{GOOD};;110", f"{GOOD};0812;110")).encode())
    assert [row.problem is not None and row.problem.key for row in read.rows] == [False, "sheet.unnamed"]


def test_latitude_and_longitude_in_each_others_column_are_named() -> None:
    assert keys(HEADER, GOOD.replace("-5,4292;105,261", "105,261;-5,4292")) == ["cell.swapped"]
    assert keys(HEADER, GOOD.replace("-5,4292", "-54292")) == ["cell.lost_comma"]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0721-123456", "+62721123456"),
        ("62721123456", "+62721123456"),  # Excel has dropped the plus sign
        ("+62 (0) 721 123 456", "+62721123456"),
        ("+62 0721 123 456", "+62721123456"),
        ("620721123456", "+62721123456"),
        ("+65 6123 4567", "+6561234567"),
        ("119", "119"),
    ],
)
def test_numbers_as_people_write_them(written: str, number: str) -> None:
    assert only(f"{HEADER};phone", f"{GOOD};{written}").contacts == (Contact(ContactWay.PHONE, number),)


@pytest.mark.parametrize(
    ("column", "value", "key"),
    [
        ("phone", "6,28123E+11", "sheet.scientific"),
        ("phone", "721123", "cell.number"),  # Excel has dropped the nought
        ("phone", "tidak ada", "cell.number"),
        ("sms", "110", "cell.number"),
        ("telegram", "1,23E+10", "sheet.scientific"),
        ("telegram", "nobody", "cell.telegram"),
        ("email", "a@b", "cell.email"),
        ("ntfy", "http://x/y", "cell.ntfy"),
        ("ntfy", "topik kami", "cell.ntfy"),
        ("apprise", "gotify token", "cell.apprise"),
        ("radio", "x" * 201, "cell.long"),
        ("hours", "kapan saja", "hours.part"),
        ("parent", "Polres BL", "cell.key_like"),
        ("address", "a\u202eb", "text.hidden"),
        ("address", "x" * 201, "cell.long"),
        ("verified_on;verified_by", "2026-12-01;Dewi", "cell.future"),
        ("verified_on;verified_by", "31/02/2026;Dewi", "cell.no_day"),
        ("verified_on;verified_by", "besok;Dewi", "cell.no_day"),
        ("verified_on;verified_by", "2026-11-01;", "cell.half_verified"),
        ("verified_on;verified_by", ";Dewi", "cell.half_verified"),
    ],
)
def test_each_fault_is_said_alone(column: str, value: str, key: str) -> None:
    assert [each.removesuffix("_value") for each in one(column, value)] == [key]


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ("Polsek TBU;polsek;x;-5;105", "cell.key_like"),
        ("!;polsek;x;-5;105", "cell.key"),
        (";polsek;x;-5;105", "cell.empty"),
        ("a;kantor;x;-5;105", "cell.kind"),
        ("a;polsek;;-5;105", "cell.empty"),
        ("a;polsek;x;;105", "cell.empty"),
        ("a;polsek;x;-5.429.200;105", "sheet.no_degrees"),
        ("a;polsek;x;-54292;105", "cell.lost_comma"),
        ("a;polsek;x;-95;105", "cell.off_globe"),
        ("a;polsek;x;-5;-181", "cell.off_globe"),
        ("a;polsek;x;5 LS;105", "sheet.no_degrees"),
        ("a;polsek;x;1E5;105", "sheet.scientific"),
    ],
)
def test_each_fault_of_what_every_row_has(row: str, key: str) -> None:
    assert keys(HEADER, row) == [key]


def test_all_faults_of_a_row_are_said_at_once() -> None:
    assert keys(f"{HEADER};phone;hours", "A B;kantor;;x;y;1;z") == [
        "cell.key_like",
        "cell.kind",
        "cell.empty",
        "sheet.no_degrees",
        "sheet.no_degrees",
        "hours.part",
        "cell.number",
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "sheet.empty"),
        ("\n\n", "sheet.empty"),
        ("key;kind;name;latitude\n", "sheet.lacks"),
        (f"{HEADER};telefone\n", "sheet.column_like"),
        (f"{HEADER};warna\n", "sheet.column"),
        (f"{HEADER};lat\n", "sheet.column_twice"),
        (f'{HEADER}\n"a;b\n', "sheet.no_csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(text: str, key: str) -> None:
    with pytest.raises(SheetError) as raised:
        station_rows(sheet(text.encode()), TODAY)
    assert raised.value.key == key and "sheet." not in raised.value.say("id").replace("lembar sebar.", "")


@pytest.mark.parametrize("raw", [b"PK\3\4\0\0\x81", b"\x81\x8d", b"\xff\xfe\0"])
def test_a_workbook_is_no_text(raw: bytes) -> None:
    with pytest.raises(SheetError) as raised:
        sheet(raw)
    assert raised.value.key == "sheet.encoding"


@pytest.mark.parametrize(
    ("text", "degrees"),
    [("-5,4292", -54_292_000), ("105.26100005", 1_052_610_000), ("+0", 0), (" 7 ", 70_000_000), ("−0,00000001", 0)],
)
def test_degrees_are_read_from_digits(text: str, degrees: int) -> None:
    assert degrees_e7(text) == degrees
