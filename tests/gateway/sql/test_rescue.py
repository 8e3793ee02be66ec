"""A damaged store: every page that it has, one after the other, and what is left of it in the new one."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

import sqlite_damage
from gateway.ingest_harness import NOW_MS, NOW_S, IngestHarness
from gateway.sql.stores_to_damage import Store, contents, copied, page_of, put_right, rescued
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.backups import check_sqlite
from siaga_gateway.adapters.sql.rescue.procedure import draft_of
from siaga_gateway.adapters.sql.rescue.row_copy import SOUND
from siaga_gateway.adapters.sql.rescue.sqlite_pages import Pages, cells
from siaga_gateway.domain.frame import CommandCode, Kind, Stage
from siaga_gateway.service.dispatch.waves import STORE_NAME
from siaga_gateway.service.downlink.device_commands import CommandIssuer
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import AuditBroken, verify
from siaga_gateway.service.reports.call_records import CURSOR
from siaga_gateway.web.console.timeline import feed, timeline
from sqlite_damage import BITS, NOISE, ZEROS


def test_whichever_page_is_damaged_the_rest_is_saved(made: Store, tmp_path: Path) -> None:
    """Each kind of page: the roots of all tables and indexes, inner pages and leaves, the schema, what is free."""
    path = copied(made, tmp_path)
    whole = path.read_bytes()
    worst: dict[str, int] = {}
    roots = max(sqlite_damage.roots(path).values())
    chosen = {page_of(path, "event", 2), page_of(path, "journal", 1)}  # wherever they lie: lost whole
    for page in range(1, sqlite_damage.pages(path) + 1):
        if page > roots and page % 3 and page not in chosen:
            continue  # leaves of the same few tables
        path.write_bytes(whole)
        sqlite_damage.damage(path, page, ZEROS if page in chosen else (ZEROS, NOISE, BITS)[page // 3 % 3])
        rescued(path)
        draft = draft_of(path)
        with closing(sqlite3.connect(draft)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], page
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == [], page
        left = contents(draft)
        for table, rows in made.rows.items():
            worst[table] = max(worst.get(table, 0), len(rows - left[table]))
        assert left["device"] == made.rows["device"], (
            f"page {page}: each button is registered, by its own ENROL at least"
        )
        assert left["owner"] == made.rows["owner"] and left["incident"] == made.rows["incident"], page
        assert left["device_status"] == made.rows["device_status"], page
    # No more than what lay on one page; and a rescue that passed over the damage would lose nothing.
    assert 10 < worst["event"] < 20 and 10 < worst["journal"] < 30 and worst["notice"] < 20


@pytest.mark.parametrize(("table", "number"), [("event", 2), ("journal", 1), ("batch", 0), ("incident", 1)])
def test_a_store_goes_on_after_a_rescue(made: Store, tmp_path: Path, table: str, number: int) -> None:
    """No number goes backwards, what is lost is told and noted, and the chain is followed from its new beginning."""
    path = copied(made, tmp_path)
    before = SqlStore(path, NOW_MS)
    name, head = before.name, before.chain_head().id
    counter = before.commands()[0].down_counter
    before.close()
    sqlite_damage.damage(path, page_of(path, table, number))
    report = put_right(path)
    assert report.aside.exists() and not draft_of(path).exists()
    store = SqlStore(path, NOW_MS)
    assert store.name != name
    assert store.remembered(STORE_NAME) == store.name, "whoever is being called is called on: it is no backup"
    assert store.remembered(CURSOR) == "0", "the records of calls are made again"
    found = verify(store)
    (entry,) = [one for one in store.journal_after(0, 10_000) if one.kind == journal.RESCUED]
    assert entry.id > head and found.rescues == (entry.id,)
    assert (entry.actor, entry.facts["file"], entry.facts["before"]) == ("Dewi", report.aside.name, name)
    told = "\n".join(line.say("en") for line in report.lines())
    if table in ("event", "batch"):
        assert entry.facts["batches"] and f"rows of {table}" in told
    if table == "journal":
        assert entry.facts["gone"] and "is not whole" in told
    if table == "incident":
        assert entry.facts["incidents"] > 5 and store.incident(25) is not None
    store.close()
    desk = IngestHarness(tmp_path, beside=_Beside(made.gateway_key))  # type: ignore[arg-type]
    button = made.buttons[0]
    assert desk.stages(made.last) == [(button.counter, Stage.RECEIVED)], "what was acknowledged is known"
    assert desk.journal(journal.REPEATED), "as a repetition"
    asked = CommandIssuer(desk.store, WallClock()).ask(button.device_id, CommandCode.TEST, None, actor="Dewi")
    assert asked.down_counter > counter
    desk.take(button.press(NOW_S + 99))
    button.counter -= 1  # the next test is to see the same
    assert len(desk.store.open_incidents()) >= 20
    assert verify(desk.store).events > found.events
    desk.close()
    assert check_sqlite(path) is not None, "a backup of it can be restored"


@dataclass
class _Beside:
    gateway_key: object


@pytest.mark.parametrize("number", [1 << 60, -5])
def test_a_number_that_damage_made_stops_no_rescue(made: Store, tmp_path: Path, number: int) -> None:
    path = copied(made, tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE outbox SET id = ? WHERE id = (SELECT max(id) FROM outbox)", (number,))
    sqlite_damage.checkpoint(path)
    leaf = page_of(path, "outbox")
    with Pages(path) as pages:
        lost = {cell.rowid for cell in cells(pages, pages.page(leaf), leaf) if cell is not None}
    sqlite_damage.damage(path, leaf, ZEROS)
    copied_rows = rescued(path).findings.tables["outbox"]
    assert copied_rows.missing == len(lost)
    assert {each for low, high in copied_rows.lost for each in range(low, high + 1)} == lost


@pytest.mark.parametrize("facts", ['{"owner_id";3}', "[3]", ""])
def test_a_turned_bit_in_an_entrys_facts_keeps_no_page_shut(tmp_path: Path, facts: str) -> None:
    """SQLite does not notice it: no page has a checksum."""
    desk = IngestHarness(tmp_path)
    button = desk.button()
    desk.take(button.enrol(), button.press())
    with closing(sqlite3.connect(tmp_path / "siaga.db")) as connection, connection:
        connection.execute("UPDATE journal SET facts = ?", (facts,))
    entries = desk.store.journal_last(50)
    assert entries and [entry.facts for entry in entries] == [{"damaged": facts}] * len(entries)
    shown = timeline(entries, "en")
    assert shown and all(facts in (line.extra or "") for line in shown)
    feed(desk.store, "en")
    desk.close()


def test_what_is_lost_stays_a_breach_where_no_rescue_noted_it(made: Store, tmp_path: Path) -> None:
    path = copied(made, tmp_path)
    sqlite_damage.damage(path, page_of(path, "event", 2))
    put_right(path)
    store = SqlStore(path, NOW_MS)
    verify(store)
    with store.engine.transaction() as session:
        session.run("DELETE FROM event WHERE id = (SELECT max(id) FROM event)")
    with pytest.raises(AuditBroken, match="batch"):
        verify(store)
    store.close()


@pytest.mark.parametrize(
    ("facts", "corrected", "found"),
    [
        ('{"owner_id": 3, "state"; "active"}', "{}", None),
        ("[]", '{"disposition": "technical"}', "technical"),
        ('{"owner_id": "3", "state": "actyve", "disposition": {}}', '{"disposition": "jest"}', None),
    ],
)
def test_what_the_journal_says_may_be_damaged_where_a_row_is_made_anew_from_it(
    made: Store, tmp_path: Path, facts: str, corrected: str, found: str | None
) -> None:
    path = copied(made, tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("UPDATE journal SET facts = ? WHERE kind IN ('enrolled', 'closed')", (facts,))
        connection.execute(
            "INSERT INTO journal (id, at_ms, kind, incident_id, facts) "
            "SELECT max(id) + 1, 1, 'disposition_corrected', 1, ? FROM journal",
            (corrected,),
        )
        connection.execute("DELETE FROM device WHERE device_id = (SELECT min(device_id) FROM device)")
        connection.execute("DELETE FROM incident WHERE id = 1")
        connection.execute("DELETE FROM notice")
        connection.execute("DELETE FROM outbox")
    sqlite_damage.checkpoint(path)
    mended = rescued(path).mended
    assert mended.devices == [min(button.device_id for button in made.buttons).hex()]
    assert mended.incidents == [1]
    with closing(sqlite3.connect(draft_of(path))) as connection:
        assert connection.execute("SELECT DISTINCT state FROM device").fetchall() == [("active",)]
        assert connection.execute("SELECT state, disposition FROM incident WHERE id = 1").fetchall() == [
            ("closed", found)
        ]


def test_registrations_come_back_from_their_own_enrol_or_from_a_backup(made: Store, tmp_path: Path) -> None:
    path = copied(made, tmp_path)
    backup = tmp_path / "backup.db"
    shutil.copyfile(path, backup)
    whole = path.read_bytes()
    roots = sqlite_damage.roots(path)
    sqlite_damage.damage(path, roots["device"])
    sqlite_damage.damage(path, roots["owner"])
    sqlite_damage.damage(path, roots["sqlite_autoindex_owner_1"])  # so only what refers to the owner names it
    report = put_right(path)
    assert len(report.rescued.mended.devices) >= 10
    said = [line.say("en") for line in report.lines()]
    assert "Lost: 1 rows of owner." in said and any("only the number is left" in line for line in said)
    assert not any(line.startswith(("owner was read", "device was read")) for line in said), "and none is missing"
    store = SqlStore(path, NOW_MS)
    known = store.enrolled([button.device_id for button in made.buttons])
    assert {one.device.public_xy for one in known.values()} == {button.public_xy for button in made.buttons}
    assert {str(one.device.state) for one in known.values()} == {"active"}
    store.close()
    path.write_bytes(whole)
    for name in ("owner", "sqlite_autoindex_owner_1"):
        sqlite_damage.damage(path, roots[name])
    report = put_right(path, backup)
    assert report.rescued.from_backup["owner"] == 1 and not report.rescued.mended.owners
    said = [line.say("en") for line in report.lines()]
    assert "Lost: 1 rows of owner." in said and "1 rows of owner are from the backup." in said
    store = SqlStore(path, NOW_MS)
    assert [owner.name for owner in store.owners()] == ["Contoh Wati"]
    store.close()


@pytest.mark.parametrize("how", ["frame", "header"])
def test_a_damaged_log_loses_no_commit_behind_the_damage(made: Store, tmp_path: Path, how: str) -> None:
    """SQLite would end reading there, and what was acknowledged since would be gone without a word."""
    path = copied(made, tmp_path)
    desk = IngestHarness(tmp_path, beside=_Beside(made.gateway_key))  # type: ignore[arg-type]
    sent = [made.buttons[1].follow(Kind.CHECKIN, NOW_S) for _ in range(6)]
    for frame in sent:
        desk.take(frame)
    log = Path(f"{path}-wal")
    kept = {end: Path(f"{path}{end}").read_bytes() for end in ("", "-wal")}
    desk.close()
    made.buttons[1].counter -= len(sent)
    path.write_bytes(kept[""])
    log.write_bytes(kept["-wal"])
    with log.open("r+b") as file:
        file.seek(8 if how == "header" else 32 + 24 + 1000)
        file.write(b"\xff" * 4)
    with Pages(path) as pages:
        assert pages.log_damaged
    put_right(path)
    store = SqlStore(path, NOW_MS)
    stored = {row.frame for row in store.event_rows_after(0, 10_000)}
    assert set(sent) - stored == set()
    verify(store)
    store.close()


def test_a_log_that_ends_in_a_torn_commit_is_no_damage(made: Store, tmp_path: Path) -> None:
    """As the machine's power leaves it: the last commit was never acknowledged."""
    path = copied(made, tmp_path)
    desk = IngestHarness(tmp_path, beside=_Beside(made.gateway_key))  # type: ignore[arg-type]
    desk.take(made.buttons[1].follow(Kind.CHECKIN, NOW_S))
    size = Path(f"{path}-wal").stat().st_size
    desk.take(made.buttons[1].follow(Kind.CHECKIN, NOW_S))
    kept = Path(f"{path}-wal").read_bytes()
    desk.close()
    made.buttons[1].counter -= 2
    torn = bytearray(kept)
    torn[size + 24 + 7] ^= 0xFF
    Path(f"{path}-wal").write_bytes(torn)
    with Pages(path) as pages:
        assert not pages.log_damaged


