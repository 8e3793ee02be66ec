"""The run: each device sends its frames when due and repeats each until its answer verifies.

It behaves like a button (firmware/PROTOCOL.md, 5.11): the first repeat after about three seconds, then ever later, a
press at most twelve seconds apart; what could not be sent while the link was down is sent when it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import hmac
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from siaga_gateway.domain.frame import (
    Kind,
    Stage,
    ack_tag,
    counter_of,
    device_id_of,
    digest_of,
    glance_down,
    stage_of,
    unsigned_and_tag,
)
from siaga_tools.load import mqtt_packets
from siaga_tools.load.connection import Broker, BrokerRefused, Connection, Heard
from siaga_tools.load.presign import DeviceReplyKey, PreparedLoad, SignedFrame
from siaga_tools.load.results import Results
from siaga_tools.messages import Trouble

# First and longest wait, seconds, as a real button's over MQTT (siaga/core/bearer_policy.py).
WAITS: Final[Mapping[Kind, tuple[float, float]]] = {
    Kind.PRESS: (3.0, 12.0),
    Kind.CANCEL: (3.0, 60.0),
    Kind.UPDATE: (5.0, 60.0),
    Kind.CHECKIN: (10.0, 300.0),
}
_FIRST_ANSWERS: Final = frozenset({Stage.RECEIVED, Stage.TEST, Stage.REFUSED})
_AT_ONCE: Final = 100  # connections made concurrently
_TURN_S: Final = 0.001
_IDLE_S: Final = 0.05


@dataclass(slots=True)
class PendingFrame:
    """An unacknowledged frame."""

    ready: SignedFrame
    due_s: float = 0.0
    first_s: float = 0.0
    attempts: int = 0
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionMode:
    """How the devices connect: over `connections` shared ones, or, with None, each over its own, as buttons do.
    Passwords by device_id in hex, if the broker wants one for each device."""

    broker: Broker
    connections: int | None = 4
    passwords: Mapping[str, str] | None = None


class _Device:
    """One virtual device.

    frames: by counter
    """

    __slots__ = ("face", "frames", "head", "link", "topic")

    def __init__(self, face: DeviceReplyKey, link: Connection) -> None:
        self.face = face
        self.link = link
        self.topic = f"siaga/v1/up/{face.device_id.hex()}"
        self.frames: dict[int, PendingFrame] = {}


class LoadRun:
    """One run. `tally` and `unanswered` may be read meanwhile, from its own thread."""

    def __init__(
        self,
        made: PreparedLoad,
        lines: ConnectionMode,
        *,
        name: str = "siaga-bench",
        waits: Mapping[Kind, tuple[float, float]] = WAITS,
        seed: int = 0,
    ) -> None:
        self.tally = Results()
        self._frames = made.frames
        self._waits = waits
        self._chance = random.Random(seed)  # noqa: S311 (spreads repetitions, guards nothing)
        self.links = _connections(made.faces, lines, name, self._heard)
        own = lines.connections is None
        self._devices = [
            _Device(face, self.links[number if own else number % len(self.links)])
            for number, face in enumerate(made.faces)
        ]
        self._by_topic = {f"siaga/v1/down/{device.face.device_id.hex()}": device for device in self._devices}
        self._again: list[tuple[float, int, PendingFrame]] = []  # when to repeat, a tie-breaking number, what
        self._number = 0
        self._next = 0
        self._begun = 0.0
        self._stopped = False
        self.took_s = 0.0

    def stop(self) -> None:
        """Send nothing new; pending frames are still repeated. Within the loop's own thread."""
        self._stopped = True

    def unanswered(self) -> list[SignedFrame]:
        """Return the frames that were sent and not acknowledged."""
        return [one.ready for device in self._devices for one in device.frames.values() if not one.acknowledged]

    def sent(self) -> list[SignedFrame]:
        """Return the frames that were sent."""
        return [one.ready for device in self._devices for one in device.frames.values()]

    async def run(self, wait_s: float, connect_s: float = 60.0) -> None:
        """Connect, send everything, and await answers until `wait_s` after the last frame was first sent. Raises
        Trouble if the broker is missing or refuses. If cancelled, it leaves the tally as it is."""
        gate = asyncio.Semaphore(_AT_ONCE)
        keeping = [asyncio.create_task(link.keep(gate)) for link in self.links]
        try:
            await self._connected(keeping, connect_s)
            self._begun = time.perf_counter()
            await self._send_all(wait_s)
        finally:
            if self._begun:
                self.took_s = self._now_s()
                if self.tally.waiting:
                    self.tally.quiet_until(self.took_s)
            for task in keeping:
                task.cancel()
            with contextlib.suppress(BrokerRefused, asyncio.CancelledError):
                await asyncio.gather(*keeping, return_exceptions=True)

    async def _connected(self, keeping: Sequence[asyncio.Task[None]], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not all(link.up for link in self.links):
            for task in keeping:
                if task.done() and (error := task.exception()) is not None:
                    if isinstance(error, BrokerRefused):
                        raise Trouble("load_broker_refuses", why=error) from error
                    raise error
            if time.monotonic() > deadline:
                up = sum(link.up for link in self.links)
                raise Trouble("load_broker_silent", up=up, wanted=len(self.links), seconds=round(within_s))
            await asyncio.sleep(0.02)

    async def _send_all(self, wait_s: float) -> None:
        last_s = 0.0
        while True:
            now = self._now_s()
            sent = self._send_due(now)
            repeated = self._repeat_due(now)
            if sent:
                last_s = now
            ended = self._stopped or self._next == len(self._frames)
            if ended and (not self.tally.waiting or now - last_s > wait_s):
                return
            if not self._stopped and self._next < len(self._frames):
                pause_s = min(max(self._frames[self._next].at_s - self._now_s(), 0.0), _IDLE_S)
            else:
                pause_s = _IDLE_S / 5
            await asyncio.sleep(0 if sent + repeated and pause_s < _TURN_S else max(pause_s, _TURN_S))

    def _send_due(self, now: float) -> int:
        if self._stopped:
            return 0
        sent = 0
        frames, count = self._frames, len(self._frames)
        while self._next < count and frames[self._next].at_s <= now and sent < 500:
            ready = frames[self._next]
            self._next += 1
            sent += 1
            one = PendingFrame(ready, first_s=now)
            self._devices[ready.device].frames[ready.counter] = one
            self.tally.sent(ready.kind, now, now - ready.at_s)
            self._send(one, now)
        return sent

    def _repeat_due(self, now: float) -> int:
        repeated = 0
        again = self._again
        while again and again[0][0] <= now and repeated < 500:
            one = heapq.heappop(again)[2]
            if one.acknowledged:
                continue
            repeated += 1
            self._send(one, now)
        return repeated

    def _send(self, one: PendingFrame, now: float) -> None:
        ready = one.ready
        device = self._devices[ready.device]
        first_s, longest_s = self._waits[ready.kind]
        if device.link.up:
            if one.attempts:
                self.tally.resent(ready.kind, now)
            device.link.publish(mqtt_packets.publish_head(device.topic, len(ready.frame)), ready.frame)
            step = min(first_s * 2 ** min(one.attempts, 10), longest_s)
            one.attempts += 1
            pause = step / 2 + self._chance.random() * step / 2
        else:
            # It is sent as soon as there is a link; polled often enough for a press.
            pause = min(0.2, first_s)
        self._number += 1
        heapq.heappush(self._again, (now + pause, self._number, one))

    def _heard(self, topic: str, frame: bytes, now: float) -> None:
        device = self._by_topic.get(topic)
        if device is None or device_id_of(frame) != device.face.device_id:
            self.tally.forged += 1
            return
        kind = glance_down(frame)
        if kind is Kind.COMMAND:
            return  # a virtual device carries out no commands
        one = device.frames.get(counter_of(frame))
        if one is None:
            self.tally.stale += 1
            return
        unsigned, tag = unsigned_and_tag(frame)
        right = ack_tag(device.face.mac_down, unsigned, digest_of(one.ready.frame))
        if kind is not Kind.ACK or not hmac.compare_digest(right, tag):
            self.tally.forged += 1
            return
        stage = stage_of(frame)
        if stage not in _FIRST_ANSWERS:
            self.tally.later_stages += 1
            return
        now_s = now - self._begun
        if one.acknowledged:
            self.tally.classes[one.ready.kind].again += 1
            return
        one.acknowledged = True
        self.tally.acknowledged(one.ready.kind, now_s, now_s - one.first_s, refused=stage == Stage.REFUSED)

    def _now_s(self) -> float:
        return time.perf_counter() - self._begun


def _connections(faces: Sequence[DeviceReplyKey], lines: ConnectionMode, name: str, heard: Heard) -> list[Connection]:
    def down(some: Sequence[DeviceReplyKey]) -> list[str]:
        return [f"siaga/v1/down/{face.device_id.hex()}" for face in some]

    if lines.connections is None:
        links = []
        for face in faces:
            identity = face.device_id.hex()
            broker = lines.broker
            if lines.passwords is not None:
                broker = replace(broker, user=identity, password=lines.passwords.get(identity))
            links.append(Connection(broker, identity, down([face]), heard))
        return links
    count = min(lines.connections, len(faces))
    return [Connection(lines.broker, f"{name}-{n}", down(faces[n::count]), heard) for n in range(count)]
