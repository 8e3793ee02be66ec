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
from place import Place
from surroundings import HOUR_S

from outputs.receiver import answer, drip, never, reset

Fault = Callable[[Place, random.Random], AbstractContextManager[None]]


def _killed(part: Callable[[Place], Part]) -> Fault:
    """SIGKILL; it stays down while the fault lasts."""

    @contextmanager
    def fault(place: Place, chance: random.Random) -> Iterator[None]:
        one = part(place)
        one.stay_down.set()
        try:
            one.kill()
            yield
        finally:
            one.stay_down.clear()

    return fault


def _killed_in_passing(part: Callable[[Place], Part]) -> Fault:
    """SIGKILL; the service manager starts it again at once."""

    @contextmanager
    def fault(place: Place, chance: random.Random) -> Iterator[None]:
        part(place).kill()
        yield

    return fault


def _frozen(part: Callable[[Place], Part]) -> Fault:
    """SIGSTOP: it holds its connections and answers nothing."""

    @contextmanager
    def fault(place: Place, chance: random.Random) -> Iterator[None]:
        one = part(place)
        one.freeze()
        try:
            yield
        finally:
            one.thaw()

    return fault


@contextmanager
def _stopped(place: Place, chance: random.Random) -> Iterator[None]:
    """An administrator restarts it in order."""
    place.gateway.stay_down.set()
    try:
        if place.gateway.running:
            with contextlib.suppress(Exception):  # a gateway that will not end is found out at the end
                place.gateway.stop()
        yield
    finally:
        place.gateway.stay_down.clear()


@contextmanager
def _unplugged(place: Place, chance: random.Random) -> Iterator[None]:
    with place.cable.pulled():
        yield


@contextmanager
def _full_disk(place: Place, chance: random.Random) -> Iterator[None]:
    gateway = place.gateway
    with place.disk.full([gateway.pid, *gateway.children()]):
        yield


def _clock(ahead_s: int) -> Fault:
    @contextmanager
    def fault(place: Place, chance: random.Random) -> Iterator[None]:
        place.clock.set(ahead_s)
        try:
            yield
        finally:
            place.clock.set(0)

    return fault


def _outputs(cad: str) -> Fault:
    """Every output fails: the webhook's receiver in that way, the share of the CAP files is gone."""

    @contextmanager
    def fault(place: Place, chance: random.Random) -> Iterator[None]:
        behaviours = {
            "hang": never,
            "reset": reset,
            "error": answer(503),
            "drip": drip(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x"),
        }
        elsewhere = place.cap.with_name("cap.elsewhere")
        with ExitStack() as stack:
            stack.enter_context(place.cad.away() if cad == "away" else place.cad.behaving(behaviours[cad]))
            place.cap.rename(elsewhere)
            stack.callback(lambda: elsewhere.rename(place.cap))
            yield

    return fault


PROCESSES: dict[str, Fault] = {
    "gateway killed": _killed_in_passing(lambda place: place.gateway),
    "gateway down": _killed(lambda place: place.gateway),
    "gateway frozen": _frozen(lambda place: place.gateway),
    "gateway restarted": _stopped,
    "broker killed": _killed_in_passing(lambda place: place.broker),
    "broker down": _killed(lambda place: place.broker),
    "broker frozen": _frozen(lambda place: place.broker),
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
    """Seconds: how long a fault lasts, and the pause until the next."""

    lasts: tuple[float, float]
    pause: tuple[float, float]


class Lane(threading.Thread):
    """Faults one after the other, in an order by chance, each of them before any comes again. Two lanes side by side
    let faults of both meet."""

    def __init__(self, place: Place, faults: dict[str, Fault], pace: Pace, seed: int, *, once: bool = False) -> None:
        super().__init__(name="faults", daemon=True)
        self.counts: Counter[str] = Counter()
        self.fault: BaseException | None = None
        self._place = place
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
            if self._enough.wait(self._chance.uniform(*self._pace.pause)):
                return
            self.counts[name] += 1
            with self._faults[name](self._place, self._chance):
                self._enough.wait(self._chance.uniform(*self._pace.lasts))

    def finish(self, timeout_s: float = 120) -> None:
        """End the fault that is under way and begin no other."""
        self._enough.set()
        self.wait_for(timeout_s)

    def wait_for(self, timeout_s: float) -> None:
        self.join(timeout_s)
        assert not self.is_alive(), "a fault does not end"
        if self.fault is not None:
            raise self.fault
