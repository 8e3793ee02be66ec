"""The pages of a fleet of 100,000 buttons: how long the server takes for each, on both engines, and its file.

The store is made anew in the real tables: every button has a status and ten days of battery and signal, every tenth an
open case, every hundredth some entries of the journal. Asked through the whole application, without a network; each
page is the slowest of several looks in processor time, as the machine may be shared; of PostgreSQL, whose server is a
process of its own, the quickest in wall time.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fastapi.testclient import TestClient
from telling import say

from databases import PostgresServer
from gateway.fake_ports import RunningClock
from gateway.sample_site import SITE
from gateway.web.conftest import OPERATOR, ORIGIN
from gateway.web.console_fakes import Book, FakeBell, on_book
from siaga_gateway.adapters.files.personal_key import FILE_NAME, KeyFile
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.adapters.sql.postgres import Postgres
from siaga_gateway.domain.battery_history import day_of
from siaga_gateway.domain.device_report import Status
from siaga_gateway.domain.device_status import DeviceStatus
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.registry import Device, Owner, RegistrationState
from siaga_gateway.domain.supervision import Case, Cause, SupervisionLimits
from siaga_gateway.service.fleet.maintenance_cases import MaintenanceCases
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.web.app import ConsoleOptions

DEVICES = 100_000
AT_ONCE = 5_000
GAP = 184_467_440_737_095  # between device_ids
LOOKS = 5
WANTED = SupervisionLimits(version=(1, 2, 0))
SHOPS = ("Toko", "Warung", "Rumah", "Kantor", "Bengkel", "Apotek")
WELL, OLD = (Status(version, -80, 1, 0, 5, 0, 0) for version in ((1, 2, 0), (1, 1, 9)))
WISH = "under 200"


def id_of(number: int) -> bytes:
    return (number * GAP).to_bytes(8, "big")


def fill(store: SqlStore, now_ms: int) -> None:
    drawn, today = random.Random(5), day_of(now_ms)
    with store.transaction() as transaction:
        owners = [
            transaction.add_owner(Owner(0, f"Contoh {n}", f"99{n:014d}", f"+62000{n:08d}", f"Jl. Contoh {n}"), now_ms)
            for n in range(1, 201)
        ]
    for begin in range(1, DEVICES + 1, AT_ONCE):
        with store.transaction() as transaction:
            for number in range(begin, min(begin + AT_ONCE, DEVICES + 1)):
                one = id_of(number)
                state = RegistrationState.SUSPENDED if number % 50 == 0 else RegistrationState.ACTIVE
                label = f"{drawn.choice(SHOPS)} Contoh {drawn.randrange(10**6):06d}"
                transaction.add_device(
                    Device(
                        one, number.to_bytes(64, "big"), owners[number % 200], state, label, now_ms - 86_400_000 * 90
                    )
                )
                health = OLD if number % 40 == 0 else WELL
                transaction.put_status(
                    DeviceStatus(
                        one,
                        1,
                        100,
                        100,
                        now_ms - drawn.randrange(86_400_000),
                        battery=drawn.randrange(5, 100),
                        health=health,
                    )
                )
                for ago in range(1, 11):
                    transaction.add_day(one, today - ago, bytes([90 - ago, 256 - 80]) * 24)
                if number % 10 == 0:
                    transaction.put_case(Case(number, one, Cause.LOW_BATTERY, 9, now_ms - number))
                if number % 100 == 0:
                    for _ in range(5):
                        transaction.note(journal.SIM_CHANGED, now_ms, {}, device_id=one, actor=f"Contoh {number % 7}")


def pages(last: str) -> Iterator[tuple[str, str]]:
    yield "the first page", "/maintenance"
    yield "a page in the middle", f"/maintenance?{last}"
    yield "by part of a label", "/maintenance?q=contoh+77777"
    yield "by a label that nobody has", "/maintenance?q=nobody"
    yield "by the start of a number", f"/maintenance?q={id_of(77_777).hex()[:10]}"
    yield "only with a case", "/maintenance?open=1"
    yield "by registration", "/maintenance?state=suspended"
    yield "by registration, none", "/maintenance?state=stolen"
    yield "by battery", "/maintenance?battery=10"
    yield "by battery, none", "/maintenance?battery=1"
    yield "by silence, none", "/maintenance?silent=720"
    yield "by firmware, none", "/maintenance?version=1.2.0"
    yield "by SIM card, none", "/maintenance?sim=lapsed"
    yield "by station, none", "/maintenance?station=polsek-x"
    yield "one button", f"/maintenance/buttons/{id_of(700).hex()}"
    yield "what installers did", "/maintenance/work"
    yield "what one of them did", "/maintenance/work?who=Contoh+3"


def slowest(look: Callable[[], object]) -> float:
    """Of this process's processor time, ms."""
    times = [look_s(look, time.process_time) for _ in range(LOOKS)]
    return max(times) * 1000


def quickest(look: Callable[[], object]) -> float:
    """Of wall time, ms: whatever else runs on the machine is in it, or not."""
    return min(look_s(look, time.perf_counter) for _ in range(LOOKS)) * 1000


def look_s(look: Callable[[], object], now: Callable[[], float]) -> float:
    begun = now()
    look()
    return now() - begun


def measure(engine: str, store: SqlStore, how: Callable[[Callable[[], object]], float]) -> None:
    bell, clock, now = FakeBell(), RunningClock(), time.process_time
    desk = MaintenanceCases(store, bell, clock, WANTED)
    options = ConsoleOptions(SITE, Mode.EXERCISE, "id", b"k" * 32)
    browser = TestClient(on_book(Book(bell), bell, clock, options, desk), base_url=ORIGIN, headers={"Origin": ORIGIN})
    assert browser.post("/sign-in", data={"name": OPERATOR}).status_code == 200
    middle = store.watched(text="Kantor", limit=1)[0].device
    last = f"label={middle.label.replace(' ', '+')}&after={middle.device_id.hex()}"

    def get(path: str) -> None:
        answer = browser.get(path)
        assert answer.status_code == 200, answer.text[:500]

    for name, path in pages(last):
        say(f"{engine}: {name}", how(lambda path=path: get(path)), "ms", wanted=WISH)  # type: ignore[misc]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, size = now(), 0
    with browser.stream("GET", "/maintenance.csv") as answer:
        first = None
        for part in answer.iter_bytes():
            first = first if first is not None else now() - begun
            size += len(part)
    say(f"{engine}: the file of all buttons, first part", (first or 0) * 1000, "ms", wanted=WISH)
    say(f"{engine}: the file of all buttons, whole", now() - begun, "s")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    say(f"{engine}: memory for it, beyond the file of {size >> 20} MB", max(0.0, grown / 1024), "MB", wanted="under 50")
    browser.close()


def main() -> None:
    now_ms = time.time_ns() // 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        store = SqlStore(store_path(Path(folder)), now_ms)
        fill(store, now_ms)
        measure("SQLite", store, slowest)
        store.close()
    server = PostgresServer(settings={"shared_buffers": "256MB"}).start()
    with tempfile.TemporaryDirectory() as folder:
        try:
            keys = KeyFile(Path(folder) / FILE_NAME)
            conninfo = server.new_store()
            store = SqlStore(Postgres(conninfo), now_ms, keys)
            fill(store, now_ms)
            server.execute("ANALYZE", conninfo.rpartition("/")[2])  # as autovacuum does
            measure("PostgreSQL", store, quickest)
            store.close()
        finally:
            server.remove()


if __name__ == "__main__":
    main()
