"""Whatever fails while the gateway starts or stops, nothing of it is left: no thread, process, socket, file or lock."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

import preloaded
import processes
from brokers import Mosquitto, free_port
from siaga_gateway.adapters.sql import open_store
from siaga_gateway.bootstrap import gateway as module
from siaga_gateway.bootstrap.preflight import StartError
from siaga_gateway.bootstrap.start_and_stop import Piece, Running, StopLate, nothing
from siaga_gateway.bootstrap.worker_identity import WorkerIdentity
from siaga_gateway.config.loading import load
from siaga_gateway.config.settings import Settings
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.service.journal import kinds as journal
from system.running_gateway import Gateway
from waiting import eventually

LAST = "watch for troubles"
EVERY = "every one"
START, STOP, NOT_STARTED = "start", "stop", "does nothing"
SECRET = "whsec_c2lhZ2EgdGVzdCBzZWNyZXQgb2YgZW5vdWdoIGJ5dGVz"


class Fault(Exception):
    """Nothing that the gateway knows."""


@dataclass(frozen=True)
class Seen:
    """A piece in the order of its start. Not the piece itself, which would keep alive what it holds."""

    name: str
    stops: bool


@dataclass
class Script:
    """What happens to the pieces of one run, and what was seen of them. Without a fault it is told to end when all
    of it runs. how: what of the piece that `fails`."""

    fails: str = ""
    how: str = ""
    pieces: list[Seen] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [piece.name for piece in self.pieces]

    @property
    def stoppable(self) -> set[str]:
        return {piece.name for piece in self.pieces if piece.stops}

    def of(self, piece: Piece) -> Piece:
        """The same piece, with the fault that the script has for it."""

        fails = self.fails in (piece.name, EVERY)

        def start() -> None:
            if not (fails and self.how == NOT_STARTED):
                piece.start()
            if fails and START in self.how:
                raise Fault(f"start of {piece.name}")
            if piece.name == LAST:
                signal.raise_signal(signal.SIGTERM)

        def stop() -> None:
            piece.stop()
            self.stopped.append(piece.name)
            if fails and STOP in self.how:
                raise Fault(f"stop of {piece.name}")

        assert piece.name not in self.names
        self.pieces.append(Seen(piece.name, piece.stop is not nothing))
        return replace(piece, start=start, stop=nothing if piece.stop is nothing else stop)


@dataclass(frozen=True)
class Left:
    """What of a run may be left in this process."""

    threads: frozenset[str]
    descriptors: frozenset[str]
    children: frozenset[int]

    @classmethod
    def now(cls) -> Left:
        gc.collect()  # a link's own pair of sockets goes with it
        descriptors = set()
        for name in os.listdir("/proc/self/fd"):
            try:
                descriptors.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
            except OSError:
                continue  # of this very listing
        threads = frozenset(thread.name for thread in threading.enumerate())
        return cls(threads, frozenset(descriptors), frozenset(processes.children(os.getpid())))

    def beyond(self, before: Left) -> list[object]:
        return [
            *(self.threads - before.threads),
            *(self.descriptors - before.descriptors),
            *(self.children - before.children),
        ]


Play = Callable[["FullGateway", Script], BaseException | None]


class FullGateway:
    """A gateway with most of what settings can ask for, run in this process."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        made = Gateway(folder, broker_port)
        for each in ("cap", "inbox", "outbox"):
            (folder / each).mkdir()
        nobody = f"http://127.0.0.1:{free_port()}"
        text = made.config.read_text(encoding="utf-8").replace("[mqtt]\n", "[mqtt]\nstart_timeout_s = 1\n")
        text += f"""
[[outputs]]
name = "folder"
kind = "cap_folder"
folder = "{folder}/cap"

[[outputs]]
name = "cad"
kind = "webhook"
url = "{nobody}/cad"
secret = "{SECRET}"

[broker]
passwords = "{folder}/passwords"

[lorawan]
network = "chirpstack"
port = {broker_port}

[sms]
spool = "gammu"
inbox = "{folder}/inbox"
outbox = "{folder}/outbox"

[sms.aggregator]
url = "{nobody}/sms"
"""
        made.config.write_text(text, encoding="utf-8")
        self.settings: Settings = load(made.config, {})

    def run(self) -> bool:
        return module._serve(self.settings, WorkerIdentity())

    def kinds(self) -> list[str]:
        """Of the journal's entries."""
        store = open_store(self.settings, 0)
        try:
            return [entry.kind for entry in store.journal_last(1000)]
        finally:
            store.close()


