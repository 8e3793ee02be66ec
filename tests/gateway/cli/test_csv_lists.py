"""A registrar's list: all of it or nothing, again without harm, and its end."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from test_cli_commands import Office

from pressing_button import PressingButton
from siaga_gateway.domain.call_back import Heard
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.registry.code_words import heard
from spoiling import spoilt

COLUMNS = ["frame", "name", "nik", "phone", "address", "language", "label", "valid_until", "installed"]
WORDS = ["code_word", "duress_word"]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(tmp_path / "data"))
    return made


def line(button: PressingButton, number: int, **other: str) -> dict[str, str]:
    return {
        "frame": button.enrol().hex(),
        "name": f"Contoh {number}",
        "nik": f"99{number:014d}",
        "phone": f"+62000000{number:04d}",
        "address": "Jl. Contoh 1",
        "language": "",
        "label": f"Toko {number}",
        "valid_until": "",
        "installed": "",
        **other,
    }


def written(office: Office, lines: list[dict[str, str]], **form: str) -> str:
    text = io.StringIO()
    columns = [*COLUMNS, *(name for name in WORDS if any(name in each for each in lines))]
    writer = csv.DictWriter(text, columns, **form)  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(lines)
    file = office.folder / "buttons.csv"
    file.write_text("\ufeff" + text.getvalue(), encoding="utf-8")
    return str(file)


def test_a_list_is_enrolled_and_given_again_changes_nothing(office: Office) -> None:
    buttons = [PressingButton() for _ in range(4)]
    lines = [line(button, number) for number, button in enumerate(buttons)]
    lines[1].update(valid_until="2099-12-31", installed="-5.4292,105.2610", language="en")
    lines[3].update(name=lines[2]["name"], nik=lines[2]["nik"])  # one person, two buttons
    file = written(office, lines)

    assert office.does("enrol", "--file", file, "--by", "Dewi").strip() == "4 devices enrolled, 3 owners added"
    store = office.store()
    found = store.enrolled([button.device_id for button in buttons])
    devices = [found[button.device_id].device for button in buttons]
    assert [device.public_xy for device in devices] == [button.public_xy for button in buttons]
    assert {device.state for device in devices} == {RegistrationState.ACTIVE}
    assert devices[2].owner_id == devices[3].owner_id
    assert (devices[1].installed_latitude, devices[1].installed_longitude) == (-54_292_000, 1_052_610_000)
    assert devices[1].valid_until_ms == 4_102_419_600_000  # midnight after it, WIB
    assert found[buttons[1].device_id].owner.language == "en"  # type: ignore[union-attr]
    assert office.kinds().count(journal.ENROLLED) == 4

    assert "0 devices enrolled, 0 owners added, 4 were enrolled before" in office.does(
        "enrol", "--file", file, "--by", "Dewi"
    )
    assert office.kinds().count(journal.ENROLLED) == 4
    store.close()


def test_code_words_come_with_a_list_and_one_of_two_or_too_short_ones_are_faults(office: Office) -> None:
    lines = [line(PressingButton(), number, code_word="", duress_word="") for number in range(2)]
    lines[1].update(code_word="Mangga Harum", duress_word="rambutan tua")
    office.does("enrol", "--file", written(office, lines), "--by", "Dewi")
    store = office.store()
    assert store.code_words(1) is None and heard(store.code_words(2), "manggaharum") is Heard.CODE
    store.close()
    more = [line(PressingButton(), number, code_word="durian montong", duress_word="") for number in (4, 5)]
    more[1].update(duress_word="abc")
    told = office.refuses("enrol", "--file", written(office, more), "--by", "Dewi")
    assert "line 2: give both words" in told and "line 3: a code word has at least 4" in told and "durian" not in told


def test_semicolons_of_a_spreadsheet_are_understood(office: Office) -> None:
    file = written(office, [line(PressingButton(), 1, installed="-5.4292,105.2610")], delimiter=";")
    assert office.does("enrol", "--file", file, "--by", "Dewi").startswith("1 devices enrolled")


def test_every_faulty_line_is_named_and_nothing_is_enrolled(office: Office) -> None:
    good, forged, twice = PressingButton(), PressingButton(), PressingButton()
    lines = [
        line(good, 1),
        line(forged, 2, frame=spoilt(forged.enrol()).hex()),
        line(PressingButton(), 3, nik="99123"),
        line(PressingButton(), 4, valid_until="31.12.2099"),
        line(PressingButton(), 5, frame="xyz"),
        line(PressingButton(), 6, installed="north"),
    ]
    said = office.refuses("enrol", "--file", written(office, lines), "--by", "Dewi")
    for number, what in ((4, "NIK has 16 digits"), (5, "is no day"), (6, "not hex"), (7, "no position")):
        assert f"line {number}: " in said and what in said, said
    assert "nothing was changed" in said

    lines = [lines[0], lines[1], line(twice, 7), line(twice, 8), line(PressingButton(), 9, nik=lines[0]["nik"])]
    lines.append(line(PressingButton(), 10, label=" "))
    lines.append(line(PressingButton(), 11, valid_until="2001-01-01"))
    said = office.refuses("enrol", "--file", written(office, lines), "--by", "Dewi")
    for number, what in (
        (3, "not signed by the key"),
        (5, "stands at line 4 too"),
        (6, "its NIK is that of line 2"),
        (7, "the label is empty"),
        (8, "end in the past"),
    ):
        assert f"line {number}: " in said and what in said, said
    assert "nothing was enrolled" in said
    assert "line 2:" not in said
    assert "99000000" not in said, "a NIK is personal"
    store = office.store()
    assert not store.devices() and not store.owners()
    store.close()


def test_a_file_that_is_no_such_list_is_refused_in_words(office: Office) -> None:
    file = office.folder / "x.csv"
    file.write_bytes(b"\xff\xfe\x00")
    assert "cannot be read as CSV" in office.refuses("enrol", "--file", str(file), "--by", "Dewi")
    file.write_text("frame,name\naa,bb\n")
    assert "lacks nik, phone, address, label" in office.refuses("enrol", "--file", str(file), "--by", "Dewi")
    file.write_text(",".join(COLUMNS) + "\naa,bb\n")
    assert "has not the 9 fields" in office.refuses("enrol", "--file", str(file), "--by", "Dewi")
    assert "names everything itself" in office.refuses("enrol", "--file", str(file), "--owner", "1", "--by", "Dewi")
    assert "--owner and --label" in office.refuses("enrol", "--by", "Dewi")


def test_the_registrations_of_a_list_end_together(office: Office) -> None:
    buttons = [PressingButton() for _ in range(3)]
    file = written(office, [line(button, number) for number, button in enumerate(buttons)])
    office.does("enrol", "--file", file, "--by", "Dewi")
    office.does("state", buttons[0].device_id.hex(), "stolen", "--reason", "lost", "--by", "Dewi")

    ids = office.folder / "ids.csv"
    ids.write_text("device_id\n" + "".join(f"{button.device_id.hex()}\n" for button in buttons[:1]))
    end = ("--reason", "the trial is over", "--by", "Dewi")
    assert office.does("expire", "--file", str(ids), *end).strip() == "1 registrations expired"
    assert office.does("expire", "--file", file, *end).strip() == "2 registrations expired, 1 had expired before"
    store = office.store()
    assert {enrolled.device.state for enrolled, _ in store.devices()} == {RegistrationState.EXPIRED}
    store.close()

    ids.write_text("device_id\n0123456789abcdef\n")
    assert "the first is 0123456789abcdef" in office.refuses("expire", "--file", str(ids), *end)
    ids.write_text("device_id\n0123\n")
    assert "line 2: no frame, and no device_id" in office.refuses("expire", "--file", str(ids), *end)


def test_ending_a_list_brings_no_button_back_that_was_removed(office: Office) -> None:
    buttons = [PressingButton() for _ in range(3)]
    file = written(office, [line(button, number) for number, button in enumerate(buttons)])
    office.does("enrol", "--file", file, "--by", "Dewi")
    office.does("state", buttons[1].device_id.hex(), "removed", "--by", "Dewi", "--reason", "x")
    told = office.does("expire", "--file", file, "--by", "Dewi", "--reason", "end of the year").strip()
    assert told == "2 registrations expired, 1 had expired before"
    store = office.store()
    found = store.enrolled([button.device_id for button in buttons])
    assert [found[button.device_id].device.state for button in buttons] == ["expired", "removed", "expired"]
    store.close()
