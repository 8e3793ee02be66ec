"""The line between the front and the process that takes presses: what is asked, told, offered, and never answered."""

from __future__ import annotations

import multiprocessing.connection
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.outputs.sample_incidents import INCIDENT
from siaga_gateway.adapters.interprocess_link import FrontSide, PressesSilent, PressSide, RemotePort, hang_up
from siaga_gateway.adapters.sms.replies import SmsOrigin
from siaga_gateway.bootstrap.http_front.calls import front_calls, offer_to, told_drill, wanted_drill
from siaga_gateway.domain.errors import SiagaError
from siaga_gateway.service.accounts.account_changes import AccountChanges
from siaga_gateway.service.accounts.token_changes import TokenChanges
from siaga_gateway.service.dispatch.drills import WantedDrill
from siaga_gateway.service.dispatch.list_imports import ListImports
from siaga_gateway.service.downlink.command_port import DeviceCommands
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.incidents.console_presence import PresenceNotes
from siaga_gateway.service.incidents.protocol_book import ProtocolChanges
from siaga_gateway.service.operator_port import OperatorActions, Overtaken
from siaga_gateway.service.ports import Disclosures, SignIns
from siaga_gateway.service.registry.registry_changes import RegistryChanges
from siaga_gateway.service.reports.shift_book import ShiftChanges
from waiting import ENDS_S


@dataclass
class Line:
    front: FrontSide
    press: PressSide
    rung: threading.Semaphore
    said: queue.SimpleQueue[tuple[str, dict[str, Any]]]
    offered: queue.SimpleQueue[InboundFrame]
    hang: threading.Event
    room: threading.Event  # whether frames are taken
    told: queue.SimpleQueue[tuple[Any, ...]] = field(default_factory=queue.SimpleQueue)


@pytest.fixture
def line() -> Iterator[Line]:
    near, far = multiprocessing.connection.Pipe()
    rung, hang = threading.Semaphore(0), threading.Event()
    said: queue.SimpleQueue[tuple[str, dict[str, Any]]] = queue.SimpleQueue()
    told: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    offered: queue.SimpleQueue[InboundFrame] = queue.SimpleQueue()

    room = threading.Event()
    room.set()

    class Sink:
        def offer(self, frame: InboundFrame, timeout_s: float) -> bool:
            offered.put(frame)
            return room.is_set()

    def overtaken() -> None:
        raise Overtaken(INCIDENT, called=True)

    calls: dict[str, Callable[..., Any]] = {
        "port.twice": lambda number, *, more=0: 2 * number + more,
        "port.note": lambda *args: told.put(args),
        "port.overtaken": overtaken,
        "port.odd": lambda: threading.Lock(),
        "port.hang": lambda: hang.wait(ENDS_S),
    }
    press = PressSide(near, calls, {"figures.alive": lambda: True}, offer_to(Sink()), lambda *each: said.put(each))
    front = FrontSide(far)
    front.start(rung.release)
    press.start()
    yield Line(front, press, rung, said, offered, hang, room, told)
    hang.set()
    hang_up(far)
    assert press.close(ENDS_S)


def test_what_is_asked_is_answered_and_what_is_refused_arrives_as_what_it_was(line: Line) -> None:
    far = RemotePort(line.front, "port", asked=True)
    assert far.twice(3, more=1) == 7
    with pytest.raises(Overtaken) as caught:
        far.overtaken()
    assert (caught.value.incident, caught.value.called) == (INCIDENT, True)
    assert str(INCIDENT.id) in caught.value.say("id")
    with pytest.raises(PressesSilent):
        far.odd()  # an answer that cannot be sent is an answer all the same
    with pytest.raises(TypeError):
        far.twice()


@pytest.mark.parametrize("begins_ms", [None, 1_795_465_960_000])
def test_a_drill_that_the_front_asks_for_arrives_as_it_was_wanted(line: Line, begins_ms: int | None) -> None:
    wanted = WantedDrill("Apel", (bytes(range(8)), b"\xff" * 8), ("station:a", "responder:b"), 60, begins_ms)
    line.front.ask("port.note", told_drill(wanted), "Rina")
    told, actor = line.told.get(timeout=ENDS_S)
    assert (wanted_drill(told), actor) == (wanted, "Rina")


def test_only_what_is_named_is_done(line: Line) -> None:
    with pytest.raises(PressesSilent):
        line.front.ask("port.__class__", deadline_s=0.3)
    assert line.said.get(timeout=ENDS_S)[0] == "port.__class__"
    everything = [object.__new__(_Everything) for _ in range(11)]
    others = (_Cases(), _Deliveries(), _Positions(), _Owners(), _Drills())
    ports = front_calls(*everything[:7], *others, *everything[7:])  # type: ignore[arg-type]
    changes = (
        AccountChanges,
        ProtocolChanges,
        ShiftChanges,
        TokenChanges,
        RegistryChanges,
        PresenceNotes,
        ListImports,
        DeviceCommands,
    )
    for port in (OperatorActions, Disclosures, SignIns, *changes):
        for method in vars(port):
            assert method.startswith("_") or any(name.endswith(f".{method}") for name in ports)
    assert not [name for name in ports if "._" in name]


