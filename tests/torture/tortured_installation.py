"""A whole installation to be tortured: broker, gateway, its store, receivers, and what is around them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import psycopg
from parts import Part, ServiceManager
from surroundings import Cable, Disk

from brokers import Mosquitto, free_port, wait_until_open
from databases import PostgresServer
from fake_time import ProcessClock
from gateway.outputs.http_receiver import Behaviour, Handler, Received, Receiver, answer
from siaga_gateway.adapters.files.gateway_key import read_key
from siaga_gateway.adapters.sql import SqlStore, open_store
from siaga_gateway.config.loading import load
from siaga_tools.load.connection import Broker
from siaga_tools.load.fleet import Fleet, write_registrations
from system.running_gateway import SIAGA, Gateway
from waiting import ENDS_S, eventually


class Cad:
    """The receiver of the webhook: remembers every message. It can misbehave, and go away, its port with it."""

    def __init__(self) -> None:
        self._requests: list[Received] = []
        self._behaviour: Behaviour = answer(204)
        self._receiver = Receiver(self._answer, requests=self._requests)
        self._receiver.__enter__()
        self.port = self._receiver.port

    def _answer(self, handler: Handler) -> None:
        self._behaviour(handler)

    @contextlib.contextmanager
    def behaving(self, behaviour: Behaviour) -> Iterator[None]:
        """It takes each message, and answers so."""
        before, self._behaviour = self._behaviour, behaviour
        try:
            yield
        finally:
            self._behaviour = before

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens there: connections are refused."""
        self.close()
        try:
            yield
        finally:
            self._receiver = Receiver(self._answer, requests=self._requests, wanted_port=self.port)
            self._receiver.__enter__()

    def messages(self) -> dict[str, Counter[str]]:
        """By key: each different body that came under it, and how often."""
        found: dict[str, Counter[str]] = {}
        for request in list(self._requests):
            if len(request.body) == int(request.headers["content-length"]):  # else its sender died in the middle
                event = json.loads(request.body)
                if event["type"].startswith("id.siaga.incident."):  # not of the gateway itself
                    found.setdefault(request.headers["webhook-id"], Counter())[json.dumps(event, sort_keys=True)] += 1
        return found

    def close(self) -> None:
        self._receiver.__exit__(None, None, None)


class Installation:
    """Everything runs while it is entered. `gateway`, `broker`, `database`: the parts; `cap`: the folder of the second
    output. `engine`: sqlite or postgresql; only the second lets several workers share it."""

    def __init__(self, folder: Path, *, engine: str, workers: int, devices: int, seed: int, cable: bool) -> None:
        self.folder = folder
        self.database: Part | None = None
        self.engine = engine
        self.workers = workers
        self._store_setting = ""
        self._devices = devices
        self._seed = seed
        self._wants_cable = cable
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        folder, later = self.folder, self._stack.callback
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self.cad = Cad()
            later(lambda: self.cad.close())
            self.cap = folder / "cap"
            self.cap.mkdir()
            on_gateway = str(Path(__file__).resolve().parent / "on_gateway")
            self.clock = ProcessClock(folder / "clock", FAKETIME_CACHE_DURATION="1", PYTHONPATH=on_gateway)
            self._find_room()
            self.cable = Cable(os.getpid())
            later(self.cable.close)
            if self._wants_cable:
                self.cable.plug()
            self._lay_out()
            self.manager = self._stack.enter_context(ServiceManager(self.parts))
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _find_room(self) -> None:
        """A disk for the store: SQLite's in the gateway's folder, PostgreSQL's where its own user can enter."""
        if self.engine == "sqlite":
            self.disk = Disk(self.folder / "gateway" / "data")
            self._stack.callback(self.disk.close)
            return
        room = Path(tempfile.mkdtemp(prefix="siaga-torture-"))
        self._stack.callback(shutil.rmtree, room, ignore_errors=True)
        self.disk = Disk(room)
        room.chmod(0o755)
        self._stack.callback(self.disk.close)
        self._server = PostgresServer(parent=room)
        self.database = Part("database", self._server.command, self.folder, user=self._server.user)
        self._server.start()
        self._store_setting = f'\n[store]\nurl = "{self._server.new_database()}"\n'
        self._server.kill()

    def _lay_out(self) -> None:
        host, port = self.cable.host if self.cable.plugged else "127.0.0.1", free_port()
        mosquitto = Mosquitto(self.folder / "broker", f"listener {port} {host}", "allow_anonymous true", port=port)
        inside = self.cable.inside if self.cable.plugged else []
        self.broker = Part("broker", [*inside, *mosquitto.command], self.folder)
        self.address = Broker(host=host, port=port)

        self.office = Gateway(self.folder / "gateway", port, self.cad.port)
        config = self.office.config.read_text(encoding="utf-8")
        config = config.replace('host = "127.0.0.1"', f'host = "{host}"', 1).replace('"actual" ', '"exercise" ', 1)
        config += f'\n[[outputs]]\nname = "cap"\nkind = "cap_folder"\nfolder = "{self.cap}"\n'
        config += self._store_setting
        self.office.config.write_text(config, encoding="utf-8")
        command = [*SIAGA, "run", "--config", str(self.office.config)]
        if self.workers > 1:
            command += ["--workers", str(self.workers)]
        self.gateway = Part("gateway", command, self.folder, self.clock.environ)

        # The same seed gives the same keys: what came of one run can be looked at in the next.
        key = read_key(self.office.data).public_xy
        self.fleet = Fleet.new(self._devices, key, self._seed.to_bytes(32, "big"))
        listed = self.folder / "fleet.csv"
        with listed.open("w", encoding="utf-8", newline="") as out:
            assert list(write_registrations(self.fleet, out, "2099-12-31"))
        if self.database is not None:
            self.database.start()
            wait_until_open(self._server.port, ENDS_S)
            eventually(self._database_answers, "the database is up")
        self.office.command("enrol", "--file", str(listed), "--by", "registrar")

    @property
    def parts(self) -> list[Part]:
        return [self.broker, self.gateway, *([self.database] if self.database is not None else [])]

    def _start(self) -> None:
        for part in self.parts:
            part.start()
        eventually(lambda: '"ready"' in self.gateway.said(), "the gateway is ready")

    def store(self) -> SqlStore:
        return open_store(load(self.office.config), time.time_ns() // 1_000_000)

    def _database_answers(self) -> bool:
        try:
            self._server.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True
