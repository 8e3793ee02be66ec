"""Officers, patrols and shifts, as they are typed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gateway.cli.test_cli_places import LINES, stations
from gateway.gateway_folder import Office
from siaga_gateway.adapters.files.erasure_list import FILE_NAME, ErasureList
from siaga_gateway.service.journal import kinds as journal

BY = ("--by", "Dewi", "--language", "en")
PEOPLE = (
    "nrp;nama;pos;telegram;hp",
    "budi;Contoh Budi;polsek-a;100000001;0812 0000 0001",
    "wati;Contoh Wati;polsek-b;100000002;",
)
SHIFTS = ("petugas;jam", "budi;24 jam", "wati;24 jam")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(made.data))
    made.does("stations", "import", stations(made, *LINES), *BY)
    return made


def listed(office: Office, name: str, *lines: str) -> str:
    file = office.folder / name
    file.write_text("\n".join(lines), encoding="utf-8")
    return str(file)


def test_from_two_lists_to_who_is_called_and_to_nobody(office: Office) -> None:
    people = listed(office, "people.csv", *PEOPLE)
    dry = office.does("responders", "import", people, "--dry-run", *BY)
    assert dry.startswith("responders: 2 would be added") and office.store().responders() == []
    assert office.does("responders", "import", people, *BY).startswith("responders: 2 added")
    shifts = listed(office, "shifts.csv", *SHIFTS)
    assert office.does("shifts", "import", shifts, *BY).startswith("shifts of people: 2 added")
    assert office.does("shifts", "list").splitlines()[0].startswith("budi  on_duty")
    assert json.loads(office.does("shifts", "list", "--json").splitlines()[1])["responder"] == "wati"
    faults = office.run("places", "check", "--language", "en")
    assert faults.exit_code == 1
    assert "budi has no way that was proven" in faults.stdout and "wati has no way" in faults.stdout
    now = office.run("responders", "now", "--language", "en")
    assert now.exit_code == 0 and now.stdout.startswith("nobody who is on duty")
    assert "with no way that was proven, so nobody can call them: budi" in now.stderr
    asked = office.does("responders", "ask", "budi", "--way", "phone", *BY)
    code = re.search(r"at \+6281200000001: ([0-9]{6})\n", asked)
    assert code is not None
    wrong = office.run("responders", "answer", "budi", f"{(int(code[1]) + 1) % 10**6:06d}", *BY)
    assert wrong.exit_code == 1 and "not the code" in wrong.stderr
    assert office.does("responders", "answer", "budi", code[1], *BY) == "budi: proven: phone"
    assert "budi: nobody has answered a code on the way Telegram yet" in office.run(
        "places", "check", "--language", "en"
    ).stdout  # fmt: skip
    (near,) = office.does("responders", "now", "--at=-5.45,105.25", "--language", "en").splitlines()
    assert near == "Contoh Budi (budi), on duty: 0 m, about 0 min (from the home station)"
    said = office.does("responders", "duty", "budi", "available", "--until", "22:00", *BY)
    assert said.startswith("budi: available at home until ")
    assert office.does("responders", "duty", "budi", "off", *BY).startswith("budi: off until")
    assert office.does("responders", "now", "--at=-5.45,105.25", "--language", "en").startswith("nobody")
    assert office.does("responders", "duty", "budi", "shifts", *BY) == "budi: as the shifts say"
    kinds = [entry.kind for entry in office.store().journal_last(30)]
    assert kinds.count(journal.DUTY_DECLARED) == 3 and kinds.count(journal.WAY_PROVEN) == 1


def test_who_is_there_can_be_listed_exported_and_removed(office: Office) -> None:
    office.does("responders", "import", listed(office, "people.csv", *PEOPLE), *BY)
    lines = office.does("responders", "list", "--language", "en").splitlines()
    assert lines[0] == "budi  Contoh Budi  polsek-a  off  ways proven: 0 of 2"
    one = json.loads(office.does("responders", "list", "--json").splitlines()[1])
    assert (one["key"], one["state"], one["ways"]) == ("wati", "off", [["telegram", "100000002", False]])
    token = re.search(r"Password: (\S{24})$", office.does("responders", "tracker", "budi", *BY))
    assert token is not None and office.store().token_hashes().keys() == {"budi"}
    refused = office.run("responders", "link", "budi", *BY)
    assert refused.exit_code == 1 and "[responder_page]" in refused.stderr
    with (office.folder / "siaga.toml").open("a", encoding="utf-8") as config:
        config.write('[responder_page]\nport = 0\npublic_url = "https://petugas.example"\n')
    assert re.search(
        r"^https://petugas\.example/me/\S{22}$", office.does("responders", "link", "budi", *BY), re.MULTILINE
    )
    unsent = office.run("responders", "link", "budi", "--send", *BY)
    assert unsent.exit_code == 1 and "no way to budi took the link" in unsent.stderr
    held = json.loads(office.does("responders", "export", "budi", *BY))
    assert held["name"] == "Contoh Budi" and held["phone_may_send_positions"]
    assert len(held["own_page"]) == 1, "none was made that could not be sent"
    added = office.store().responder_keys()["budi"]
    assert office.does("responders", "remove", "budi", "--reason", "moved", *BY).startswith("budi is removed")
    assert list(ErasureList(office.data).responders()) == [("budi", added)] and list(ErasureList(office.data)) == []
    erased = office.data / FILE_NAME
    before = erased.read_bytes()
    erased.unlink()
    erased.mkdir()
    refused = office.run("responders", "remove", "wati", "--reason", "moved", *BY)
    assert refused.exit_code == 1 and "nobody was removed" in refused.stderr
    assert "wati" in office.store().responder_keys()
    erased.rmdir()
    erased.write_bytes(before)
    replaced = office.does("responders", "import", listed(office, "new.csv", "key;name", "joko;X"), "--replace", *BY)
    assert replaced == "responders: 1 added, 0 changed, 0 as before, 1 removed"
    assert [key for key, _ in ErasureList(office.data).responders()] == ["budi", "wati"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("responders", "remove", "budi", "--reason", "x"), "no responder budi"),
        (("responders", "tracker", "budi"), "no responder budi"),
        (("responders", "export", "budi"), "no responder budi"),
        (("responders", "ask", "budi", "--way", "sms"), "no responder budi"),
        (("responders", "duty", "budi", "off"), "no responder budi"),
        (("responders", "duty", "budi", "off", "--until", "25:00"), "no time of day"),
        (("responders", "duty", "budi", "off", "--until", "malam"), "no time of day"),
        (("responders", "duty", "budi", "shifts", "--until", "22:00"), "need no end"),
    ],
)
def test_what_cannot_be_done_is_told(office: Office, arguments: tuple[str, ...], wanted: str) -> None:
    result = office.run(*arguments, *BY)
    assert result.exit_code == 1 and wanted in result.stderr


def test_every_bad_row_is_told_by_its_line_and_nothing_changes(office: Office) -> None:
    file = listed(office, "bad.csv", PEOPLE[0], "Budi B;;polsek-z;x;1", "wati;Contoh Wati;polsek-b;;12")
    result = office.run("responders", "import", file, *BY)
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert [line for line in lines if line.startswith("siaga: line 2")] and "siaga: line 3" in result.stderr
    assert lines[-1].endswith("nothing was changed") and not office.store().responders()


def test_a_restored_backup_brings_nobody_back(office: Office) -> None:
    office.does("responders", "import", listed(office, "people.csv", *PEOPLE), *BY)
    backup = str(office.folder / "backup.db")
    office.does("backup", backup, *BY)
    office.does("responders", "remove", "budi", "--reason", "moved", *BY)
    office.does("restore", backup, "--replace", *BY)
    assert [each.key for each in office.store().responders()] == ["wati"]


def test_a_word_that_was_cut_short_is_said_to_be(office: Office) -> None:
    office.does("responders", "import", listed(office, "people.csv", *PEOPLE), *BY)
    said = [
        office.run("responders", "duty", "budi", "available", "--until", until, *BY).stderr
        for until in ("00:00", "06:00", "12:00", "18:00")
    ]
    assert any("holds 16 hours at most" in each for each in said), "one of these is more than 18 hours away"
    assert "" in said, "one is at most six"