class _Everything:
    def __getattr__(self, name: str) -> str:
        return name


class _Cases:
    close = set_sim = staticmethod(print)


class _Deliveries:
    send_again = passed_on = staticmethod(print)


class _Owners:
    suspend = dismiss = advised = lift = set_code_words = staticmethod(print)


class _Drills:
    order = end = staticmethod(print)


class _Positions:
    take_told = tokens = refused = staticmethod(print)


def test_a_press_process_that_hangs_is_not_waited_for_and_says_so_elsewhere(line: Line) -> None:
    with pytest.raises(PressesSilent) as caught:
        line.front.ask("port.hang", deadline_s=0.2)
    assert isinstance(caught.value, SiagaError) and "0 s" in str(caught.value)
    for _ in range(500):
        line.front.tell("port.hang")
    busy = 0
    for _ in range(3):
        try:
            line.front.ask("port.twice", 1, deadline_s=5)
        except PressesSilent:
            busy += 1
    assert busy == 3, "more than it can do is refused, not kept"
    assert line.front.ask("figures.alive", deadline_s=ENDS_S), "figures and signs of life have a way of their own"


HANGING = """
import multiprocessing.connection
import threading
from siaga_gateway.adapters.interprocess_link import FrontSide, PressSide

near, far = multiprocessing.connection.Pipe()
begun = threading.Semaphore(0)
def hang():
    begun.release()
    threading.Event().wait()
press = PressSide(near, {"hang": hang}, {"figure": hang}, lambda *_: True, lambda *_: None)
press.start()
front = FrontSide(far)
for name in ("hang", "hang", "figure"):
    front.tell(name)
    begun.acquire()
press.close(0.1)
print("at its end", flush=True)
"""


def test_calls_that_hang_keep_the_process_from_no_end() -> None:
    """A gateway that was told to stop, and whose store hangs, stayed until somebody killed it."""
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=ENDS_S, check=True)
    assert done.stdout == "at its end\n"


def test_a_frame_is_acknowledged_once_the_press_process_has_committed_it(line: Line) -> None:
    committed = threading.Event()
    assert line.front.offer(InboundFrame(b"\x11\x01", 5, "sms", committed.set, SmsOrigin("webhook", "+62")), 0)
    frame = line.offered.get(timeout=ENDS_S)
    assert (frame.raw, frame.received_ms, frame.bearer, frame.origin) == (
        b"\x11\x01",
        5,
        "sms",
        SmsOrigin("webhook", "+62"),
    )
    assert frame.kept_by_bearer
    assert not committed.wait(0.2)
    frame.acknowledge()
    assert committed.wait(ENDS_S)


def test_a_frame_without_room_is_told_so_at_once_and_never_acknowledged(line: Line) -> None:
    """A webhook waited its whole ten seconds before it told the aggregator to come again."""
    line.room.clear()
    acknowledged, no_room = threading.Event(), threading.Event()
    frame = InboundFrame(b"\x11", 5, "sms", acknowledged.set, None, no_room=no_room.set)
    assert line.front.offer(frame, 0), "the press process is asked"
    assert no_room.wait(ENDS_S)
    assert not acknowledged.is_set()


def test_rings_arrive_and_never_pile_up(line: Line) -> None:
    for _ in range(10_000):
        line.press.ring()
    assert line.rung.acquire(timeout=ENDS_S)
    line.front.tell("port.note", "all of them", 1)
    assert line.told.get(timeout=ENDS_S) == ("all of them", 1)
    line.press.ring()
    assert line.rung.acquire(timeout=ENDS_S), "also after a flood of them"


def test_a_line_is_never_closed_under_a_thread_that_may_yet_use_it() -> None:
    """Its number is soon another file's: an answer was written into the next front's line, or read there."""
    near, far = multiprocessing.connection.Pipe()
    busy, let_go = threading.Event(), threading.Event()

    def said(*_: object) -> None:
        busy.set()
        let_go.wait(ENDS_S)

    press = PressSide(near, {}, {}, lambda *_: False, said)
    press.start()
    far.send_bytes(b'{"name": "sign"}')
    assert busy.wait(ENDS_S)
    number = near.fileno()
    assert not press.close(0.2), "its reader is in the midst of something"
    os.fstat(number)
    with pytest.raises((EOFError, OSError)):
        far.recv_bytes()  # the other side is told at once
    let_go.set()
    far.close()
    assert press.close(ENDS_S)
    with pytest.raises(OSError, match="closed"):
        near.fileno()


def test_a_line_whose_other_side_reads_nothing_is_closed_all_the_same() -> None:
    near, far = multiprocessing.connection.Pipe()
    press = PressSide(near, {}, {"much": lambda: "x" * 1_000_000}, lambda *_: False, lambda *_: None)
    press.start()
    for number in range(5):
        far.send_bytes(b'{"name": "much", "number": %d}' % number)
    assert far.poll(ENDS_S), "its sender has begun, and waits for room"
    assert press.close(10), "half of it for the other side's end, which does not come"
    assert near.closed
