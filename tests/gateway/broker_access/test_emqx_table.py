"""A clustered broker asks PostgreSQL who may log in: the view has the buttons that may, and no other at any commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from databases import Place, shared_server
from gateway import sample_store
from siaga_gateway.adapters.broker_access.emqx_table import PasswordTable, password_hash
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.config.loading import SettingsError, load
from siaga_gateway.domain.frame_authentication import GatewayKey, device_id_of
from siaga_gateway.domain.registry import ADMITTED, Device, RegistrationState
from siaga_gateway.service.fleet.broker_access import BrokerAccess, Change
from waiting import ENDS_S, eventually

KEY = GatewayKey.generate()
# As gateway/BROKER.md gives it to the broker.
QUERY = "SELECT password_hash, salt FROM broker_user WHERE username = %s LIMIT 1"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place("postgresql", tmp_path) as made:
        yield made


@pytest.fixture
def broker(place: Place, store: SqlStore) -> Iterator[psycopg.Connection]:
    """The broker's own link, whose user may read the view and nothing else."""
    shared_server().execute("DROP ROLE IF EXISTS broker")
    shared_server().execute("CREATE ROLE broker LOGIN")
    with store.engine.transaction() as session:
        session.run("GRANT SELECT ON broker_user TO broker")
    with psycopg.connect(place.conninfo.replace("//siaga@", "//broker@"), autocommit=True) as link:
        yield link
    with store.engine.transaction() as session:
        session.run("REVOKE SELECT ON broker_user FROM broker")


def more(store: SqlStore, count: int) -> list[bytes]:
    """So many more buttons of the one owner."""
    owner_id = store.owners()[0].id
    keys = [GatewayKey.generate().public_xy for _ in range(count)]
    with store.transaction() as transaction:
        for xy in keys:
            state = RegistrationState.ACTIVE
            transaction.add_device(Device(device_id_of(xy), xy, owner_id, state, "Contoh", sample_store.NOW_MS))
    return [device_id_of(xy) for xy in keys]


def test_whoever_is_shut_out_has_no_line_and_no_connection_until_he_is_in_again(
    store: SqlStore, broker: psycopg.Connection
) -> None:
    """A broker that asks at each login would let the connection of whoever floods stand."""
    ended: list[str] = []
    table = PasswordTable(store, ended.append)
    flooding, *others = [device_id.hex() for device_id in more(store, 3)]
    table.keep_in_step(store, KEY)
    assert table.keep_in_step(store, KEY, {flooding}).withdrawn == 1 and ended == [flooding]
    assert broker.execute(QUERY, (flooding,)).fetchall() == []
    assert all(broker.execute(QUERY, (login,)).fetchall() for login in others)
    late = more(store, 1)[0].hex()
    assert table.keep_in_step(store, KEY, {flooding}).given == 1, "a new button is let in meanwhile"
    assert broker.execute(QUERY, (late,)).fetchall() and not broker.execute(QUERY, (flooding,)).fetchall()
    assert ended == [flooding], "once"
    assert table.keep_in_step(store, KEY).given == 1
    assert broker.execute(QUERY, (flooding,)).fetchall()


def set_state(store: SqlStore, device_id: bytes, state: RegistrationState) -> None:
    with store.transaction() as transaction:
        transaction.set_registration(device_id, state, sample_store.NOW_MS)


def let_in(broker: psycopg.Connection, device_id: bytes, password: str) -> bool:
    """What a broker does at a CONNECT."""
    row = broker.execute(QUERY, (device_id.hex(),)).fetchone()
    return row is not None and row[0] == password_hash(password, row[1])


def password(device_xy: bytes) -> str:
    return KEY.device_key(device_xy).broker_password


def test_the_hash_is_what_emqx_compares() -> None:
    # docs.emqx.com, Integrate with PostgreSQL: its two examples, both with salt_position = suffix
    assert password_hash("secret", "salt") == "f84fa2149dbb62ed4e0cf1f550d2949b33a6513d3a7707e08502511c79ccb0ee"
    assert password_hash("public", "slat_foo123") == "44edc2d57cde8d79c98145003e105b90a14f1460b79186ea9cfe83942fc5abb5"


