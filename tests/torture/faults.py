"""What can befall an installation, each as it does: a fault begins, lasts, and ends."""

from __future__ import annotations

import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from parts import Part
from premises import Premises
from surroundings import HOUR_S

from outputs.receiver import answer, drip, never, reset

Fault = Callable[[Premises, random.Random], AbstractContextManager[None]]


def _killed(part: Callable[[Premises], Part]) -> Fault:
    """SIGKILL; it stays down while the fault lasts."""

    @contextmanager
    def fault(premises: Premises, chance: random.Random) -> Iterator[None]:
        one = part(premises)
        one.stay_down.set()
        try:
            one.kill()
            yield
        finally:
            one.stay_down.clear()

    return fault


def _killed_in_passing(part: Callable[[Premises], Part]) -> Fault:
    """SIGKILL; the service manager starts it again at once."""

    @contextmanager
    def fault(premises: Premises, chance: random.Random) -> Iterator[None]:
        part(premises).kill()
        yield

    return fault


def _frozen(part: Callable[[Premises], Part]) -> Fault:
    """SIGSTOP: it holds its connections and answers nothing."""

    @contextmanager
    def fault(premises: Premises, chance: random.Random) -> Iterator[None]:
        one = part(premises)
        one.freeze()
        try:
            yield
        finally:
            one.thaw()

    return fault


@contextmanager
def _stopped(premises: Premises, chance: random.Random) -> Iterator[None]:
    """An administrator restarts it in order."""
    premises.gateway.stay_down.set()
    try:
        if premises.gateway.running:
            with contextlib.suppress(Exception):  # a gateway that will not end is found out at the end
                premises.gateway.stop()
        yield
    finally:
        premises.gateway.stay_down.clear()


@contextmanager
def _unplugged(premises: Premises, chance: random.Random) -> Iterator[None]:
    with premises.cable.pulled():
        yield


@contextmanager
def _full_disk(premises: Premises, chance: random.Random) -> Iterator[None]:
    writer = premises.database or premises.gateway
    with premises.disk.full([writer.pid, *writer.children()]):
        yield


def _clock(ahead_s: int) -> Fault:
    @contextmanager
    def fault(premises: Premises, chance: random.Random) -> Iterator[None]:
        premises.clock.set(ahead_s)
        try:
            yield
        finally:
            premises.clock.set(0)

    return fault


def _outputs(cad: str) -> Fault:
    """Every output fails: the webhook's receiver in that way, the share of the CAP files is gone."""

    @contextmanager
    def fault(premises: Premises, chance: random.Random) -> Iterator[None]:
        behaviours = {
            "hang": never,
            "reset": reset,
            "error": answer(503),
            "drip": drip(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x"),
        }
        elsewhere = premises.cap.with_name("cap.elsewhere")
        with ExitStack() as stack:
            stack.enter_context(premises.cad.away() if cad == "away" else premises.cad.behaving(behaviours[cad]))
            premises.cap.rename(elsewhere)
            stack.callback(lambda: elsewhere.rename(premises.cap))
            yield

    return fault


@contextmanager
def _worker_killed(premises: Premises, chance: random.Random) -> Iterator[None]:
    """SIGKILL to one of the workers; their parent starts it anew."""
    premises.gateway.kill_a_child(chance)
    yield


def _database(premises: Premises) -> Part:
    assert premises.database is not None
    return premises.database


PROCESSES: dict[str, Fault] = {
    "gateway killed": _killed_in_passing(lambda premises: premises.gateway),
    "gateway down": _killed(lambda premises: premises.gateway),
    "gateway frozen": _frozen(lambda premises: premises.gateway),
    "gateway restarted": _stopped,
    "broker killed": _killed_in_passing(lambda premises: premises.broker),
    "broker down": _killed(lambda premises: premises.broker),
    "broker frozen": _frozen(lambda premises: premises.broker),
}
DATABASE: dict[str, Fault] = {
    "database killed": _killed_in_passing(_database),
    "database down": _killed(_database),
    "database frozen": _frozen(_database),
}
WORKERS: dict[str, Fault] = {
    "worker killed": _worker_killed,
    "worker killed again": _worker_killed,
}
NETWORK: dict[str, Fault] = {"network cut": _unplugged}
SURROUNDINGS: dict[str, Fault] = {
    "disk full": _full_disk,
    "clock an hour ahead": _clock(HOUR_S),
    "clock an hour behind": _clock(-HOUR_S),
    "outputs away": _outputs("away"),
    "outputs hang": _outputs("hang"),
    "outputs reset": _outputs("reset"),
    "outputs err": _outputs("error"),
    "outputs drip": _outputs("drip"),
}


@dataclass(frozen=True)
class Pace:
    """Seconds: how long a fault lasts and the pause until the next, on average, and how long at most. Most are brief,
    a few last long."""

    lasts: float
    pause: float
    longest: float

    def fault_s(self, chance: random.Random) -> float:
        return min(chance.expovariate(1 / self.lasts), self.longest)

    def pause_s(self, chance: random.Random) -> float:
        return min(chance.expovariate(1 / self.pause), self.longest)


class Lane(threading.Thread):
    """Faults one after the other, in an order by chance, each of them before any comes again. Two lanes side by side
    let faults of both meet."""

    def __init__(
        self, premises: Premises, faults: dict[str, Fault], pace: Pace, seed: int, *, once: bool = False
    ) -> None:
        super().__init__(name="faults", daemon=True)
        self.counts: Counter[str] = Counter()
        self.fault: BaseException | None = None
        self._place = premises
        self._faults = faults
        self._pace = pace
        self._chance = random.Random(seed)
        self._once = once
        self._enough = threading.Event()

    def run(self) -> None:
        try:
            while not self._enough.is_set():
                self._all_of(self._chance.sample(list(self._faults), len(self._faults)))
                if self._once:
                    return
        except BaseException as error:
            self.fault = error

    def _all_of(self, names: Sequence[str]) -> None:
        for name in names:
            if self._enough.wait(self._pace.pause_s(self._chance)):
                return
            self.counts[name] += 1
            with self._faults[name](self._place, self._chance):
                self._enough.wait(self._pace.fault_s(self._chance))

    def finish(self, timeout_s: float = 120) -> None:
        """End the fault that is under way and begin no other."""
        self._enough.set()
        self.wait_for(timeout_s)

    def wait_for(self, timeout_s: float) -> None:
        self.join(timeout_s)
        assert not self.is_alive(), "a fault does not end"
        if self.fault is not None:
            raise self.fault


# A delivery to them lasts as long as it may, ten seconds, and so does everything behind it.
SLOW = ("outputs hang", "outputs drip")


def that_can_befall(premises: Premises, *, slow: bool) -> tuple[dict[str, Fault], dict[str, Fault]]:
    """Two lanes: what befalls processes and lines, what befalls the things around them."""
    inner = {
        **PROCESSES,
        **(DATABASE if premises.database else {}),
        **(WORKERS if premises.workers > 1 else {}),
        **(NETWORK if premises.cable.plugged else {}),
    }
    return inner, {name: fault for name, fault in SURROUNDINGS.items() if slow or name not in SLOW}
