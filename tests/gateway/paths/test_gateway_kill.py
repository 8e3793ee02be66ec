"""The gateway killed at 50 random moments while buttons press: each press stored once, dispatched under one key."""

from __future__ import annotations

import http.server
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import embedded_broker
from gateway.enrolled_devices import enrolled_buttons
from gateway.kept_frames import check_kept
from gateway.stubborn_buttons import Crowd, answers
from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.store import DeliveryState
from system.running_gateway import Gateway
from waiting import ENDS_S, eventually

KILLS = 50
CROWDS, BUTTONS_EACH = 4, 6
SEED = 2026


class Receiver:
    """A CAD that takes every message, remembers it by key, and is sometimes slow."""

    def __init__(self) -> None:
        self.bodies: defaultdict[str, list[bytes]] = defaultdict(list)
        chance = random.Random(SEED)
        lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # the sender was killed in the middle: nothing was received
                with lock:
                    outer.bodies[self.headers["webhook-id"]].append(body)
                if chance.random() < 0.05:
                    time.sleep(0.1)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                pass  # the sender was killed

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.mark.timeout(3600)  # fifty gateways, one after the other
def test_fifty_kills_lose_no_press_and_dispatch_each_under_one_key(tmp_path: Path, receiver: Receiver) -> None:
    chance = random.Random(SEED)
    with embedded_broker() as broker_port:
        gateway = Gateway(tmp_path / "gateway", broker_port, receiver.port)
        buttons = enrolled_buttons(gateway.data, CROWDS * BUTTONS_EACH)
        crowds = [
            Crowd(broker_port, buttons[n * BUTTONS_EACH : (n + 1) * BUTTONS_EACH], pause_s=0.05, seed=n)
            for n in range(CROWDS)
        ]
        try:
            for crowd in crowds:
                crowd.start()
            start_s = 0.1  # how long the last one took, however slow the machine is
            for kill in range(KILLS):
                gateway.launch()
                answered, launched = answers(crowds), time.monotonic()
                if kill % 5:  # in the midst of presses; every fifth time anywhere in the start
                    eventually(lambda before=answered: answers(crowds) > before, "a press is answered")
                    start_s = time.monotonic() - launched
                    enough = answered + chance.randint(4, 8)
                    eventually(lambda enough=enough: answers(crowds) >= enough, "more are answered")
                    time.sleep(chance.random() * 0.3)
                else:
                    time.sleep(chance.random() * 1.5 * start_s)
                gateway.kill()
            gateway.start()
            for crowd in crowds:
                crowd.finish(ENDS_S)
            store = SqlStore(store_path(gateway.data), 0)
            eventually(lambda: not store.pending("cad"), "the outbox is empty")
            gateway.stop()
        finally:
            gateway.kill()

    ours = {one.button.device_id: one for crowd in crowds for one in crowd.buttons}
    presses = {(device_id, counter) for device_id, one in ours.items() for counter in one.presses}
    assert len(presses) > 2 * KILLS, "too few presses to mean anything"

    sent = {(device_id, n): frame for device_id, one in ours.items() for n, frame in one.sent.items()}
    rows = check_kept(store, sent)
    # Every press is in the journal of an incident, once.
    noted = [
        (entry.device_id, entry.facts["counter"])
        for entry in store.journal_after(0, 1_000_000)
        if entry.kind in (journal.INCIDENT_OPENED, journal.PRESSED_AGAIN)
    ]
    assert sorted(noted) == sorted(presses)
    assert len(store.open_incidents()) == len([one for one in ours.values() if one.presses])
    # Each was dispatched at least once, and every repetition is the same message under the same key.
    deliveries = store.deliveries(limit=1_000_000)
    told = [one for one in deliveries if one.change in ("opened", "pressed_again")]
    assert len(told) == len(presses)
    assert {one.state for one in deliveries} == {DeliveryState.DELIVERED}
    assert set(receiver.bodies) == {one.key for one in deliveries}
    for bodies in receiver.bodies.values():
        assert len({json.dumps(json.loads(body), sort_keys=True) for body in bodies}) == 1
    repeated = sum(len(bodies) > 1 for bodies in receiver.bodies.values())
    stderr = gateway.stderr()
    assert "Traceback" not in stderr, stderr[-3000:]
    store.close()
    print(f"{len(presses)} presses, {rows} frames, {len(deliveries)} messages, {repeated} sent more than once")
