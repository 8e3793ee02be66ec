"""From a press in the store to the last byte of its first wave at a service, among 10,000 stations, 500 areas and 5,000
officers on duty with a live position; and 1,000 calls at once. The service is a local one, in a process of its own.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import re
import sys
import tempfile
import threading
import time
from datetime import timedelta, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from routing import COLUMNS, ROWS, SIDE, SOUTH, WEST, area, place, stations
from telling import say

from databases import held_keys
from gateway import sample_store
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.ways.http_way import HttpService, HttpWay
from siaga_gateway.domain.escalation_settings import Ladder
from siaga_gateway.domain.incident import Incident, IncidentState, Position
from siaga_gateway.domain.local_time import LocalTime
from siaga_gateway.domain.notification import NotificationState
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder, ResponderKind, ResponderPosition
from siaga_gateway.domain.shifts import DutyState, SelfDeclared
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.formats.ntfy import NtfyFormat
from siaga_gateway.service.dispatch.addresses import ListedAddresses
from siaga_gateway.service.dispatch.alarm_levels import AlarmLevels
from siaga_gateway.service.dispatch.call_messages import CallMessages
from siaga_gateway.service.dispatch.duty import Duty
from siaga_gateway.service.dispatch.notification_sender import LONGEST_TRY_S, NotificationSender
from siaga_gateway.service.dispatch.origins import Origins
from siaga_gateway.service.dispatch.people import DutyPeople
from siaga_gateway.service.dispatch.recipients import Recipients
from siaga_gateway.service.dispatch.routing import Router
from siaga_gateway.service.dispatch.wave_plan import WavePlanner
from siaga_gateway.service.dispatch.waves import LONGEST_S, Waves
from siaga_gateway.service.dispatch.ways import Budget
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.scheduling.lease import Lease
from waiting import eventually

RESPONDERS, RADIUS_M = 5_000, 5_000
PRESSES, EVERY_S = 200, 0.25
AT_ONCE = 1_000
WIB = timezone(timedelta(hours=7))
# The ladder goes no further while it is measured: only the first rung counts.
LADDER = copied(Ladder("bench"), rungs=Ladder("bench").rungs[:1], again_s=(60,), desk_s=60)


def serve(line: Connection) -> None:
    """Take messages, and tell when each came: (incident, monotonic)."""
    number = re.compile(rb"siaga\.test-(\d+)\.")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came = time.monotonic()
            found = number.search(body)
            answer = json.dumps({"id": "a", "event": "message"}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            line.send((int(found[1]) if found else 0, came))

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    line.send(server.server_address[1])
    server.serve_forever()


class Bench:
    def __init__(self, folder: Path, line: Connection) -> None:
        self.drawn = random.Random(11)
        self.line = line
        port = line.recv()
        self.clock = WallClock()
        self.store = SqlStore(folder / "siaga.db", self.clock.now_ms(), held_keys())
        sample_store.with_device(self.store)
        self.like = sample_store.open_incident(self.store, 1)
        with self.store.transaction() as transaction:
            transaction.put_incident(copied(self.like, state=IncidentState.CLOSED, closed_at_ms=self.clock.now_ms()))
        self._fill()
        way = HttpWay(
            "ntfy",
            ContactWay.NTFY,
            HttpService([f"http://127.0.0.1:{port}"]),
            NtfyFormat(f"http://127.0.0.1:{port}"),
            budget=Budget(),
            clock=self.clock,
            language="id",
            deadline_s=10,
            at_once=16,
            repeats_recognised=True,
        )
        router, duty, origins = Router(self.store, WIB, 100), Duty(self.store, WIB), Origins(self.store)
        messages = CallMessages(self.store, router, origins.of, LocalTime(WIB), self.clock)
        self.sender = NotificationSender(
            self.store,
            [way],
            ListedAddresses(router, duty, "id"),
            messages.message,
            JournalNotifier(),
            self.clock,
            Lease(self.store, "way", "bench", LONGEST_TRY_S),
        )
        recipients = Recipients(router, origins.of, DutyPeople(duty, RADIUS_M))
        self.waves = Waves(
            self.store,
            WavePlanner(self.store, recipients, lambda i, n: LADDER, AlarmLevels(self.store), [ContactWay.NTFY]),
            JournalNotifier(),
            self.clock,
            Lease(self.store, "waves", "bench", LONGEST_S),
            self.sender.wake,
        )
        recipients.ready()
        duty.warm()
        self.came: dict[int, list[float]] = {}
        threading.Thread(target=self._hear, daemon=True).start()
        self.sender.start()
        self.waves.start()

    def _fill(self) -> None:
        now_ms = self.clock.now_ms()
        topics = (Contact(ContactWay.NTFY, "station"),)
        with self.store.transaction() as transaction:
            transaction.change_places()
            transaction.put_stations([copied(each, contacts=topics) for each in stations(self.drawn)])
            transaction.put_areas([area(column, row) for column in range(COLUMNS) for row in range(ROWS)])
        people = [f"r{number}" for number in range(RESPONDERS)]
        with self.store.transaction() as transaction:
            transaction.change_responders()
            ways = (ProvenWay(Contact(ContactWay.NTFY, "officer"), now_ms),)
            transaction.put_responders(
                [Responder(key, ResponderKind.OFFICER, "Contoh", "s1", ways=ways) for key in people]
            )
            for key in people:
                where = SOUTH + self.drawn.randrange(ROWS * SIDE), WEST + self.drawn.randrange(COLUMNS * SIDE)
                transaction.put_position(ResponderPosition(key, *where, 10, now_ms, True, now_ms))
                transaction.declare(SelfDeclared(key, DutyState.ON_DUTY, now_ms, now_ms + 3_600_000))

    def _hear(self) -> None:
        while True:
            try:
                incident_id, came = self.line.recv()
            except EOFError:
                return
            self.came.setdefault(incident_id, []).append(came)

    def press(self, count: int, first: int) -> tuple[list[Incident], float]:
        """Returns the incidents, and when they were stored."""
        made, now_ms = [], self.clock.now_ms()
        for number in range(first, first + count):
            position = Position(*place(self.drawn), 10, 0, "gnss", now_ms)
            identifier = f"siaga.test-{number}.{self.store.name}"
            made.append(copied(self.like, id=number, identifier=identifier, position=position, opened_at_ms=now_ms))
        with self.store.transaction() as transaction:
            for incident in made:
                transaction.put_incident(incident)
                transaction.note(journal.INCIDENT_OPENED, self.clock.now_ms(), {}, incident_id=incident.id)
        stored = time.monotonic()
        self.waves.wake()
        return made, stored

    def handed_over(self, incident: Incident) -> bool:
        rows = self.store.notifications_of(incident.id)
        return bool(rows) and all(row.state is not NotificationState.PENDING for row in rows)

    def wait(self, incidents: list[Incident], deadline_s: float) -> None:
        for incident in incidents:
            what = f"incident {incident.id} is told"
            eventually(partial(self.handed_over, incident), what, timeout_s=deadline_s, longest_pause_s=0.05)
        time.sleep(0.2)  # the last of the service's reports


def main() -> None:
    here, there = multiprocessing.Pipe()
    service = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    service.start()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), here)
        took, messages = [], 0
        for number in range(PRESSES):
            (incident,), stored = bench.press(1, 100 + number)
            bench.wait([incident], 30)
            came = bench.came[incident.id]
            took.append((max(came) - stored) * 1000)
            messages += len(came)
        took.sort()
        say("first wave: people and stations told of a press, mean", messages / PRESSES, "messages")
        say("first wave: from stored to the last byte, p50", took[len(took) // 2], "ms", wanted="under 100")
        say("first wave: from stored to the last byte, p99", took[len(took) * 99 // 100], "ms", wanted="under 500")
        incidents, stored = bench.press(AT_ONCE, 10_000)
        bench.wait(incidents, 120)
        last = max(max(bench.came[each.id]) for each in incidents) - stored
        first = sorted(min(bench.came[each.id]) - stored for each in incidents)
        say("first wave: of 1,000 calls at once, all told", last, "s", wanted="under 10")
        say("first wave: of 1,000 calls at once, somebody told of the last", first[-1], "s")
        say("first wave: of 1,000 calls at once", sum(len(bench.came[each.id]) for each in incidents), "messages")
        bench.waves.stop()
        bench.sender.stop()
        bench.store.close()
    service.terminate()


if __name__ == "__main__":
    main()