@pytest.fixture(scope="module", autouse=True)
def _forked() -> Iterator[None]:
    with preloaded.everywhere():
        yield


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    yield
    for number, handler in before:
        signal.signal(number, handler)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs a gateway by a script, sees to it that nothing is left, and gives what it raised."""
    real = Running.start

    def run(gateway: FullGateway, script: Script) -> BaseException | None:
        monkeypatch.setattr(Running, "start", lambda self, piece: real(self, script.of(piece)))
        before, raised = Left.now(), None
        logging.disable()  # the log of the test would keep what the frames of a fault hold
        try:
            gateway.run()
        except Exception as error:
            raised = error.with_traceback(None)
        finally:
            logging.disable(logging.NOTSET)
        with contextlib.suppress(AssertionError):
            eventually(lambda: not Left.now().beyond(before), "nothing is left")
        assert not Left.now().beyond(before), (script.fails, script.how)
        return raised

    return run


@pytest.mark.timeout(3600)  # some forty gateways, one after the other
def test_a_fault_at_any_start_or_stop_leaves_nothing(tmp_path: Path, broker: Mosquitto, play: Play) -> None:
    """All pieces that one run without a fault has, each in turn: it has started and fails, and its stop fails too."""
    gateway = FullGateway(tmp_path, broker.port)
    whole = Script()
    assert play(gateway, whole) is None
    assert gateway.kinds()[-1] == journal.GATEWAY_STOPPED
    assert set(whole.stopped) == whole.stoppable
    for at, piece in enumerate(whole.pieces):
        script = Script(piece.name, START + STOP)
        raised = play(gateway, script)
        assert isinstance(raised, Fault) and str(raised) == f"start of {piece.name}"
        assert script.names == whole.names[: at + 1]
        assert script.stopped == [name for name in whole.stopped if name in script.names], "all, in their order"
        kinds = gateway.kinds()
        assert kinds.count(journal.GATEWAY_STARTED) == kinds.count(journal.GATEWAY_STOPPED)


def test_what_never_started_can_be_stopped(tmp_path: Path, broker: Mosquitto, play: Play) -> None:
    gateway, script = FullGateway(tmp_path, broker.port), Script(EVERY, NOT_STARTED)
    assert play(gateway, script) is None
    assert set(script.stopped) == script.stoppable
    assert gateway.kinds() == []


def test_where_every_stop_fails_all_of_it_stops(tmp_path: Path, broker: Mosquitto, play: Play) -> None:
    script = Script(EVERY, STOP)
    raised = play(FullGateway(tmp_path, broker.port), script)
    assert isinstance(raised, Fault) and str(raised) == f"stop of {script.stopped[0]}"
    assert set(script.stopped) == script.stoppable


def test_a_broker_that_is_not_there_leaves_nothing(tmp_path: Path, play: Play) -> None:
    gateway = FullGateway(tmp_path, free_port())
    assert isinstance(play(gateway, Script()), StartError)
    assert gateway.kinds() == [], "it had not started"


def test_it_stops_in_the_order_that_loses_no_press(tmp_path: Path, broker: Mosquitto, play: Play) -> None:
    script = Script()
    play(FullGateway(tmp_path, broker.port), script)
    assert script.stopped[:3] == ["word of the end to systemd", "front", "responders' page"]
    in_order = (
        *("front", "frames by the broker", "ingest", "beginning of deliveries", "output cad", "link to the broker"),
        *("troubles", "end in the journal", "store's file", "store", "connections of output cad", "listening sockets"),
    )
    assert [name for name in script.stopped if name in in_order] == list(in_order)
    held_back = [name for name in script.stopped if name.startswith("frames by")]
    assert all(script.stopped.index(name) < script.stopped.index("ingest") for name in held_back)
    assert len(held_back) == 3
    assert set(script.stopped[3:7]) == {"broker probe", *held_back}, "nothing that may wait stops before them"
    assert script.stopped.index("ingest") < script.stopped.index("end of rounds")


def test_a_stop_that_hangs_keeps_no_other_waiting_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    let_go, stopped = threading.Event(), list[str]()
    with pytest.raises(StopLate, match="the one that hangs had not stopped after 0 s") as raised, Running() as running:
        running.start(Piece("first", stop=lambda: stopped.append("first")))
        running.start(Piece("the one that hangs", stop=let_go.wait, stop_s=0.05))
        running.start(Piece("last", stop=lambda: stopped.append("last")))
    let_go.set()
    assert stopped == ["last", "first"]
    assert "the one that hangs has not stopped" in caplog.text
    assert isinstance(raised.value, SiagaError), (
        "the command line tells it in the reader's language, as no fault of ours"
    )
    assert "the one that hangs belum berhenti" in raised.value.say("id")


def test_what_ended_the_run_is_not_hidden_by_a_stop_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    def stop() -> None:
        raise Fault("of the stop")

    with pytest.raises(OSError, match="of the run"), Running() as running:
        running.start(Piece("the one that fails", stop=stop))
        raise OSError("of the run")
    assert "the one that fails did not stop in order" in caplog.text