@pytest.mark.parametrize("first", range(256))
def test_no_first_byte_of_a_frame_stops_a_rescue(made: Store, first: int) -> None:
    """A bit that flipped there names a suite that there is not."""
    with closing(sqlite3.connect(made.path)) as connection:
        row = list(connection.execute("SELECT * FROM event LIMIT 1").fetchone())
    assert SOUND["event"](row)
    row[6] = bytes([first]) + row[6][1:]
    assert SOUND["event"](row) in (True, False)


ALIKE = ("coverage", "coverage_gathered", "coverage_reported", "coverage_told")


def cells_of(path: Path, table: str) -> set[tuple[int, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute(f"SELECT * FROM {table}"))


@pytest.mark.parametrize("damaged", [*ALIKE, "sqlite_schema"])
def test_what_may_be_told_of_the_signal_stays_apart_from_what_may_not(
    made: Store, tmp_path: Path, damaged: str
) -> None:
    """The four tables have rows of one shape: a guess would lose the map, or tell where one person was."""
    path = copied(made, tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, table in enumerate(ALIKE):
            classes = 1 << number if table == "coverage_reported" else 31
            rows = [(24_000, 1, 10_000 * number + cell, 1, classes, 9, 1, -700) for cell in range(1_500)]
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    before = {table: cells_of(path, table) for table in ALIKE}
    leaf = 1 if damaged == "sqlite_schema" else page_of(path, damaged, 2)
    sqlite_damage.damage(path, leaf, NOISE)
    rescued(path)
    draft = draft_of(path)
    after = {table: cells_of(draft, table) for table in ALIKE}
    for table in ALIKE:
        assert after[table] <= before[table], f"{table} has got another's rows"
        if damaged != "sqlite_schema":
            lost = len(before[table]) - len(after[table])
            assert (0 < lost < 400) if table == damaged else lost == 0, table
    assert after["coverage_reported"], "what one class reported is told apart by itself"
