"""What stands behind the buttons of the scenarios: brokers, the gateway's own process, a LoRaWAN network server, a
message centre, a registrar and an operator. One for many scenarios, as in life; each has a button of its own."""

from __future__ import annotations

import datetime
import itertools
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Self

import httpx
from paho.mqtt.enums import CallbackAPIVersion

from brokers import Mosquitto, free_port, wait_until_open
from firmware.broker_certificates import DAY, Authority
from firmware.bundle_server import BundleServer
from micropython import environment, micropython
from siaga_gateway.adapters.clock import WallClock
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.adapters.sql.store import FILE_NAME, SqlStore
from siaga_gateway.domain.device_report import Status
from siaga_gateway.domain.registry import RegistrationState
from siaga_gateway.service.registry.enrol import NewOwner, Registrar
from siaga_tools.silicon.network_server import NetworkServer
from siaga_tools.simulate.flash_image import BLOCKS
from system.running_gateway import Gateway
from waiting import ENDS_S, RUNS_S

GATEWAY_NUMBER = "+6281100000110"
SERVER = "localhost"  # the name in the broker's certificate
ACTOR = "scenario"
LIST_OUTBOX = Path(__file__).resolve().parent / "on_button" / "list_outbox.py"
# What an operator's form says at each step.
FORMS = {
    "seen": {},
    "assign": {"unit": "Patroli 12", "eta": "6"},
    "on-scene": {},
    "close": {"disposition": "verified", "note": "scenario"},
}


