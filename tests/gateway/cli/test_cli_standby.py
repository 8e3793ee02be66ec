"""`siaga gateway standby` on SQLite: copies for a second machine, and a gateway that goes on from one. PostgreSQL is
tried in tests/gateway/paths/test_two_machines.py."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest

from gateway.gateway_folder import WATI, Office
from siaga_gateway.adapters.files.erasure_list import ErasureList
from siaga_gateway.cli.standby import COPY


def new_office(folder: Path) -> Office:
    folder.mkdir()
    made = Office(folder)
    made.does("init", "--name", "siaga.test", "--data", "data", "--time-zone", "Asia/Jakarta")
    return made


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = new_office(tmp_path / "first")
    settings = made.folder / "siaga.toml"
    settings.write_text(settings.read_text() + "\n[store]\nstandby_copy_s = 180\n")
    return made


def status(office: Office) -> dict[str, object]:
    told: dict[str, object] = json.loads(office.does("standby", "status", "--json"))
    return told


def test_a_copy_counts_once_it_is_sent_and_another_machine_goes_on_from_it(office: Office, tmp_path: Path) -> None:
    office.does("owner", "add", *WATI, "--by", "Dewi")
    folder, there = tmp_path / "copies", tmp_path / "there"
    folder.mkdir()
    assert status(office)["copy_age_s"] is None
    refused = office.refuses("standby", "ship", str(folder), "--then", "false")
    assert "false" in refused and status(office)["copy_age_s"] is None
    assert "exit" in refused
    office.does("standby", "ship", str(folder), "--then", f"cp -r {folder} {there}")
    age_s = status(office)["copy_age_s"]
    assert isinstance(age_s, float) and 0 <= age_s < 180
    assert str(round(age_s)) in office.does("standby", "status")

    second = new_office(tmp_path / "second")
    for key in ("gateway-key.pem", "personal-key"):
        shutil.copy2(office.data / key, second.data / key)
    second.does("restore", str(there / COPY), "--replace", "--by", "Dewi")
    assert "Contoh Wati" in second.does("owner", "show", "1", "--by", "Dewi")


def test_who_has_one_machine_is_not_frightened_by_a_second_one_that_nobody_expects(tmp_path: Path) -> None:
    alone = new_office(tmp_path / "alone")
    told = alone.does("standby", "status", "--language", "en")
    assert told.startswith("No second machine is expected") and "lost" not in told
    (tmp_path / "copies").mkdir()
    alone.does("standby", "ship", str(tmp_path / "copies"))
    copy, expected = alone.does("standby", "status", "--language", "en").splitlines()
    assert copy.startswith("copy of ") and "allowed" not in copy
    assert expected.startswith("No second machine is expected")


def test_who_was_erased_on_the_first_machine_is_not_there_on_the_second(office: Office, tmp_path: Path) -> None:
    owner = int(office.does("owner", "add", *WATI, "--by", "Dewi"))
    folder = tmp_path / "copies"
    folder.mkdir()
    office.does("standby", "ship", str(folder))
    with contextlib.closing(office.store()) as store:
        registered = store.owner_registered(owner)
    assert registered is not None
    ErasureList(office.data).add(owner, registered)
    (folder / COPY).rename(tmp_path / "older")  # of before the erasure
    office.does("standby", "ship", str(folder))
    (tmp_path / "older").replace(folder / COPY)
    second = new_office(tmp_path / "second")
    shutil.copy2(office.data / "personal-key", second.data / "personal-key")
    second.does("restore", str(folder / COPY), "--replace", "--by", "Dewi")
    assert "Contoh Wati" not in second.does("owner", "list", "--by", "Dewi")


def test_what_cannot_be_done_is_named_with_how_to_mend_it(office: Office, tmp_path: Path) -> None:
    assert "no such folder" in office.refuses("standby", "ship", str(tmp_path / "not mounted"))
    folder = tmp_path / "copies"
    folder.mkdir()
    assert "--then" in office.refuses("standby", "ship", str(folder), "--then", "rsync 'open")
    assert "restore" in office.refuses("standby", "promote", "--fenced", "--by", "Dewi")
    assert "no such" in office.refuses("standby", "ship", str(folder), "--then", "siaga-there-is-no-such-program")
