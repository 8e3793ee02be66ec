"""A province's store against an empty one: 1,000,000 enrolled devices and 10,000,000 stored events.

The big store is made once, by SQL, into build/big-store: its devices and events are generated rows with random keys and
frames (nobody presses with them, and `audit verify` would refuse them), in the real tables with the real indexes. Then
500 real buttons are enrolled in it and press, as in gateway_throughput.py, in turns with the same on an empty store. At
last the gateway's own process is started on it, takes presses over MQTT, and its memory is read.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gateway_throughput import middle, signed, through, wait
from publisher import Publisher
from telling import say

from brokers import Mosquitto
from gateway.enrolled_devices import enrolled_buttons
from pressing_button import at
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.adapters.sql.store import KEY_FILE
from siaga_gateway.domain.registry import Owner
from system.running_gateway import Gateway

ROOM = Path(__file__).resolve().parents[2] / "build" / "big-store"
DEVICES = 1_000_000
EACH = 10  # events of a device
EVENTS = 10_000
PRESSING = 5_000
GAP = 18_446_744_073_709  # between device_ids, so that they spread over all 8 bytes


def made() -> Path:
    """The big store's file; made where it is not there, or has another shape."""
    with tempfile.TemporaryDirectory() as folder:
        empty = SqlStore(store_path(Path(folder)), 0)
        shape = str(empty.fetch("SELECT group_concat(sql) FROM sqlite_master ORDER BY name"))
        empty.close()
    path, told = store_path(ROOM), ROOM / "shape"
    if told.exists() and told.read_text() == shape:
        return path
    shutil.rmtree(ROOM, ignore_errors=True)
    ROOM.mkdir(parents=True)
    if shutil.disk_usage(ROOM).free < 12 * 2**30:
        raise SystemExit(f"the big store needs some 5 GB, and {ROOM} has not twice that")
    begun = time.monotonic()
    store = SqlStore(path, 0)
    with store.transaction() as transaction:
        transaction.add_owner(Owner(0, "Contoh Wati", "9900000000000000", "+620000000001", "Jl. Contoh 1"), 0)
    store.close()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    _fill(connection)
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    told.write_text(shape)
    print(f"made the big store in {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return path


def _fill(connection: sqlite3.Connection) -> None:
    now_ms = time.time_ns() // 1_000_000
    ids = [(number * GAP).to_bytes(8, "big") for number in range(1, DEVICES + 1)]
    connection.executemany(
        "INSERT INTO device (device_id, public_xy, owner_id, state, label, enrolled_at_ms, changed) "
        "VALUES (?, randomblob(64), 1, 'active', 'Toko Contoh', 0, 0)",
        ((device_id,) for device_id in ids),
    )
    connection.execute(
        "INSERT INTO device_status (device_id, first_counter, highest_counter, events, last_seen_ms, battery_counter, "
        f"low_battery, tamper_open, external_power) SELECT device_id, 1, {EACH}, {EACH}, {now_ms}, -1, 0, 0, 1 "
        "FROM device ORDER BY device_id"
    )
    numbers = ", ".join(f"({number})" for number in range(1, EACH + 1))
    connection.execute(
        "INSERT INTO event (device_id, counter, digest, kind, suite, frame, signature, received_ms, bearer, "
        "incident_id) "
        f"SELECT device_id, column1, randomblob(32), 4, 1, randomblob(99), randomblob(64), {now_ms}, 'mqtt', NULL "
        f"FROM device CROSS JOIN (VALUES {numbers}) ORDER BY device_id, column1"
    )


class Standing(Gateway):
    """A gateway on a store that is there already."""

    def on(self, store: Path) -> None:
        for name in (store.name, KEY_FILE):
            own = self.data / name
            own.unlink(missing_ok=True)
            own.symlink_to(store.with_name(name))

    def memory(self) -> tuple[float, float]:
        """(now, at most so far), megabytes."""
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        found = {
            line.split(":")[0]: int(line.split()[1]) / 1000 for line in lines if line.startswith(("VmRSS", "VmHWM"))
        }
        return found["VmRSS"], found["VmHWM"]


def main() -> None:
    store = made()
    say("big store", os.stat(store).st_size / 1e9, "GB")
    empty, big = [], []
    for _ in range(3):
        buttons, frames = signed(EVENTS)
        empty.append(through(frames, buttons, dispatch=False))
        big.append(through(frames, buttons, dispatch=False, store=store))
    base = "empty store: verified and stored"
    say(base, middle([one[0] for one in empty]), "1/s")
    say("big store: verified and stored", middle([one[0] for one in big]), "1/s")
    ratio = middle([large[0] / small[0] for large, small in zip(big, empty, strict=True)])
    say("big store / empty store", ratio, "times", base, "at least 0.85")
    say(
        "big store / empty store, CPU",
        middle([large[1] / small[1] for large, small in zip(big, empty, strict=True)]),
        "times",
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as broker_folder,
        Mosquitto(Path(broker_folder), "max_inflight_messages 0", "set_tcp_nodelay true") as broker,
        Publisher() as publishers,
    ):
        gateway = Standing(Path(folder), broker.port)
        gateway.on(store)
        buttons = enrolled_buttons(gateway.data, PRESSING)
        now_s = int(time.time())
        frames = [buttons[n % PRESSING].press(now_s, again=n >= PRESSING, **at()) for n in range(2 * PRESSING)]
        begun = time.monotonic()
        with gateway:
            say("start of the gateway on the big store", time.monotonic() - begun, "s", wanted="under 5")
            reader = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
            last = "SELECT coalesce(max(id), 0) FROM event"
            before = reader.execute(last).fetchone()[0]
            publishers.start(broker.port, "bench-buttons", frames, 0).result(300)
            wait(lambda: reader.execute(last).fetchone()[0] >= before + len(frames), "storing what came over MQTT")
            say("memory of the gateway, at most", gateway.memory()[1], "MB", wanted="under 400")
            gateway.stop()


if __name__ == "__main__":
    main()
