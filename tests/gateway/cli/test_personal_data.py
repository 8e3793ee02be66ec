"""What is typed by whoever answers for people's data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.gateway_folder import WATI, Office
from pressing_button import PressingButton
from siaga_gateway.adapters.files.personal_key import FILE_NAME
from siaga_gateway.service.journal import kinds as journal


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(tmp_path / "data"))
    made.does("owner", "add", *WATI, "--by", "Dewi")
    frame = PressingButton().enrol().hex()
    made.does("enrol", "--owner", "1", "--frame", frame, "--label", "Toko Contoh", "--by", "Dewi")
    return made


def reads(office: Office) -> list[tuple[str | None, dict[str, object]]]:
    with_store = office.store()
    found = [(e.actor, dict(e.facts)) for e in with_store.journal_after(0) if e.kind == journal.PERSONAL_READ]
    with_store.close()
    return found


def test_init_makes_a_key_and_says_where_to_keep_a_copy(tmp_path: Path) -> None:
    made = Office(tmp_path)
    elsewhere = tmp_path / "keys"
    elsewhere.mkdir()
    said = made.does("init", "--name", "siaga.test", "--data", str(tmp_path / "data"))
    key = tmp_path / "data" / FILE_NAME
    assert (str(key) in said, key.stat().st_mode & 0o777) == (True, 0o600)


def test_the_key_may_lie_elsewhere(office: Office) -> None:
    place = office.folder / "credential"
    (office.data / FILE_NAME).rename(place)
    assert "is not there" in office.refuses("owner", "show", "1", "--by", "Dewi")
    settings = office.folder / "siaga.toml"
    settings.write_text(f'personal_key = "{place}"\n' + settings.read_text())
    assert "Contoh Wati" in office.does("owner", "show", "1", "--by", "Dewi")


def test_whoever_asks_for_a_person_is_noted_first(office: Office) -> None:
    office.does("owner", "list", "--by", "Dewi")
    office.does("owner", "show", "1", "--by", "Dewi")
    office.does("owner", "export", "1", "--by", "Sari")
    assert reads(office) == [
        ("Dewi", {"what": "owners", "owner_id": None}),
        ("Dewi", {"what": "owner", "owner_id": 1}),
        ("Sari", {"what": "export", "owner_id": 1}),
    ]
    office.refuses("owner", "show", "7", "--by", "Dewi")
    assert len(reads(office)) == 3
    assert office.run("owner", "list").exit_code == 2, "nobody looks without a name"


def test_a_copy_is_written_for_its_owner_and_over_nothing(office: Office) -> None:
    out = office.folder / "wati.json"
    office.does("owner", "export", "1", "--out", str(out), "--by", "Dewi")
    assert json.loads(out.read_text())["owner"]["nik"] == "9900000000000001"
    assert out.stat().st_mode & 0o777 == 0o600
    assert "it is there already" in office.refuses("owner", "export", "1", "--out", str(out), "--by", "Dewi")


def test_a_person_is_erased_and_listed_beside_the_store(office: Office) -> None:
    assert "or say --suspend" in office.refuses("owner", "erase", "1", "--reason", "asked", "--by", "Dewi")
    assert "owner 1 is erased" in office.does("owner", "erase", "1", "--reason", "asked", "--suspend", "--by", "Dewi")
    assert "erased already" in office.refuses("owner", "erase", "1", "--reason", "asked", "--by", "Dewi")
    assert "was erased" in office.refuses("owner", "show", "1", "--by", "Dewi")
    (line,) = (office.data / "erasures.jsonl").read_text().splitlines()
    assert json.loads(line)["owner_id"] == 1
    assert office.does("audit", "verify").startswith("whole")
    left = b"".join(file.read_bytes() for file in office.data.glob("siaga.db*"))
    assert b"Toko Contoh" not in left, "neither in free pages nor in the log"
    office.does("owner", "add", *WATI, "--by", "Dewi")


def test_what_would_go_is_said_before_it_goes(office: Office) -> None:
    said = office.does("retention", "run", "--dry-run", "--by", "Dewi")
    assert "0  owners would go" in said
    assert "0  owners" in office.does("retention", "run", "--by", "Dewi")


def test_a_new_key_seals_everything_and_the_old_one_is_kept_for_backups(office: Office) -> None:
    before = (office.data / FILE_NAME).read_text()
    said = office.does("personal-key", "rotate", "--by", "Dewi")
    after = (office.data / FILE_NAME).read_text()
    assert f"sealed by {after.split()[1]} now: 1 owners, 0 notes" in said
    assert len(after.splitlines()) == 1
    assert after != before == (office.data / f"{FILE_NAME}-retired").read_text()
    assert "Contoh Wati" in office.does("owner", "show", "1", "--by", "Dewi")
    entry = json.loads(office.does("log", "--json", "-n", "2").splitlines()[0])
    assert (entry["kind"], entry["facts"]["owners"]) == (journal.PERSONAL_KEY_CHANGED, 1)
