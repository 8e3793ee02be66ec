"""A store whose server was promoted: numbers, lists and leases go on above what the old server may have given out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from brokers import free_port
from databases import Place, PostgresServer, held_keys
from gateway import sample_store
from siaga_gateway.adapters.sql import SqlStore, StoreUnusable
from siaga_gateway.adapters.sql.postgres import Postgres, arrivals, connection_pool, engine, servers
from siaga_gateway.adapters.sql.postgres.connection import Link, connect, read_conninfo
from siaga_gateway.adapters.sql.postgres.connection_pool import ConnectionPool
from siaga_gateway.adapters.sql.postgres.promotion import ready
from siaga_gateway.adapters.sql.postgres.servers import Standing
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.registry.keyring import KeyRing
from siaga_gateway.service.store import StoreFailing
from system.relay import Relay
from waiting import eventually

DAY_MS = 86_400_000


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Place]:
    with Place("postgresql", tmp_path) as made:
        yield made


@pytest.fixture
def store(shared: Place) -> Iterator[SqlStore]:
    made = sample_store.new_store(shared)
    sample_store.with_device(made)
    yield made
    made.close()


def server(shared: Place, timeline: int, system: int = 7) -> Standing:
    return Standing("a:5432", read_conninfo(shared.conninfo)[0], "", system, False, timeline)


def two(shared: Place) -> str:
    """The address of two servers, of which the first is this store's and the second answers nobody."""
    host, port = shared.conninfo.split("@")[1].split("/")[0].split(":")
    name = shared.conninfo.rpartition("/")[2]
    return f"postgresql://siaga@{host},{host}/{name}?port={port},{free_port()}"


def test_a_promotion_is_made_good_once_whoever_comes_first(shared: Place, store: SqlStore) -> None:
    opened = sample_store.open_incident(store, outputs=("cad",))
    assert not ready(server(shared, 1)), "the first time it is only remembered"
    with ThreadPoolExecutor(4) as gateways:
        done = list(gateways.map(lambda _: ready(server(shared, 2)), range(8)))
    assert sum(done) == 1
    assert not ready(server(shared, 1)), "not back again"
    ((sequence,),) = store.fetch("SELECT sequence FROM incident WHERE id = ?", (opened.id,))
    assert sequence == opened.sequence + 1_000
    with store.engine.transaction() as session:
        assert session.incident_ids(1)[0] > opened.id + 1_000


def test_who_knows_that_it_was_promoted_needs_no_memory_of_the_time_before(shared: Place, store: SqlStore) -> None:
    opened = sample_store.open_incident(store)
    with store.engine.transaction() as session:
        session.run("DELETE FROM meta WHERE name = 'timeline'")
    assert ready(server(shared, 2), promoted=True)
    assert not ready(server(shared, 2), promoted=True)
    with store.engine.transaction() as session:
        assert session.incident_ids(1)[0] > opened.id + 1_000


def test_a_store_that_was_moved_to_another_server_keeps_its_numbers(shared: Place, store: SqlStore) -> None:
    opened = sample_store.open_incident(store)
    ready(server(shared, 5))
    assert not ready(server(shared, 9, system=8))
    with store.engine.transaction() as session:
        assert session.incident_ids(1)[0] <= opened.id + 100


def test_a_delivery_under_way_is_never_taken_for_a_new_one(shared: Place, store: SqlStore) -> None:
    """A worker that lives reports on the old server's numbers: by them a new message would count as delivered."""
    sample_store.open_incident(store, outputs=("cad",))
    ready(server(shared, 1))
    (before,) = store.pending("cad")
    ready(server(shared, 2))
    sample_store.open_incident(store, counter=50, outputs=("cad",))
    assert [each.id > before.id + 100_000 for each in store.pending("cad")] == [False, True]


def test_the_lease_of_a_worker_that_lives_stays_and_a_strange_clock_s_ends_soon(shared: Place, store: SqlStore) -> None:
    ready(server(shared, 1))
    assert store.lease("outbox cad", "lives", 60)
    assert store.lease("job reports", "on the old machine", DAY_MS)
    ready(server(shared, 2))
    assert not store.lease("outbox cad", "another", 60), "two would deliver"
    ((most_s,),) = store.fetch("SELECT max(until_ms) / 1000 - extract(epoch FROM clock_timestamp())::bigint FROM lease")
    assert 0 < most_s <= 121


