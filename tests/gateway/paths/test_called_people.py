"""A press reaches the phones of those whose turn it is, through a real gateway, until somebody at a desk answers."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bare_mqtt import BareClient
from brokers import embedded_broker
from gateway.enrolled_devices import enrolled_buttons
from gateway.fake_ports import RunningClock, SentAnswers
from gateway.outputs.http_receiver import Handler, Receiver, answer
from pressing_button import PressingButton, at
from siaga_gateway.adapters.sql import SqlStore
from siaga_gateway.adapters.sql.store import store_path
from siaga_gateway.domain.frame_authentication import GatewayKey
from siaga_gateway.service.incidents.operator_actions import IncidentActions
from siaga_gateway.service.journal import kinds as journal
from siaga_gateway.service.journal.notifier import JournalNotifier
from siaga_gateway.service.registry.keyring import KeyRing
from system.running_gateway import Gateway
from waiting import eventually

STATIONS = """kunci;jenis;nama;induk;lintang;bujur;ntfy;telepon
polda;polda;Polda Contoh;;-5,00;105,90;polda;+62721000001
polres-a;polres;Polres Contoh;polda;-5,41;105,25;polres-a;+62721000002
polsek-a;polsek;Polsek Barat;polres-a;-5,42;105,26;polsek-a;+62721000003
polsek-b;polsek;Polsek Timur;polres-a;-5,45;105,40;polsek-b;
"""
LADDER = """
[dispatch.ladder]
desk_s = 60
[[dispatch.ladder.rungs]]
name = "stations"
after_s = 0
lists = ["stations", "desk"]
[[dispatch.ladder.rungs]]
name = "region"
after_s = 4
lists = ["region"]
[[dispatch.ladder.rungs]]
name = "everyone"
after_s = 60
lists = ["everyone"]
"""


class Called:
    """A gateway with four stations that have ntfy, the server of which says what came."""

    def __init__(self, folder: Path, broker: int, server: Receiver) -> None:
        self.gateway = Gateway(folder, broker)
        self.server = server
        self.broker = broker
        with self.gateway.config.open("a", encoding="utf-8") as config:
            config.write(
                f'\n[[ways]]\nname = "ntfy"\nkind = "ntfy"\nurl = "http://127.0.0.1:{server.port}"\n'
                f"burst = 60\n{LADDER}"
            )
        lists = folder / "stations.csv"
        lists.write_text(STATIONS, encoding="utf-8")
        self.gateway.command("stations", "import", str(lists), "--by", "Dewi")
        (self.button,) = enrolled_buttons(self.gateway.data, 1)

    def press(self, button: PressingButton | None = None) -> None:
        button = button or self.button
        with BareClient(self.broker) as client:
            client.connect(None, None)
            client.publish(f"siaga/v1/up/{button.device_id.hex()}", button.press(int(time.time()), **at()))

    def topics(self) -> list[str]:
        return [str(json.loads(request.body)["topic"]) for request in self.server.requests]

    def operator(self) -> IncidentActions:
        """Another process at the same store, as a console's is."""
        store = SqlStore(store_path(self.gateway.data), RunningClock().now_ms())
        keyring = KeyRing(store, GatewayKey.generate())
        return IncidentActions(store, keyring, SentAnswers(), JournalNotifier(), RunningClock(), outputs=[])


@pytest.fixture
def called(tmp_path: Path) -> Iterator[Called]:
    with embedded_broker() as port, Receiver(_taken) as server:
        yield Called(tmp_path / "gateway", port, server)


def _taken(handler: Handler) -> None:
    answer(200, body=json.dumps({"id": "abc", "event": "message"}).encode())(handler)


def test_a_press_calls_its_stations_then_climbs_until_a_desk_answers(called: Called) -> None:
    with called.gateway as gateway:
        called.press()
        eventually(lambda: {"polres-a", "polsek-a", "polsek-b"} <= set(called.topics()), "the first rung")
        assert "polda" not in called.topics()
        first = json.loads(called.server.requests[0].body)
        assert first["priority"] == 5 and "Polsek Barat" in first["title"] and "WIB" in first["message"]
        told = json.dumps([json.loads(request.body) for request in called.server.requests])
        assert "Wati" not in told, "the holder's name is nobody's lock screen's business"
        eventually(lambda: "polda" in called.topics(), "the second rung, after 4 s")
        called.operator().seen(1, "Siti")
        eventually(lambda: _phase(gateway) == "acknowledged", "the ladder rests")
        sent = len(called.topics())
        assert len(called.topics()) == len(set(called.topics())) == sent == 4, "each once"
        kinds = gateway.kinds()
        assert kinds.count(journal.CALLED) == 2
        assert journal.ESCALATION_FAULTY not in kinds


def test_a_gateway_that_was_killed_in_the_midst_of_a_call_goes_on_with_it(called: Called) -> None:
    gateway = called.gateway.start()
    try:
        called.press()
        eventually(lambda: len(set(called.topics())) == 3, "the first rung")
        gateway.kill()
        gateway.start()
        eventually(lambda: "polda" in called.topics(), "the second rung")
        assert gateway.kinds().count(journal.CALLED) == 2, "the first was not called anew"
    finally:
        gateway.stop()


def _phase(gateway: Gateway) -> str:
    with sqlite3.connect(f"file:{store_path(gateway.data)}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT phase FROM escalation").fetchall()
    connection.close()
    return str(rows[0][0]) if rows else ""
