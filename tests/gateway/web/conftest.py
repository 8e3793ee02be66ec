"""Consoles for tests: one in this process on fakes, and real ones in processes of their own that can be killed."""

from __future__ import annotations

import contextlib
import json
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from pwdlib.hashers.argon2 import Argon2Hasher

import preloaded
from brokers import free_port
from gateway.fake_account_store import FakeAccountStore, accounts_on
from gateway.fake_account_store import operators as with_operators
from gateway.fake_ports import RunningClock
from gateway.sample_site import SITE
from gateway.web.console_fakes import Book, FakeBell, FakeSignIns
from gateway.web.fake_disclosures import FakeDisclosures
from gateway.web.file_book import append
from siaga_gateway.domain.accounts import Account
from siaga_gateway.domain.incident import Mode
from siaga_gateway.domain.operator_message import MessageOptions
from siaga_gateway.domain.permissions import Role
from siaga_gateway.service.incidents.protocol_book import ProtocolChanges
from siaga_gateway.web.app import ConsoleOptions, create_app
from waiting import ENDS_S, RUNS_S

TESTS = Path(__file__).parents[2]
ORIGIN = "http://127.0.0.1"
OPERATOR = "Rina Wulandari"


@dataclass
class Console:
    """A console in this process and the fakes behind it."""

    book: Book
    clock: RunningClock
    browser: TestClient
    make: Callable[..., TestClient] = field(repr=False)
    disclosures: FakeDisclosures
    sign_ins: FakeSignIns
    accounts: FakeAccountStore

    def sign_in(self, name: str = OPERATOR, password: str = "") -> httpx.Response:
        return self.browser.post("/sign-in", data={"name": name, "password": password})


@pytest.fixture
def console() -> Iterator[Console]:
    """Without accounts and signed in by name. `make(operators=hashes)` makes one on a store with these operators,
    `make(accounts=store)` one on that store."""
    notifier, clock = FakeBell(), RunningClock()
    nobody = FakeAccountStore()
    book, disclosures, sign_ins = Book(notifier), FakeDisclosures(), FakeSignIns()
    opened: list[TestClient] = []

    def make(
        certificates: Callable[[], Any] = tuple,
        operators: Mapping[str, str] | None = None,
        accounts: FakeAccountStore | None = None,
        protocols: ProtocolChanges | None = None,
        messages: MessageOptions = MessageOptions(),  # noqa: B008 - a value
        **changes: Any,
    ) -> TestClient:
        store = accounts or (nobody if operators is None else with_operators(operators))
        given = {"site": SITE, "mode": Mode.ACTUAL, "language": "id", "secret": b"k" * 32}
        options = ConsoleOptions(**{**given, **changes})
        app = create_app(
            reader=book,
            operate=book,
            disclosures=disclosures,
            sign_ins=sign_ins,
            accounts=accounts_on(store, clock),
            notifier=notifier,
            options=options,
            clock=clock,
            protocols=protocols,
            certificates=certificates,
            messages=messages,
        )
        client = TestClient(app, base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
        opened.append(client)
        return client

    here = Console(book, clock, make(), make, disclosures, sign_ins, nobody)
    assert here.sign_in().status_code == 303
    yield here
    for client in opened:
        client.close()


class ServedConsole:
    """A console in its own process; the journal outlives it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.journal = folder / "journal.jsonl"
        self.journal.touch()
        self._options = options
        self.port = free_port()  # also free after a kill
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert self._process is None, "it still runs"
        program = [sys.executable, "-m", "gateway.web.serve_console"]
        settings = [str(self.journal), str(self.port), json.dumps(self._options)]
        process = preloaded.Popen([*program, *settings], stdout=subprocess.PIPE, text=True, cwd=TESTS)
        self._process = process
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], ENDS_S)
        line = process.stdout.readline() if ready else ""
        assert line, "the console did not start"
        self.port = json.loads(line)["port"]

    def append(self, *events: dict[str, Any]) -> None:
        append(self.journal, *events)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """As a power cut would; start() goes on with the same port and journal."""
        self.signal(signal.SIGKILL)
        self._wait()

    def stop(self) -> float:
        """End in order; how long that took, in seconds."""
        began = time.monotonic()
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        self._wait()
        return time.monotonic() - began

    def _wait(self) -> None:
        assert self._process is not None
        self._process.wait(RUNS_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    def close(self) -> None:
        if self._process is not None:
            self.signal(signal.SIGCONT)
            self.kill()

    def admit(self, name: str, role: Role, password: str) -> None:
        """Give somebody an account; before the console starts, which keeps them in memory."""
        store = FakeAccountStore(self.journal.with_suffix(".accounts"))
        with store.transaction() as transaction:
            # As cheap as argon2 can be.
            hashed = Argon2Hasher(time_cost=1, memory_cost=64).hash(password)
            transaction.put_account(Account(name, role, hashed, 0, 0))

    @contextlib.contextmanager
    def client(self, timeout: float = ENDS_S) -> Iterator[httpx.Client]:
        """Signed in; waits at most `timeout` seconds for anything."""
        fresh = httpx.Limits(max_keepalive_connections=0)  # a kept connection may be one to a killed console
        with httpx.Client(
            verify=False, base_url=self.url, headers={"Origin": self.url}, timeout=timeout, limits=fresh
        ) as client:
            assert client.post("/sign-in", data={"name": OPERATOR}).status_code == 303
            yield client


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., ServedConsole]]:
    """Start consoles by `served(**options)`."""
    started: list[ServedConsole] = []

    def start(accounts: Mapping[str, Role] | None = None, **options: Any) -> ServedConsole:
        """accounts: roles by name; each one's password is his name."""
        console = ServedConsole(tmp_path, **options)
        for name, role in (accounts or {}).items():
            console.admit(name, role, name)
        console.start()
        started.append(console)
        return console

    yield start
    for console in started:
        console.close()
