"""`siaga gateway audit`: what an auditor types, and what a script sees of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.gateway_folder import WATI, Office
from siaga_gateway.service.journal import kinds as journal


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(tmp_path / "data"))
    made.does("owner", "add", *WATI, "--by", "Dewi")
    return made


def test_a_whole_chain_is_said_to_be_whole(office: Office) -> None:
    number, hash_ = office.head()
    said = office.does("audit", "verify")
    assert said == f"whole: {number} entries, 0 events in 0 batches; head {number} {hash_}"
    assert office.does("audit", "verify", "--head", hash_, "--id", str(number)) == said


def test_what_is_wrong_is_one_line_and_an_exit_code_of_its_own(office: Office) -> None:
    kept = office.head()
    office.behind_its_back("UPDATE journal SET actor = 'Budi'")
    result = office.run("audit", "verify")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == f"siaga: audit: entry {kept[0]} (owner_added) was changed, or put in another's place\n"


def test_a_head_kept_elsewhere_shows_that_the_end_is_gone(office: Office) -> None:
    number, hash_ = office.head()
    office.behind_its_back("DELETE FROM journal")
    office.behind_its_back(f"UPDATE audit_head SET id = 0, hash = x'{'00' * 32}'")
    assert office.run("audit", "verify").exit_code == 0, "nothing inside can tell"
    result = office.run("audit", "verify", "--head", hash_, "--id", str(number))
    assert (result.exit_code, "the rest is gone" in result.stderr) == (3, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--head", "00" * 32], "--head and --id belong together"),
        (["--id", "1"], "--head and --id belong together"),
        (["--head", "abc", "--id", "1"], "'abc' is no hash: 64 hex digits"),
    ],
)
def test_half_a_head_is_refused(office: Office, options: list[str], said: str) -> None:
    result = office.run("audit", "verify", *options)
    assert (result.exit_code, said in result.stderr) == (2, True)


def test_an_export_is_the_whole_chain_without_people_and_is_an_entry_itself(office: Office) -> None:
    number, hash_ = office.head()
    lines = [json.loads(line) for line in office.does("audit", "export", "--by", "Dewi").splitlines()]
    assert [line["id"] for line in lines] == list(range(1, number + 1))
    assert lines[-1]["hash"] == hash_
    (rest,) = office.does("audit", "export", "--after", str(number), "--by", "Dewi").splitlines()
    told = json.loads(rest)
    assert (told["kind"], told["actor"], told["facts"]) == (
        journal.AUDIT_EXPORTED,
        "Dewi",
        {"after": 0, "head": number},
    )
    assert "Wati" not in rest
