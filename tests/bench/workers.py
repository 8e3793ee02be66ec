"""Events a second of one and of two workers on one PostgreSQL, and what an event takes on its disk.

The workers are processes with the real ingest; frames lie in their inboxes when the clock starts, so that no broker is
measured. The server is the tests' own, with fsync; it shares the processors with the workers. As in the gateway, a
worker has a process beside it that checks signatures if there are more cores than workers.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psycopg
from gateway_throughput import BARE, BUTTONS, Unheard, bare, signed, wait
from telling import say

from databases import PostgresServer, own_server
from pressing_button import PressingButton
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.postgres import Postgres
from siaga_gateway.adapters.verify_process import VerifyProcess, room_beside
from siaga_gateway.domain.event import Timing
from siaga_gateway.domain.frame import Kind
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ingest.recording import IncidentDefaults
from siaga_gateway.service.ingest.worker import Ingest, Limits
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing

EVENTS = 10_000
WANTED = {1: "at least 0.4", 2: "at least 0.75"}
HOUSE = IncidentDefaults("siaga.bench", Mode.EXERCISE, Timing(), ("nowhere",), ())


def store_at(conninfo: str, keys: Path) -> SqlStore:
    return SqlStore(Postgres(conninfo), WallClock().now_ms(), KeyFile(keys))


def enrol(conninfo: str, keys: Path, buttons: Sequence[PressingButton]) -> None:
    clock = WallClock()
    store = store_at(conninfo, keys)
    with store.transaction() as transaction:
        person = Owner(0, "Contoh Wati", "9900000000000001", "+620000000001", "Jl. Contoh 1, Bandar Lampung")
        owner = transaction.add_owner(person, clock.now_ms())
        for button in buttons:
            state = RegistrationState.ACTIVE
            transaction.add_device(
                Device(button.device_id, button.public_xy, owner, state, "Toko Contoh, kasir", clock.now_ms())
            )
    store.close()


def work(
    conninfo: str,
    keys: Path,
    frames: Sequence[bytes],
    workers: int,
    together: Barrier,
    results: multiprocessing.Queue[float],
) -> None:
    """One of so many workers: its own connections, keys and inbox; the process beside it that checks signatures, where
    the gateway would have one. Puts the CPU seconds of both, counted from the common start."""
    clock = WallClock()
    store = store_at(conninfo, keys)
    keyring = KeyRing(store, GatewayKey.generate())
    keyring.look_up({raw[2:10] for raw in frames})
    verifier = VerifyProcess() if room_beside(workers) else None
    if verifier is not None:
        verifier.start()
        wait(verifier.is_ready, "the process that checks signatures")
    ingest = Ingest(
        store=store,
        keyring=keyring,
        sender=Unheard(),
        notifier=JournalNotifier(),
        clock=clock,
        defaults=HOUSE,
        limits=Limits(queue=20_000),
        verifier=verifier,
    )
    for raw in frames:
        if not ingest.offer(InboundFrame(raw, clock.now_ms(), "bench", lambda: None), 0):
            raise SystemExit("the inbox is smaller than the measurement")
    together.wait(60)
    cpu = cpu_s(verifier)
    ingest.start()
    wait(lambda: ingest.counts.stored >= len(frames), "storing")
    results.put(cpu_s(verifier) - cpu)
    together.wait(60)  # what served it is looked at while it is there
    ingest.stop()
    if verifier is not None:
        verifier.close()
    store.close()


def cpu_s(verifier: VerifyProcess | None) -> float:
    """CPU seconds that this process and the one that checks its signatures have used."""
    beside = 0 if verifier is None else int(Path(f"/proc/{verifier.pid}/schedstat").read_text().split()[0])
    return time.process_time() + beside / 1e9


def rate(
    server: PostgresServer, conninfo: str, keys: Path, frames: Sequence[bytes], workers: int
) -> tuple[float, float, float]:
    """(events a second of all together, CPU microseconds of a worker and of the server for each). Frames go in turn, as
    a broker shares them out: each button's to all workers."""
    spawn = multiprocessing.get_context("spawn")
    together, results = spawn.Barrier(workers + 1), spawn.Queue()
    processes = [
        spawn.Process(target=work, args=(conninfo, keys, frames[number::workers], workers, together, results))
        for number in range(workers)
    ]
    for process in processes:
        process.start()
    together.wait(60)
    begun, served = time.perf_counter(), used_s(server)
    used = sum(results.get(timeout=120) for _ in processes)
    seconds, served = time.perf_counter() - begun, used_s(server) - served
    together.wait(60)
    for process in processes:
        process.join(60)
    return len(frames) / seconds, used / len(frames) * 1e6, served / len(frames) * 1e6


def used_s(server: PostgresServer) -> float:
    """CPU seconds that the server's processes have used, of those that are there."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in server.pids()) / 1e9


def bytes_of(conninfo: str) -> int:
    """All tables with their indexes."""
    with psycopg.connect(conninfo, autocommit=True) as looking:
        looking.execute("VACUUM")
        row = looking.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchone()
    assert row is not None
    return int(row[0])


def written(server: PostgresServer) -> int:
    """Bytes of write-ahead log so far."""
    with psycopg.connect(server.conninfo("postgres")) as looking:
        row = looking.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return int(row[0])


def main() -> None:
    buttons, frames = signed(EVENTS)
    bare_rate, bare_us = bare(buttons, frames)
    say(BARE, bare_rate, "1/s")
    with own_server() as server, tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / FILE_NAME
        for workers in (1, 2):
            conninfo = server.new_database()
            enrol(conninfo, keys, buttons)
            before, log_before = bytes_of(conninfo), written(server)
            found, cpu_us, server_us = rate(server, conninfo, keys, frames, workers)
            name = f"{workers} worker{'s' if workers > 1 else ''} on PostgreSQL, presses"
            say(name, found, "1/s")
            say(f"{name} / bare", found / bare_rate, "times", BARE, WANTED[workers])
            say(f"{name}, CPU of workers / bare", cpu_us / bare_us, "times", BARE)
            say(f"{name}, CPU of the server / bare", server_us / bare_us, "times", BARE)
        say("a press on PostgreSQL's disk", (bytes_of(conninfo) - before) / len(frames), "bytes")
        say("a press in its write-ahead log", (written(server) - log_before) / len(frames), "bytes")
        now_s = int(time.time())
        checkins = [buttons[n % BUTTONS].follow(Kind.CHECKIN, now_s) for n in range(EVENTS)]
        before, log_before = bytes_of(conninfo), written(server)
        found, _, _ = rate(server, conninfo, keys, checkins, 2)
        say("2 workers on PostgreSQL, check-ins", found, "1/s")
        say("a check-in on its disk", (bytes_of(conninfo) - before) / len(checkins), "bytes")
        say("a check-in in its write-ahead log", (written(server) - log_before) / len(checkins), "bytes")


if __name__ == "__main__":
    main()
