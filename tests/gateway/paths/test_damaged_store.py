"""A store that is damaged, deleted or replaced under a gateway: who need not wait is answered, nothing is acknowledged
into nowhere, and the gateway puts it right by itself."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

import sqlite_damage
from brokers import Mosquitto, free_port
from databases import Place
from gateway.enrolled_devices import enrolled_buttons
from gateway.fake_ports import ManualClock
from gateway.ingest_harness import DEFAULTS, NOW_MS, NOW_S, IngestHarness
from gateway.stubborn_buttons import Crowd
from siaga_gateway.adapters.outputs.cap_folder import CapFolderOutput
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable, store_path
from siaga_gateway.adapters.sql.rescue.sqlite_pages import Pages, cells
from siaga_gateway.adapters.sql.sqlite import Sqlite
from siaga_gateway.bootstrap.store_repair import StoreGuard, open_mended, sure_to_start_anew
from siaga_gateway.config.settings import Settings
from siaga_gateway.config.store import StoreSettings
from siaga_gateway.service.delivery.worker import OutboxWorker
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.audit_chain import verify
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.store import StoreDamaged, StoreFailing, StoreGone
from system.running_gateway import Gateway
from waiting import ENDS_S, RUNS_S, eventually


class _Beside:
    def __init__(self, desk: IngestHarness) -> None:
        self.gateway_key = desk.gateway_key


def leaves(path: Path, table: str) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", (table,))
        return [row[0] for row in rows]


def test_who_does_not_need_the_damaged_page_is_answered(tmp_path: Path) -> None:
    """In one batch with somebody who does: one page kept everybody out."""
    first = IngestHarness(tmp_path)
    buttons = [first.button() for _ in range(360)]
    first.take(*(button.enrol() for button in buttons))
    first.close()
    path = store_path(tmp_path)
    sqlite_damage.checkpoint(path)
    page = leaves(path, "device_status")[0]
    with Pages(path) as pages:
        on_it = {cell.record[0] for cell in cells(pages, pages.page(page), page) if cell is not None}
    there = [button for button in buttons if button.device_id in on_it]
    # Those furthest from it: a row that grows may need the pages beside its own, and be stranded too.
    away = sorted(buttons, key=lambda button: button.device_id, reverse=max(on_it) < max(b.device_id for b in buttons))
    elsewhere = [button for button in away if button.device_id not in on_it]
    assert len(leaves(path, "device_status")) > 4
    assert there and elsewhere
    sqlite_damage.damage(path, page)
    desk = IngestHarness(tmp_path, beside=_Beside(first))  # type: ignore[arg-type]
    answered: list[bytes] = []
    acknowledged: list[bytes] = []
    met: list[tuple[StoreFailing, bool]] = []

    class Answers:
        def send(self, device_id: bytes, frame: bytes) -> None:
            answered.append(device_id)

    ingest = Ingest(
        store=desk.store,
        keyring=desk.keyring,
        sender=Answers(),
        notifier=JournalNotifier(),
        clock=ManualClock(NOW_MS),
        defaults=DEFAULTS,
        limits=Limits(),
        on_damage=lambda error, call: met.append((error, call)),
    )
    senders = [there[0], *elsewhere[:3]]
    for button in senders:
        frame = InboundFrame(
            button.press(NOW_S), NOW_MS, "mqtt", lambda button=button: acknowledged.append(button.device_id)
        )
        assert ingest.offer(frame, 1)
    ingest.start()
    eventually(lambda: len(answered) == 3 and ingest.stranded == 1, "the others are answered")
    assert set(answered) == set(acknowledged) == {button.device_id for button in elsewhere[:3]}
    assert isinstance(met[0][0], StoreDamaged) and met[0][1], "a call for help is told as one"
    assert "siaga gateway rescue" in ingest.store_fails
    ingest.stop()
    assert there[0].device_id not in acknowledged, "what is not stored stays with its bearer"
    engine = desk.store.engine
    assert isinstance(engine, Sqlite) and engine.damage()
    desk.close()


def test_damage_is_found_before_it_is_needed(tmp_path: Path) -> None:
    desk = IngestHarness(tmp_path)
    desk.take(*(button.press(NOW_S) for button in [desk.button() for _ in range(60)]))
    engine = desk.store.engine
    assert isinstance(engine, Sqlite)
    engine.examine()
    assert engine.damage() == ""
    sqlite_damage.checkpoint(store_path(tmp_path))
    sqlite_damage.damage(store_path(tmp_path), leaves(store_path(tmp_path), "journal")[1])
    with pytest.raises(StoreDamaged):
        engine.examine()
    assert engine.damage()
    desk.close()


def test_a_file_that_is_deleted_while_something_is_written_acknowledges_nothing(tmp_path: Path) -> None:
    desk = IngestHarness(tmp_path)
    with pytest.raises(StoreGone), desk.store.transaction() as transaction:
        transaction.note(journal.STORE_BACK, NOW_MS, {})
        store_path(tmp_path).unlink()
    desk.close()


@pytest.mark.parametrize("name", ["siaga.db", "siaga.db-wal"])
@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_nothing_is_acknowledged_into_a_file_without_a_name(tmp_path: Path, name: str, how: str) -> None:
    desk = IngestHarness(tmp_path)
    button = desk.button()
    desk.take(button.press(NOW_S))
    file = tmp_path / name
    if how == "replaced":
        shutil.copyfile(file, tmp_path / "other")
        (tmp_path / "other").replace(file)
    else:
        file.unlink()
    with pytest.raises(StoreGone, match=f"{name} was {how}"):
        desk.take(button.press(NOW_S))
    with pytest.raises(StoreGone):
        desk.store.registry_version()
    desk.close()


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_store_that_lost_its_name_is_put_back_as_it_is(tmp_path: Path, how: str) -> None:
    desk = IngestHarness(tmp_path)
    button = desk.button()
    frame = button.press(NOW_S)
    desk.take(frame)
    settings = Settings(name="siaga.test", data_dir=tmp_path)
    ended: list[bool] = []
    guard = StoreGuard(settings, desk.store, ManualClock(NOW_MS), lambda: ended.append(True))
    guard.look()
    path = store_path(tmp_path)
    path.unlink()
    if how == "replaced":
        path.write_bytes(b"another store")
    with pytest.raises(StoreGone):
        desk.take(button.press(NOW_S, again=True))
    with pytest.raises(StoreGone):
        guard.look()
    assert guard.wanted and ended == [True]
    desk.close()
    store = open_mended(settings, ManualClock(NOW_MS))
    assert {row.frame for row in store.event_rows_after(0, 10)} == {frame}
    (entry,) = [one for one in store.journal_last(5) if one.kind == journal.STORE_PUT_BACK]
    assert how in entry.facts["why"]
    verify(store)
    store.close()
    assert [file.read_bytes() for file in tmp_path.glob("siaga.db.replaced-*Z")] == [b"another store"] * (
        how == "replaced"
    )


def test_however_many_meet_it_the_gateway_ends_once(tmp_path: Path) -> None:
    """Ingest, the outputs and the look at the file meet it at the same time: a second end would come into the start."""
    desk = IngestHarness(tmp_path)
    desk.take(desk.button().press(NOW_S))
    together = threading.Barrier(4)

    class Slow(ManualClock):
        """Whoever saves asks for the time; the others are here by then."""

        def now_ms(self) -> int:
            others.wait(1)  # no deadline of a machine: nothing ends it
            return super().now_ms()

    others = threading.Event()
    ended: list[bool] = []
    settings = Settings(name="siaga.test", data_dir=tmp_path)
    guard = StoreGuard(settings, desk.store, Slow(NOW_MS), lambda: ended.append(True))
    store_path(tmp_path).unlink()

    def look() -> None:
        together.wait(ENDS_S)
        with pytest.raises(StoreGone):
            guard.look()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(ENDS_S)
    assert ended == [True]
    desk.close()
    store = open_mended(settings, ManualClock(NOW_MS))
    assert [one.kind for one in store.journal_last(9)].count(journal.STORE_PUT_BACK) == 1
    store.close()


def test_deliveries_that_damage_keeps_back_are_told_like_calls(tmp_path: Path) -> None:
    """A call that is stored and that no output hears of is as bad as one that is not."""
    first = IngestHarness(tmp_path)
    first.take(*(button.press(NOW_S) for button in [first.button() for _ in range(3)]))
    first.close()
    path = store_path(tmp_path)
    sqlite_damage.checkpoint(path)
    sqlite_damage.damage(path, sqlite_damage.roots(path)["outbox"])
    store = SqlStore(path, NOW_MS)
    met: list[tuple[StoreFailing, bool]] = []
    output = CapFolderOutput("cad", tmp_path)
    worker = OutboxWorker(
        store, output, JournalNotifier(), ManualClock(NOW_MS), on_damage=lambda error, call: met.append((error, call))
    )
    worker.start()
    eventually(lambda: met, "it is told")
    worker.stop()
    assert isinstance(met[0][0], StoreDamaged) and met[0][1]
    store.close()


def test_a_damaged_postgresql_keeps_out_only_who_needs_the_damage(tmp_path: Path) -> None:
    """It was taken for a fault of the program, and the frame was given up."""
    store = Place("postgresql", tmp_path).open(NOW_MS)
    for state in ("XX001", "XX002"):  # data_corrupted, index_corrupted
        with pytest.raises(StoreDamaged, match="pg_amcheck"), store.engine.transaction() as session:
            session.run(f"DO $$ BEGIN RAISE EXCEPTION 'invalid page in block 7' USING ERRCODE = '{state}'; END $$")
    store.close()


def test_a_gateway_that_is_told_so_mends_nothing_by_itself(tmp_path: Path) -> None:
    desk = IngestHarness(tmp_path)
    desk.close()
    path = store_path(tmp_path)
    sqlite_damage.checkpoint(path)
    sqlite_damage.damage(path, 1)
    settings = Settings(name="siaga.test", data_dir=tmp_path, store=StoreSettings(rescue=False))
    with pytest.raises(StoreUnusable, match="siaga gateway rescue"):
        open_mended(settings, ManualClock(NOW_MS))
    assert [file.name for file in tmp_path.glob("siaga.db.*")] == []


def test_what_holds_nothing_of_a_store_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    """Every button would be unknown, and nobody would see why."""
    IngestHarness(tmp_path).close()
    path = store_path(tmp_path)
    path.write_bytes(b"a letter to the registrar" * 1000)
    with pytest.raises(StoreUnusable):
        open_mended(Settings(name="siaga.test", data_dir=tmp_path), ManualClock(NOW_MS))
    assert path.read_bytes().startswith(b"a letter")
    path.unlink()
    with pytest.raises(StoreUnusable, match="no store"):
        open_mended(Settings(name="siaga.test", data_dir=tmp_path), ManualClock(NOW_MS))
    assert not path.exists()


@pytest.mark.parametrize("ends", ["threading.Event().wait()", "raise OSError('a fault')"])
def test_an_end_that_hangs_or_fails_keeps_no_gateway_from_starting_anew(ends: str) -> None:
    program = f"""