def test_what_was_known_of_the_old_server_s_lists_is_not_believed(shared: Place, store: SqlStore) -> None:
    """The old server had a change that never came here; the next change here has the same number."""
    ready(server(shared, 1))
    ring = KeyRing(store, sample_store.GATEWAY_KEY)
    device_id = sample_store.DEVICE_ID
    assert ring.look_up([device_id])[device_id].device.state is RegistrationState.ACTIVE
    with store.engine.transaction() as session:  # as it is without that change: the row without its number
        session.run("UPDATE device SET state = 'suspended'")
    assert ring.look_up([device_id])[device_id].device.state is RegistrationState.ACTIVE, "kept, as nothing was counted"
    ready(server(shared, 2))
    assert ring.look_up([device_id])[device_id].device.state is RegistrationState.SUSPENDED


def test_a_store_is_not_opened_by_an_address_that_may_lead_to_one_that_was_left_behind(
    shared: Place, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look finds no primary; a moment later the old one is up, and the first that the address of both leads to."""
    silent = [Standing("a:5432", "", why="refused"), Standing("b:5432", "", why="no answer")]
    monkeypatch.setattr(servers, "standings", lambda _: silent)
    with pytest.raises(StoreUnusable, match=r"a:5432: refused; b:5432: no answer.*STANDBY\.md"):
        SqlStore(Postgres(two(shared)), 0, held_keys())


def test_of_several_servers_the_timeline_is_remembered_in_a_store_that_was_just_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Place("postgresql", tmp_path).emptied() as empty:
        made = SqlStore(Postgres(two(empty)), 0, held_keys())
        kept = made.remembered("timeline")
        made.close()
    assert kept is not None and kept.split()[1] == "1"


def test_a_connection_that_was_being_made_to_the_old_server_is_not_used(
    shared: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = read_conninfo(shared.conninfo)[0]
    new = old + " fallback_application_name=new"
    pool = ConnectionPool(old, 2)

    def taken_over_meanwhile(conninfo: str) -> Link:
        link = connect(conninfo)
        if conninfo == old:
            pool.use(new)
        return link

    monkeypatch.setattr(connection_pool, "connect", taken_over_meanwhile)
    with pool.link() as (link, _):
        assert link.conninfo == new
    pool.close()


@pytest.fixture
def alone() -> Iterator[PostgresServer]:
    """One server, and one address."""
    server = PostgresServer(durable=False, settings={"restore_command": "false"})
    try:
        yield server.start()
    finally:
        server.remove()


def promoted_behind_it(server: PostgresServer) -> None:
    """As a virtual address sees it: connections break, and behind the address is a server on the next timeline."""
    server.kill()
    (server.cluster / "recovery.signal").touch()
    server.start()
    eventually(lambda: not in_recovery(server), "the server is promoted")


def in_recovery(server: PostgresServer) -> bool:
    with psycopg.connect(server.conninfo("postgres")) as connection:
        row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    return row is None or bool(row[0])


def test_behind_one_address_a_promoted_server_is_readied_before_anything_is_read_or_written(
    alone: PostgresServer, tmp_path: Path
) -> None:
    conninfo, kept = alone.new_database(), tmp_path / "store-timeline"
    store = SqlStore(Postgres(conninfo, timeline=kept), 0, held_keys())
    other = SqlStore(Postgres(conninfo, timeline=tmp_path / "other"), 0, held_keys())
    sample_store.with_device(store)
    opened = sample_store.open_incident(store, outputs=("cad",))
    sequence = "SELECT sequence FROM incident WHERE id = ?"
    promoted_behind_it(alone)
    with ThreadPoolExecutor(4) as threads:
        read = set(threads.map(lambda each: each.fetch(sequence, (opened.id,))[0][0], [store, other] * 4))
    assert read == {opened.sequence + 1_000}, "moved on once, and before the first look"
    with store.engine.transaction() as session:
        assert session.incident_ids(1)[0] > opened.id + 1_000
    store.close()
    again = SqlStore(Postgres(conninfo, timeline=kept), 0, held_keys())
    assert again.fetch(sequence, (opened.id,)) == [(opened.sequence + 1_000,)]
    again.close()
    other.close()
    timeline = kept.read_text().split()
    assert timeline[1] == "2"
    kept.write_text(f"{timeline[0]} 3")
    with pytest.raises(StoreUnusable, match="was left behind"):
        SqlStore(Postgres(conninfo, timeline=kept), 0, held_keys())


@pytest.fixture
def pair(alone: PostgresServer) -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A primary that nobody fences, and its standby, which was promoted."""
    alone.execute("CREATE ROLE replicator LOGIN REPLICATION")
    name = alone.new_database().rpartition("/")[2]
    SqlStore(Postgres(alone.conninfo(name)), 0, held_keys()).close()
    second = PostgresServer(durable=False, standby_of=alone)
    try:
        yield alone, second.start()
    finally:
        second.remove()


@pytest.mark.parametrize("sees", ["itself", "by another process of its machine"])
def test_behind_a_proxy_nobody_goes_on_with_an_old_primary_over_connections_that_are_well(
    pair: tuple[PostgresServer, PostgresServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sees: str
) -> None:
    monkeypatch.setattr(engine, "_CHOOSE_S", 0.05)
    old, promoted = pair
    name, kept = "siaga_1", tmp_path / "store-timeline"
    with Relay(old.port) as proxy:
        store = SqlStore(Postgres(f"postgresql://siaga@127.0.0.1:{proxy.port}/{name}", timeline=kept), 0, held_keys())
        before = store.remembered("timeline")
        assert before is not None
        with store.transaction() as transaction:
            transaction.remember("taken", "by the old one")
        promoted.execute("SELECT pg_promote()")
        if sees == "itself":
            proxy.target = promoted.port  # who is connected stays so
            eventually(lambda: store.remembered("timeline") != before, "it looks without any need")
            assert store.remembered("timeline") == f"{before.split()[0]} 2"
        else:
            kept.write_text(f"{before.split()[0]} 2")

            def refused() -> bool:
                try:
                    store.remembered("timeline")
                except StoreFailing as error:
                    return "was left behind" in str(error)
                return False

            eventually(refused, "its connections lead to what was left behind")
            proxy.target = promoted.port
            eventually(lambda: not refused(), "the promoted one is used")
        with store.transaction() as transaction:
            transaction.remember("taken", "by the promoted one")
        store.close()
    for server, by in ((old, "by the old one"), (promoted, "by the promoted one")):
        with psycopg.connect(server.conninfo(name)) as link:
            assert link.execute("SELECT value FROM meta WHERE name = 'taken'").fetchone() == (by,)


def test_a_connection_to_a_server_that_was_a_standby_is_not_kept(
    shared: Place, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take writes without a further look, once it is promoted: the very next moment, too."""
    standing = "SELECT 7::bigint, {}, {}::int, NULL::bigint, NULL::float8"
    engine = Postgres(shared.conninfo)
    made = SqlStore(engine, 0, held_keys())
    engine._pool._idle.clear()
    monkeypatch.setattr(arrivals, "STANDING", standing.format("true", "NULL"))
    known = made.remembered("timeline")
    with pytest.raises(StoreFailing), made.transaction() as transaction:  # promoted since it was asked
        transaction.remember("written", "unreadied")
    assert made.remembered("written") is None
    monkeypatch.setattr(arrivals, "STANDING", standing.format("false", 5))
    assert made.remembered("timeline") == "7 5" != known
    made.close()


def test_earlier_connections_are_not_used_once_a_later_timeline_was_seen(shared: Place) -> None:
    """A proxy may go on passing them to the server that was left behind."""
    later = False
    pool = ConnectionPool(read_conninfo(shared.conninfo)[0], 3, lambda link: later)
    with pool.link() as (idle, _), pool.link() as (busy, _):
        with pool.link() as (kept, _):
            pass
        later = True
        pool._idle.clear()
        with pool.link() as (new, fresh):
            later = False
            assert fresh and new.well
            with pytest.raises(psycopg.OperationalError):
                busy.ask("SELECT 1")
    with pool.link() as (link, _):
        assert link.ask("SELECT 1").fetchone() == (1,)
        assert link not in (idle, busy, kept)
    pool.close()
