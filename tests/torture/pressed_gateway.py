"""A whole installation with buttons that press all the time, for whoever attacks it meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

TESTS: Final = Path(__file__).resolve().parents[1]
if str(TESTS) not in sys.path:
    sys.path.append(str(TESTS))

from bare_mqtt import BareClient, Closed  # noqa: E402
from databases import PostgresServer  # noqa: E402
from gateway.enrolled_devices import enroll_at  # noqa: E402
from guarded_broker import GuardedBroker  # noqa: E402
from pressing_button import PressingButton, at  # noqa: E402
from siaga_gateway.adapters.sql import open_store  # noqa: E402
from siaga_gateway.config.loading import load  # noqa: E402
from system.running_gateway import Gateway  # noqa: E402
from waiting import RUNS_S  # noqa: E402

UP, DOWN = "siaga/v1/up/", "siaga/v1/down/"
LATE_S: Final = 1.0  # for 99 of a hundred presses
_PAUSE_S: Final = 0.3
_AGAIN_S: Final = 3.0  # as a button repeats
_LOST_S: Final = 60.0


class Breach(AssertionError):
    """What must never happen, did."""


class Repeating(threading.Thread):
    """Does one thing again and again until it is told to end."""

    pause_s: float
    longest_s: float  # that one round takes

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._fault: BaseException | None = None
        self._over = threading.Event()

    def go_round(self) -> None:
        raise NotImplementedError

    def run(self) -> None:
        try:
            while not self._over.is_set():
                self.go_round()
                self._over.wait(self.pause_s)
        except BaseException as error:
            self._fault = error

    def finish(self) -> None:
        """Raises what a round raised."""
        self._over.set()
        self.join(2 * self.longest_s)
        if self._fault is not None:
            raise self._fault
        if self.is_alive():
            raise Breach(f"a round does not end within {2 * self.longest_s:.0f} s")


@contextmanager
def running(threads: Sequence[Repeating]) -> Iterator[None]:
    for each in threads:
        each.start()
    try:
        yield
    finally:
        for each in threads:
            each.finish()


class Honest(Repeating):
    """A button that presses again and again, repeats what is not answered, and comes back when it is cut off."""

    pause_s, longest_s = _PAUSE_S, _LOST_S

    def __init__(self, broker: GuardedBroker, button: PressingButton) -> None:
        super().__init__()
        self.waited: list[tuple[float, float]] = []  # when it was made, and how long until its answer
        self._broker = broker
        self._button = button
        self.login = button.device_id.hex()

    def go_round(self) -> None:
        frame = self._button.press(int(time.time()), again=True, **at())
        made = time.monotonic()
        while time.monotonic() - made < _LOST_S:
            try:
                with self._broker.button(self._button, clean=False) as client:
                    client.subscribe(DOWN + self._button.device_id.hex())
                    if self._answered(client, frame):
                        self.waited.append((made, time.monotonic() - made))
                        return
            except (Closed, OSError):
                time.sleep(0.1)  # no wait of a test: it connects again
        raise Breach(f"a press was not answered within {_LOST_S:.0f} s")

    def _answered(self, client: BareClient, frame: bytes) -> bool:
        client.sock.settimeout(_AGAIN_S)  # no deadline of a machine: a button's own
        try:
            client.publish(UP + self._button.device_id.hex(), frame)
            until = time.monotonic() + _AGAIN_S  # no deadline of a machine: a button's own
            while time.monotonic() < until:
                if any(one.payload[10:14] == frame[10:14] for one in client.received):
                    return True
                client._read()
        except TimeoutError:
            pass
        return False


@contextmanager
def installation(
    folder: Path, engine: str, buttons: int, settings: str = "", *, proxies: bool = False
) -> Iterator[tuple[GuardedBroker, list[PressingButton]]]:
    """settings: more of the gateway's, of other sections. proxies: the console is behind one on this machine."""
    with ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        broker = GuardedBroker(folder)
        text = broker.gateway.config.read_text(encoding="utf-8") + settings
        if proxies:
            text = text.replace("[console]\n", '[console]\nproxies = ["127.0.0.1"]\n')
        broker.gateway.config.write_text(text, encoding="utf-8")
        if engine == "postgresql":
            server = stack.enter_context(_server())
            with broker.gateway.config.open("a", encoding="utf-8") as config:
                config.write(f'\n[store]\nurl = "{server.new_database()}"\n')
        enrolled = enroll_at(
            open_store(load(broker.gateway.config), time.time_ns() // 1_000_000), broker.key(), buttons
        )
        broker.configure("--replace")
        stack.enter_context(broker)
        broker.gateway.start()
        stack.callback(broker.gateway.kill)
        yield broker, enrolled


@contextmanager
def _server() -> Iterator[PostgresServer]:
    server = PostgresServer(parent=Path(tempfile.gettempdir()))
    server.start()
    try:
        yield server
    finally:
        server.kill()


def ended_well(gateway: Gateway) -> str:
    """Stop it; what it logged. Raises Breach."""
    code, said = gateway.stop(), gateway.stderr()
    if code or "Traceback" in said:
        raise Breach(f"the gateway ended with {code}: {said[-2000:]}")
    return said


def attacked(name: str, commands: Sequence[Sequence[str]], seconds: float, meanwhile: Callable[[], None]) -> Any:
    """Run programs that attack for so many seconds and print their counts as JSON; the sums. Raises Breach."""
    processes = [subprocess.Popen(each, stdout=subprocess.PIPE, text=True) for each in commands]
    ends = time.monotonic() + seconds + RUNS_S
    try:
        while any(process.poll() is None for process in processes):
            meanwhile()
            if time.monotonic() > ends:
                raise Breach(f"the attack {name} does not end")
            time.sleep(0.1)  # no wait of a test: it watches
        found: dict[str, int] = {}
        for process in processes:
            assert process.stdout is not None
            for what, count in json.loads(process.stdout.read()).items():
                found[what] = found.get(what, 0) + count
        return found
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def p99(sorted_s: Sequence[float]) -> float:
    return sorted_s[int(0.99 * (len(sorted_s) - 1))]


def report(runs: Iterable[Callable[[Path], dict[str, Any]]], judge: Callable[[dict[str, Any]], None]) -> int:
    """Print what each run in a folder of its own counts; the code to exit with."""
    for run in runs:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = run(Path(folder))
                print(json.dumps(found, indent=1))
                judge(found)
            except Breach as breach:
                print(json.dumps({"breach": str(breach)}))
                return 1
    return 0
