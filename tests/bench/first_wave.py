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
from collections import Counter
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from calling import Calls
from routing import COLUMNS, ROWS, SIDE, SOUTH, WEST, area, place, stations
from telling import say

from databases import held_keys
from gateway import sample_store
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.ways.http_way import HttpService, HttpWay
from siaga_gateway.bootstrap.ways import _NTFY, _TELEGRAM, _WHATSAPP
from siaga_gateway.domain.folding import FEW, FOLDED_STATIONS, WINDOW_MS
from siaga_gateway.domain.incident import Incident, IncidentState, Position
from siaga_gateway.domain.notification import Notification, NotificationState, whose
from siaga_gateway.domain.places import Contact, ContactWay
from siaga_gateway.domain.responders import Responder, ResponderKind, ResponderPosition
from siaga_gateway.domain.shifts import DutyState, SelfDeclared
from siaga_gateway.domain.value import copied
from siaga_gateway.domain.way_proof import ProvenWay
from siaga_gateway.formats.ntfy import NtfyFormat
from siaga_gateway.service.dispatch.pacing import Pacing
from siaga_gateway.service.dispatch.ways import Budget
from siaga_gateway.service.ingest.worker import _SWITCH_S
from siaga_gateway.service.journal import kinds as journal
from waiting import eventually

RESPONDERS = 5_000
PRESSES = 200
AT_ONCE = 1_000