class Installation:
    """folder: where everything is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sms = folder / "sms"
        authority = Authority("Siaga scenario CA")
        self.authority = authority.pem
        self.port, self.tls_port, self.renewed_port = free_port(), free_port(), free_port()
        plain = f"listener {self.port} 127.0.0.1"
        certificates = folder / "certificates"
        tls = [f"listener {self.tls_port} 127.0.0.1", *authority.issue(certificates, SERVER)]
        tomorrow = datetime.datetime.now(datetime.UTC) + DAY
        renewed = authority.issue(folder / "renewed", SERVER, begins=tomorrow, ends=tomorrow + 90 * DAY)
        tls += [f"listener {self.renewed_port} 127.0.0.1", *renewed]
        self._server_pem = certificates / "server.pem"
        self._server_pem.write_text("".join((certificates / f"broker.{part}").read_text() for part in ("pem", "key")))
        self.broker = Mosquitto(folder / "broker", plain, "allow_anonymous true", *tls, port=self.port)
        self.lorawan_broker = Mosquitto(folder / "lorawan")
        self.downlinks: list[tuple[str, bytes]] = []
        self._buttons = itertools.count(1)
        self._stack = ExitStack()
        self._down = threading.Event()

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        enter(self.broker)
        enter(self.lorawan_broker)
        inbox = self.sms / "outgoing" / GATEWAY_NUMBER.removeprefix("+")
        for each in (inbox, self.sms / "incoming"):
            each.mkdir(parents=True)
        self.gateway = Gateway(self.folder / "gateway", self.port)
        with self.gateway.config.open("a", encoding="utf-8") as config:
            config.write(
                f'\n[lorawan]\nnetwork = "chirpstack"\nport = {self.lorawan_broker.port}\n'
                f'\n[sms]\nspool = "smstools"\ninbox = "{inbox}"\noutbox = "{self.sms}/incoming"\n'
            )
        enter(self.gateway)
        self.public_hex = self.gateway.public_hex
        self.network = enter(NetworkServer("127.0.0.1", self.lorawan_broker.port))
        self.store = SqlStore(self.gateway.data / FILE_NAME, time.time_ns() // 1_000_000)
        self._stack.callback(self.store.close)
        self._client = PahoClient(CallbackAPIVersion.VERSION2, client_id="scenario")
        self._client.on_connect = lambda client, *_: client.subscribe("siaga/v1/down/#", qos=1)
        self._client.on_subscribe = lambda *_: self._down.set()
        self._client.on_message = lambda _client, _user, said: self.downlinks.append((said.topic, bytes(said.payload)))
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        self._stack.callback(self._client.loop_stop)
        self._stack.callback(self._client.disconnect)
        assert self._down.wait(ENDS_S), "no subscription at the broker"
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def releases(self) -> BundleServer:
        """A server for firmware, with the certificate that the broker has."""
        return BundleServer(certificate=self._server_pem)

    def number(self) -> int:
        """Of the next button."""
        return next(self._buttons)

    def reset(self) -> None:
        """Whatever the last scenario left switched off is there again, and nobody's messages lie about."""
        if self.broker.process is None:
            self.broker.start()
        self.broker.process.send_signal(signal.SIGCONT)
        if self.gateway.process is None:
            self.gateway.start()
        for file in (self.sms / "incoming").iterdir():
            file.unlink()
        self.downlinks.clear()

    # The registrar and the operator.

    def calls(self, device_id: str) -> bool:
        """Whether it waits in the quarantine with its key proven."""
        stranger = self.store.stranger(bytes.fromhex(device_id))
        return stranger is not None and stranger.enrol_frame is not None

    def enrol(self, enrol_frame: str, number: int) -> None:
        """As `siaga gateway owner add` and `siaga gateway enrol`, beside the running gateway."""
        registrar = Registrar(self.store, WallClock())
        owner = registrar.add_owner(
            NewOwner("Contoh Wati", f"99{number:014d}", "+620000000001", "Jl. Contoh 1"), actor=ACTOR
        )
        registrar.enrol(owner.id, actor=ACTOR, label=f"Toko Contoh {number}", frame=bytes.fromhex(enrol_frame))

    def registration(self, device_id: str, state: str) -> None:
        registrar = Registrar(self.store, WallClock())
        registrar.set_state(bytes.fromhex(device_id), RegistrationState(state), actor=ACTOR, reason="scenario")

    def operate(self, incident: int, step: str) -> None:
        """What the operator does on the console."""
        url = self.gateway.console
        # No list of authorities is read for plain HTTP.
        plain = httpx.Client(
            base_url=url, headers={"origin": url.rstrip("/")}, trust_env=False, verify=False, timeout=ENDS_S
        )
        with plain as console:
            assert console.post("/sign-in", data={"name": "Siti"}).status_code == 303
            done = console.post(f"/incidents/{incident}/{step}", data=FORMS[step])
            assert done.status_code < 400, f"the console refused {step}: HTTP {done.status_code}"

    # The broker.

    def replace_broker(self) -> None:
        """The broker's disk is lost: the new one at its address knows nobody."""
        self.broker.kill()
        for kept in (self.folder / "broker").glob("*.db*"):
            kept.unlink()
        self.broker.start()
        wait_until_open(self.tls_port)

    def publish(self, topic: str, payload: bytes) -> None:
        """Whoever has got into the broker."""
        self._client.publish(topic, payload, qos=1).wait_for_publish(ENDS_S)

    # The gateway's store, read by other eyes than the gateway's.

    def rows(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        with closing(
            sqlite3.connect(f"file:{self.gateway.data / FILE_NAME}?mode=ro", uri=True, timeout=ENDS_S)
        ) as store:
            store.row_factory = sqlite3.Row
            return [dict(row) for row in store.execute(statement, parameters)]

    def incidents(self, device_id: str) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM incident WHERE device_id = ? ORDER BY id", bytes.fromhex(device_id))

    def health(self, device_id: str) -> Status | None:
        """Return what its latest check-in says of it."""
        rows = self.rows("SELECT health FROM device_status WHERE device_id = ?", bytes.fromhex(device_id))
        return Status.from_body(rows[0]["health"]) if rows and rows[0]["health"] is not None else None

    def events(self, device_id: str) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM event WHERE device_id = ? ORDER BY counter", bytes.fromhex(device_id))

    def journal(self, device_id: str) -> list[dict[str, Any]]:
        return self.rows(
            "SELECT * FROM journal WHERE device_id = ?1"
            " OR incident_id IN (SELECT id FROM incident WHERE device_id = ?1) ORDER BY id",
            bytes.fromhex(device_id),
        )

    def journal_since(self, at_ms: int) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM journal WHERE at_ms >= ? ORDER BY id", at_ms)


def outbox(image: Path) -> list[tuple[int, int]]:
    """Counter and kind of the frames that wait on a button's flash, read as its firmware would; a signature that is
    only owed has 100 more as its kind."""
    done = subprocess.run(
        [micropython(), str(LIST_OUTBOX), str(image), str(BLOCKS)],
        capture_output=True,
        text=True,
        timeout=RUNS_S,
        env=environment(),
        check=True,
    )
    return [(int(counter), int(kind)) for counter, kind in map(str.split, done.stdout.splitlines())]