def test_who_may_log_in_can_and_a_removal_holds_at_once(store: SqlStore, broker: psycopg.Connection) -> None:
    table, mine = PasswordTable(store), password(sample_store.PUBLIC_XY)
    assert not let_in(broker, sample_store.DEVICE_ID, mine)
    assert table.keep_in_step(store, KEY) == Change(given=1)
    assert let_in(broker, sample_store.DEVICE_ID, mine)
    assert not let_in(broker, sample_store.DEVICE_ID, "0" * 32)
    assert not table.keep_in_step(store, KEY), "nothing changed"

    for state in ADMITTED:
        set_state(store, sample_store.DEVICE_ID, state)
        assert let_in(broker, sample_store.DEVICE_ID, mine)
        assert not table.keep_in_step(store, KEY)
    set_state(store, sample_store.DEVICE_ID, RegistrationState.REMOVED)
    assert not let_in(broker, sample_store.DEVICE_ID, mine), "before anything was brought into step"
    assert table.keep_in_step(store, KEY).withdrawn == 1
    assert store.fetch("SELECT count(*) FROM broker_login") == [(0,)]
    set_state(store, sample_store.DEVICE_ID, RegistrationState.ACTIVE)
    assert table.keep_in_step(store, KEY) == Change(given=1)
    assert let_in(broker, sample_store.DEVICE_ID, mine)


def test_the_broker_s_user_sees_the_view_and_nothing_else(store: SqlStore, broker: psycopg.Connection) -> None:
    PasswordTable(store).keep_in_step(store, KEY)
    assert broker.execute("SELECT count(*) FROM broker_user").fetchone() == (1,)
    for table in ("device", "owner", "broker_login", "event"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            broker.execute(f"SELECT * FROM {table}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            broker.execute(f"DELETE FROM {table}")


def test_workers_at_once_give_each_button_one_password(place: Place, store: SqlStore) -> None:
    more(store, 1_200)
    stores = [place.open(sample_store.NOW_MS) for _ in range(3)]
    start = threading.Barrier(3)

    def keep(mine: SqlStore) -> Change:
        table = PasswordTable(mine)
        start.wait(ENDS_S)
        return table.keep_in_step(mine, KEY)

    try:
        with ThreadPoolExecutor(3) as pool:
            changes = list(pool.map(keep, stores))
    finally:
        for each in stores:
            each.close()
    assert sum(change.given for change in changes) == 1_201
    assert store.fetch("SELECT count(*), count(DISTINCT salt) FROM broker_user") == [(1_201, 1_201)]


def test_a_running_gateway_follows_the_registrar(store: SqlStore, broker: psycopg.Connection) -> None:
    heard: list[Change] = []
    access = BrokerAccess(store, KEY, PasswordTable(store), heard.append)
    access.start()
    try:
        eventually(
            lambda: let_in(broker, sample_store.DEVICE_ID, password(sample_store.PUBLIC_XY)), "the first is let in"
        )
        (other,) = more(store, 1)
        eventually(lambda: broker.execute(QUERY, (other.hex(),)).fetchone(), "the other is let in")
        eventually(lambda: heard == [Change(given=1), Change(given=1)], "both changes are told")
    finally:
        access.stop()


def test_a_file_is_no_place_for_it(tmp_path: Path) -> None:
    settings = tmp_path / "siaga.toml"
    settings.write_text('name = "siaga.test"\ndata_dir = "."\n[broker]\ntable = true\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"broker\.table needs a \[store\] on PostgreSQL"):
        load(settings, {})
    store = sample_store.new_store(tmp_path)
    try:
        with pytest.raises(ValueError, match="PostgreSQL, not a file"):
            PasswordTable(store)
    finally:
        store.close()