def serve(line: Connection) -> None:
    """Take messages; asked by any word, tell which came since, and when: [(incident, monotonic), ...]."""
    number = re.compile(rb"siaga\.test-(\d+)\.")
    came: list[tuple[int, float]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body at once: else each answer waits 40 ms for the acknowledgement of its head

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found = number.search(body)
            came.append((int(found[1]) if found else 0, time.monotonic()))
            answer = json.dumps({"id": "a", "event": "message"}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    line.send(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while line.recv():
        count = len(came)
        line.send(came[:count])
        del came[:count]


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
        self.calls = Calls(self.store, way, self.clock)
        self.came: dict[int, list[float]] = {}
        self.calls.start()

    def _fill(self) -> None:
        now_ms = self.clock.now_ms()
        topics = (Contact(ContactWay.NTFY, "station"),)
        with self.store.transaction() as transaction:
            transaction.change_places()
            # The leading desk is told of many calls in one message, which waits by design: it is not measured here.
            listed = [
                copied(each, contacts=() if each.kind in FOLDED_STATIONS else topics) for each in stations(self.drawn)
            ]
            transaction.put_stations(listed)
            transaction.put_areas([area(column, row) for column in range(COLUMNS) for row in range(ROWS)])
        people = [f"r{number}" for number in range(RESPONDERS)]
        with self.store.transaction() as transaction:
            transaction.change_responders()
            proven = (ProvenWay(Contact(ContactWay.NTFY, "officer"), now_ms),)
            transaction.put_responders(
                [Responder(key, ResponderKind.OFFICER, "Contoh", "s1", ways=proven) for key in people]
            )
            for key in people:
                where = SOUTH + self.drawn.randrange(ROWS * SIDE), WEST + self.drawn.randrange(COLUMNS * SIDE)
                transaction.put_position(ResponderPosition(key, *where, 10, now_ms, True, now_ms))
                transaction.declare(SelfDeclared(key, DutyState.ON_DUTY, now_ms, now_ms + 3_600_000))

    def hear(self) -> None:
        """Ask what has come. Only at the end of a measurement: hearing of each message would be measured as well."""
        self.line.send("which?")
        for incident_id, came in self.line.recv():
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
        self.calls.waves.wake()
        return made, stored

    def handed_over(self, incident: Incident) -> bool:
        rows = self.store.notifications_of(incident.id)
        return bool(rows) and all(row.state is not NotificationState.PENDING for row in rows)

    def wait(self, incidents: list[Incident], deadline_s: float) -> None:
        for incident in incidents:
            what = f"incident {incident.id} is told"
            eventually(partial(self.handed_over, incident), what, timeout_s=deadline_s, longest_pause_s=0.05)
        self.hear()


def one_by_one(rows: list[Notification], before: list[Notification]) -> tuple[list[Notification], list[Notification]]:
    """Return those that were told by themselves, and those that waited to be told with others, by design: what somebody
    got beyond a few, also where in the end one was left. before: what they had been told in the minute before."""
    single, folded, had = [], [], Counter(row.recipient for row in before)
    for row in sorted(rows, key=lambda row: row.attempted_ms or 0):
        had[row.recipient] += 1
        together = re.search(r"\(\d+ in \S+\)$", row.detail or "") is not None
        people = row.is_responder and had[row.recipient] > FEW
        (folded if together or people else single).append(row)
    return single, folded


def last_leaves_s(people: list[str], budget: Budget) -> float:
    """Return when the last of these first notices leaves by a service with this budget, were none of them to expire."""
    pacing, now_ms, nth = Pacing(budget), 0, Counter[str]()
    turns: list[tuple[int, str]] = []
    for person in people:
        nth[person] += 1
        turns.append((nth[person], person))
    for _, person in sorted(turns, key=lambda turn: turn[0]):  # nobody's second before another's first
        now_ms += pacing.wait_ms(person, now_ms, first=True)
        pacing.begun(person, now_ms)
    return now_ms / 1000


def main() -> None:
    sys.setswitchinterval(_SWITCH_S)  # as in the gateway
    here, there = multiprocessing.Pipe()
    service = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    service.start()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), here)
        took, messages, before = [], 0, list[Notification]()
        for number in range(PRESSES):
            (incident,), stored = bench.press(1, 100 + number)
            bench.wait([incident], 30)
            came = bench.came[incident.id]
            took.append((max(came) - stored) * 1000)
            messages += len(came)
            before += bench.store.notifications_of(incident.id)
        took.sort()
        say("first wave: people and stations told of a press, mean", messages / PRESSES, "messages")
        say("first wave: from stored to the last byte, p50", took[len(took) // 2], "ms", wanted="under 100")
        say("first wave: from stored to the last byte, p99", took[len(took) * 99 // 100], "ms", wanted="under 500")
        incidents, stored = bench.press(AT_ONCE, 10_000)
        bench.wait(incidents, 120)
        rows = [row for each in incidents for row in bench.store.notifications_of(each.id)]
        began_ms = incidents[0].opened_at_ms
        since_ms = began_ms - WINDOW_MS
        single, folded = one_by_one(rows, [row for row in before if (row.attempted_ms or 0) > since_ms])
        for what, told, wanted in (("told one by one", single, "under 10"), ("told in folded messages", folded, None)):
            took_s = [((row.attempted_ms or 0) - began_ms) / 1000 for row in told]
            say(f"first wave: of 1,000 calls at once, {what}", len(took_s), "recipients")
            say(f"first wave: of 1,000 calls at once, the last {what}", max(took_s, default=0.0), "s", wanted=wanted)
        first = sorted(min(bench.came.get(each.id, [stored])) - stored for each in incidents)
        say("first wave: of 1,000 calls at once, somebody told of the last", first[-1], "s")
        say(
            "first wave: of 1,000 calls at once",
            sum(len(bench.came.get(each.id, ())) for each in incidents),
            "messages",
        )
        people = [whose(row.recipient) for row in rows]
        for name, budget in (("ntfy.sh", _NTFY), ("Telegram", _TELEGRAM), ("WhatsApp", _WHATSAPP)):
            what = f"first wave: of 1,000 calls at once, the last would leave by {name}"
            say(what, last_leaves_s(people, budget), "s")
        bench.calls.stop()
        bench.store.close()
    service.terminate()


if __name__ == "__main__":
    main()