import threading
from siaga_gateway.bootstrap.store_repair import began_anew, start_anew, sure_to_start_anew
if began_anew():
    print("anew")
else:
    with sure_to_start_anew(lambda: True, 0.2):
        {ends}
    start_anew()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=RUNS_S)
    assert (done.returncode, done.stdout) == (0, "anew\n"), done.stderr


def test_without_a_thread_that_sees_to_it_a_gateway_ends_in_order_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Timer) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Timer, "start", none_left)
    ended = []
    with sure_to_start_anew(lambda: True):
        ended.append("in order")
    assert ended == ["in order"]


def test_an_end_that_is_wanted_by_nobody_else_tells_its_fault() -> None:
    with pytest.raises(OSError, match="a fault"), sure_to_start_anew(lambda: False):
        raise OSError("a fault")


def test_a_gateway_mends_its_store_by_itself_and_no_press_stays_unanswered(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Damage at the start, damage that only a press meets, a deleted file and a replaced one, one after the other."""
    broker_port = free_port()
    listener = (f"listener {broker_port} 127.0.0.1", "allow_anonymous true")
    with Mosquitto(tmp_path / "broker", *listener, port=broker_port) as broker:
        gateway = Gateway(tmp_path / "gateway", broker_port)
        path = store_path(gateway.data)
        buttons = enrolled_buttons(gateway.data, 3)
        crowd = Crowd(broker_port, buttons, pause_s=0.02, seed=1)
        request.addfinalizer(crowd.let_go)
        with gateway:
            crowd.start()
            eventually(lambda: all(one.acknowledged for one in crowd.buttons), "presses are answered")
        sqlite_damage.checkpoint(path)
        sqlite_damage.damage(path, 1)
        with gateway:
            answered(crowd)
            assert "first page" in gateway.stderr()
        for aside in gateway.data.glob("siaga.db.damaged-*"):
            aside.unlink()  # of a rescue a moment ago there is no trace: the next may follow by itself
        sqlite_damage.checkpoint(path)
        sqlite_damage.damage(
            path, sqlite_damage.roots(path)["sqlite_autoindex_event_1"]
        )  # which a press needs, and no row is lost
        with gateway:
            answered(crowd)
            started = gateway.kinds().count("gateway_started")

            def starts() -> int:
                return gateway.command("log", "--json", "-n", "10000", check=False).count('"gateway_started"')

            broker.kill()
            path.unlink()
            eventually(lambda: starts() > started, "it started anew, though its broker is away", timeout_s=ENDS_S)
            broker.start()
            answered(crowd)
            other = tmp_path / "other.db"
            SqlStore(other, NOW_MS).close()
            os.replace(other, path)
            answered(crowd)
            eventually(lambda: gateway.kinds().count("store_put_back") == 2, "both are noted")
            crowd.finish(ENDS_S)
            assert gateway.kinds().count("rescued") == 2
            assert gateway.command("audit", "verify").startswith("whole")
            told = gateway.stderr().count("starts anew to mend")
            path.unlink()
            eventually(lambda: gateway.stderr().count("starts anew to mend") > told, "it is about to start anew")
            assert gateway.process is not None
            gateway.process.terminate()
            gateway.process.wait(RUNS_S)  # whoever stops it meanwhile is heard
        store = open_mended(Settings(name="siaga.test", data_dir=gateway.data), ManualClock(NOW_MS))
        stored = {(row.device_id, row.counter) for row in store.event_rows_after(0, 100_000)}
        store.close()
        acknowledged = {(one.button.device_id, counter) for one in crowd.buttons for counter in one.acknowledged}
        assert acknowledged and acknowledged <= stored


def test_a_store_that_is_deleted_during_the_start_is_put_back(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Its front, which is still loading, then cannot open it: the gateway ended for good, with code 0."""
    with Mosquitto(tmp_path / "broker") as broker:
        gateway = Gateway(tmp_path / "gateway", broker.port)
        crowd = Crowd(broker.port, enrolled_buttons(gateway.data, 1), pause_s=0.02, seed=1)
        request.addfinalizer(crowd.let_go)
        request.addfinalizer(gateway.kill)
        process = gateway.launch()
        for start in (1, 2):  # the second time of one that has started anew
            eventually(lambda start=start: gateway.stderr().count("audit head") == start, "its store is open")
            store_path(gateway.data).unlink()
        eventually(
            lambda: process.poll() is not None or gateway.stderr().count("audit head") == 3,
            "it starts anew",
            timeout_s=ENDS_S,
        )
        assert process.poll() is None, gateway.stderr()
        crowd.start()
        answered(crowd)
        assert gateway.kinds().count("store_put_back") == 2


def answered(crowd: Crowd) -> None:
    """Every button is answered once more."""
    before = [len(one.acknowledged) for one in crowd.buttons]
    eventually(
        lambda: all(len(one.acknowledged) > count for one, count in zip(crowd.buttons, before, strict=True)),
        "presses are answered again",
        timeout_s=ENDS_S,
    )
