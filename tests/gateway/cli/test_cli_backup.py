"""A copy made while the gateway works, and a gateway that goes on from it; nothing is replaced by what is not whole."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from databases import Place
from gateway.fake_ports import ManualClock, SentAnswers
from gateway.gateway_folder import WATI, Office
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness, checking_in
from pressing_button import PressingButton
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.gateway_key import write_key
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.bootstrap.preflight import lock_folder
from siaga_gateway.domain.frame import CommandCode, Kind
from siaga_gateway.service.downlink.device_commands import CommandIssuer
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.journal.notifier import JournalNotifier


@dataclass
class Worked:
    """A gateway that has worked for a while: an open incident, a closed one, commands, an owner."""

    office: Office
    place: Place
    desk: IngestHarness
    button: PressingButton

    def backup(self) -> Path:
        folder = self.office.folder / "backups"
        folder.mkdir(exist_ok=True)
        said = self.office.does("backup", str(folder), "--by", "cron")
        return Path(said.split(": ")[0])

    def restored(self, source: Path) -> SqlStore:
        """Onto what is there (SQLite), or into a new database."""
        self.desk.close()
        if self.place.kind == "postgresql":
            new = Place("postgresql", self.office.data).emptied()
            settings = self.office.folder / "siaga.toml"
            settings.write_text(settings.read_text().replace(self.place.conninfo, new.conninfo))
            self.office.does("restore", str(source), "--by", "Dewi")
            return new.open(NOW_MS)
        self.office.does("restore", str(source), "--replace", "--by", "Dewi")
        return SqlStore(store_path(self.office.data), NOW_MS)


@pytest.fixture(params=["sqlite", "postgresql"])
def worked(request: pytest.FixtureRequest, tmp_path: Path) -> Worked:
    if request.param == "postgresql" and shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is missing. On Debian or Ubuntu: sudo apt-get install postgresql-client")
    office = Office(tmp_path)
    office.data.mkdir()
    place = Place(request.param, office.data)
    office.folder.joinpath("siaga.toml").write_text(
        f'name = "siaga.test"\ndata_dir = "{office.data}"\n{place.settings()}', encoding="utf-8"
    )
    desk = IngestHarness(place)
    write_key(office.data, desk.gateway_key)
    button = desk.button()
    desk.take(button.press(NOW_S))
    operator = IncidentActions(
        desk.store, desk.keyring, SentAnswers(), JournalNotifier(), ManualClock(), outputs=("cad",)
    )
    operator.seen(1, "Rina")
    operator.close(1, "Rina", "verified", "Korban dibawa ke RS Contoh")
    desk.take(button.press(NOW_S))
    CommandIssuer(desk.store, WallClock()).ask(button.device_id, CommandCode.TEST, None, actor="Dewi")
    return Worked(office, place, desk, button)


def test_a_backup_is_whole_and_private_and_in_the_journal(worked: Worked) -> None:
    made = worked.backup()
    assert (made.parent.name, made.stat().st_mode & 0o777) == ("backups", 0o600)
    assert [file.name for file in made.parent.iterdir()] == [made.name], "no draft stays"
    entry = worked.desk.store.journal_last(1)[0]
    assert (entry.kind, entry.actor, entry.facts["file"]) == (journal.BACKUP_MADE, "cron", made.name)
    assert entry.facts["size"] == made.stat().st_size
    raw = made.read_bytes()
    assert not re.search(rb"Contoh Wati|9900000000000001|RS Contoh", raw)
    assert "overwrites nothing" in worked.office.refuses("backup", str(made), "--by", "cron")
    worked.desk.close()


def test_a_gateway_goes_on_from_a_backup(worked: Worked) -> None:
    """Even from an older one: what was told to the world since is never told again with another meaning."""
    with worked.desk.store.engine.transaction() as session:  # as a gateway of the version before does beside this one
        session.run(
            "UPDATE device_status SET latitude = 1, longitude = 2, position_source = 'gnss', position_at_ms = ?",
            (NOW_MS,),
        )
    made = worked.backup()
    name = worked.desk.store.name
    given = worked.desk.store.commands()[0].down_counter
    # What the backup does not know: another press that was acknowledged, a command, a step of the open incident.
    lost = worked.button.follow(Kind.CHECKIN, NOW_S)
    worked.desk.take(lost)
    later = CommandIssuer(worked.desk.store, WallClock()).ask(
        worked.button.device_id, CommandCode.TEST, None, actor="D"
    )
    operator = IncidentActions(
        worked.desk.store, worked.desk.keyring, SentAnswers(), JournalNotifier(), ManualClock(), outputs=("cad",)
    )
    told = operator.seen(2, "Rina").sequence
    store = worked.restored(made)
    verify(store)
    assert store.name != name
    places = [store.fetch(f"SELECT count(latitude) FROM {table}") for table in ("device_status", "last_position")]
    assert places == [[(0,)], [(0,)]], "no backup has last positions"
    restored = store.journal_last(1)[0]
    assert (restored.kind, restored.actor) == (journal.RESTORED, "Dewi")
    assert (restored.facts["file"], restored.facts["before"], restored.facts["erased"]) == (made.name, name, 0)
    closed, open_ = store.incident(1), store.incident(2)
    assert closed is not None and open_ is not None
    assert (closed.note, closed.identifier) == ("Korban dibawa ke RS Contoh", f"siaga.test-1.{name}")
    assert open_.sequence > told and open_.state == "open"
    assert [one.down_counter for one in store.commands()] == [given]
    store.close()
    desk = IngestHarness(worked.place if worked.place.kind == "sqlite" else _now(worked), beside=worked.desk)
    again = CommandIssuer(desk.store, WallClock()).ask(worked.button.device_id, CommandCode.TEST, None, actor="Dewi")
    assert again.down_counter > max(given, later.down_counter)
    # The button goes on counting: the acknowledged frame that was lost shows as a gap, its repetition is stored.
    desk.take(worked.button.follow(Kind.CHECKIN, NOW_S))
    (gap,) = desk.journal(journal.COUNTER_GAP)
    assert gap.facts["missing"] == 1
    assert len(desk.take(lost)) == 1
    desk.take(desk_button(desk, worked).press(NOW_S))
    new = desk.store.open_incidents()[-1]
    assert new.identifier == f"siaga.test-{new.id}.{desk.store.name}" and desk.store.name != name
    verify(desk.store)
    desk.close()


def test_a_store_restored_from_a_backup_gives_no_number_again(worked: Worked) -> None:
    """Nor where so many commands were given since that their numbers ran ahead of the clock."""
    made = worked.backup()
    commander = CommandIssuer(worked.desk.store, WallClock())
    given = [
        commander.ask(worked.button.device_id, CommandCode.LOCATE, None, actor="Dewi").down_counter for _ in range(100)
    ]
    store = worked.restored(made)
    again = CommandIssuer(store, WallClock()).ask(worked.button.device_id, CommandCode.LOCATE, None, actor="Dewi")
    assert again.down_counter > max(given)
    store.close()


def _now(worked: Worked) -> Place:
    """The place that the settings name now."""
    place = Place.__new__(Place)
    place.kind, place._folder = "postgresql", worked.office.data
    found = re.search(r'url = "(.*)"', worked.office.folder.joinpath("siaga.toml").read_text())
    assert found is not None
    place.conninfo = found[1]
    return place


def desk_button(desk: IngestHarness, worked: Worked) -> PressingButton:
    desk.owner_id = worked.desk.owner_id
    return desk.button()


def test_a_backup_does_not_bring_an_erased_person_back(worked: Worked) -> None:
    worked.desk.take(worked.button.follow(Kind.CANCEL, NOW_S))
    made = worked.backup()
    operator = IncidentActions(
        worked.desk.store, worked.desk.keyring, SentAnswers(), JournalNotifier(), ManualClock(), outputs=()
    )
    operator.close(2, "Rina", "accidental", "")
    with worked.desk.store.engine.transaction() as session:
        session.run("UPDATE outbox SET state = 'delivered'")
    worked.office.does("owner", "erase", "1", "--reason", "asked for it", "--suspend", "--by", "Dewi")
    store = worked.restored(made)
    assert store.owner(1) is None
    assert store.journal_last(1)[0].facts["erased"] == 1
    assert store.owner_by_nik("9900000000000001") is None
    verify(store)
    store.close()


def test_it_is_consistent_while_others_write(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.does("init", "--name", "siaga.test", "--data", str(office.data))
    desk = IngestHarness(Place("sqlite", office.data))
    buttons = [desk.button() for _ in range(5)]
    with checking_in(desk, buttons):
        for number in range(3):
            assert "audit head" in office.does("backup", str(tmp_path / f"{number}.db"), "--by", "cron")
    desk.close()


# What is refused


@pytest.fixture
def office(tmp_path: Path) -> Office:
    made = Office(tmp_path)
    made.does("init", "--name", "siaga.test", "--data", str(made.data))
    made.does("owner", "add", *WATI, "--by", "Dewi")
    made.does("backup", str(tmp_path / "good.db"), "--by", "cron")
    return made


def test_a_store_that_is_there_is_put_aside_only_when_asked(office: Office) -> None:
    good = str(office.folder / "good.db")
    office.does("owner", "add", *WATI[:-1], "Jl. Contoh 2", "--nik", "9900000000000002", "--by", "Dewi")
    assert "--replace puts it aside" in office.refuses("restore", good, "--by", "Dewi")
    said = office.does("restore", good, "--replace", "--by", "Dewi")
    aside = Path(said.split("The store that was there is ")[1].splitlines()[0].rstrip("."))
    store = SqlStore(aside, NOW_MS, office.store().sealing._source)
    assert len(store.owners()) == 2, "with all that its log held"
    store.close()
    assert office.does("owner", "list", "--by", "Dewi").count("\n") == 0
    assert not list(office.data.glob("restoring*"))


def test_nothing_is_restored_under_a_gateway_at_work(office: Office) -> None:
    with lock_folder(office.data):
        said = office.refuses("restore", str(office.folder / "good.db"), "--replace", "--by", "Dewi")
    assert "another gateway works on it" in said


def _other_program(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name)")


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO migration VALUES (999, 'future', 0)")


def _damaged(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    for at in range(4096, len(raw), 4096):
        raw[at : at + 64] = b"\xff" * 64
    path.write_bytes(raw)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _text(path: Path) -> None:
    path.write_text("hello")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_other_program, "is no Siaga store"),
        (_newer, "install the version that made it"),
        (_damaged, "damaged"),
        (_cut, "damaged"),
        (_text, "not a Siaga store"),
    ],
)
def test_what_is_no_whole_store_replaces_nothing(office: Office, spoil: object, said: str) -> None:
    before = store_path(office.data).read_bytes()
    bad = office.folder / "bad.db"
    shutil.copyfile(office.folder / "good.db", bad)
    spoil(bad)  # type: ignore[operator]
    assert said in office.refuses("restore", str(bad), "--replace", "--by", "Dewi")
    assert store_path(office.data).read_bytes() == before
    assert not list(office.data.glob("restoring*"))


def test_a_backup_that_was_tampered_with_replaces_nothing(office: Office) -> None:
    bad = office.folder / "good.db"
    with sqlite3.connect(bad) as connection:
        connection.execute("UPDATE journal SET actor = 'Budi'")
    connection.close()
    result = office.run("restore", str(bad), "--replace", "--by", "Dewi")
    assert (result.exit_code, "was changed" in result.stderr) == (3, True)
    assert json.loads(office.does("log", "--json", "-n", "1"))["kind"] == journal.BACKUP_MADE


def test_a_store_that_was_tampered_with_is_not_backed_up_as_whole(office: Office) -> None:
    office.behind_its_back("UPDATE journal SET actor = 'Budi'")
    result = office.run("backup", str(office.folder / "bad.db"), "--by", "cron")
    assert result.exit_code == 3
    assert not (office.folder / "bad.db").exists()
