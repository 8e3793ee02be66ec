"""The routes of a signed downlink to a device: always MQTT, plus the bearers that it was heard on last.

A route is learnt only from a frame that is new and its device's latest: an eavesdropper can replay any other frame from
a number or a DevEUI of his own. Such a replay is answered where it came from (`send_back`), teaches nothing and
displaces nothing. Even a new frame may have been intercepted and forwarded, so several routes are remembered, and all
that are about as recent as the latest are used (an older one would only fill the queue of a radio that is gone); and
what goes out is signed.

Routes are kept in memory: after a restart the next new uplink teaches them again, and a device that listens only after
its own uplinks (LoRaWAN class A) could not have been reached sooner.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

from siaga_gateway.domain.frame import counter_of
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ports import AcknowledgementSender

_WAYS: Final = 3  # per device
_LATELY_MS: Final = 15 * 60_000
_DEVICES: Final = 20_000
_HERE_MS: Final = 60 * 60_000  # a button in need is heard far more often than that


class ReplyReason(StrEnum):
    """What an answer responds to. On bearers that cost money each has its own budget, since only NEW cannot be a
    replay."""

    NEW = "new"  # a new frame, or news from the gateway
    AGAIN = "again"  # a repetition of the frame that taught the latest route, or of a newer one
    OLD = "old"  # a repetition of any other


class ReplyBearer(Protocol):
    """A bearer that can answer where a frame came from."""

    def send_to(self, origin: Hashable, frame: bytes, asked: ReplyReason = ReplyReason.NEW) -> None:
        """Like AcknowledgementSender.send, to the `origin` of one of this bearer's frames."""
        ...


class CommandSender(Protocol):
    """Sends COMMANDs, each as often as it is due."""

    def send_command(self, device_id: bytes, frame: bytes) -> None:
        """Like AcknowledgementSender.send."""
        ...


@dataclass(frozen=True, slots=True)
class _Way:
    bearer: str
    origin: Hashable
    heard_ms: int
    counter: int  # of the frame that taught it
    command: int | None = None  # down-counter of the last command sent this way since then


class Downlinks:
    """Implements ports.AcknowledgementSender and CommandSender over all bearers. Thread-safe."""

    def __init__(
        self,
        everywhere: AcknowledgementSender,
        bearers: Mapping[str, ReplyBearer],
        devices: int = _DEVICES,
        paid: Collection[str] = (),
        *,
        apart: bool = False,
    ) -> None:
        """apart: other machines' brokers are others, so what they send over MQTT does not reach the buttons of this
        one. bearers: by their name in InboundFrame.bearer. devices: how many to remember; those unheard the longest are
        dropped. paid: bearers that charge for each frame, used only until the device is heard on the free one."""
        self._paid = frozenset(paid)
        self._everywhere = everywhere
        self._bearers = bearers
        self._devices = devices
        self._ways: OrderedDict[bytes, list[_Way]] = OrderedDict()
        self._apart = apart
        self._here: OrderedDict[bytes, int] = OrderedDict()  # when each was heard last over MQTT, where that matters
        self._lock = threading.Lock()

    def came_by(self, device_id: bytes, frame: InboundFrame) -> None:
        """Remember the origin of an authentic frame that is new and its device's latest."""
        if frame.bearer not in self._bearers:
            if not frame.posed:  # sent under another's login, its origin proves nothing
                self._stop_paying(device_id, frame.received_ms)
                if self._apart:
                    self._heard_here(device_id, frame.received_ms)
            return
        if frame.origin is None:
            return
        way = _Way(frame.bearer, frame.origin, frame.received_ms, counter_of(frame.raw))
        with self._lock:
            others = [
                other
                for other in self._ways.pop(device_id, [])
                if (other.bearer, other.origin) != (way.bearer, way.origin)
                and way.heard_ms - other.heard_ms <= _LATELY_MS
            ]
            self._ways[device_id] = [way, *others][:_WAYS]
            while len(self._ways) > self._devices:
                self._ways.popitem(last=False)

    def _heard_here(self, device_id: bytes, heard_ms: int) -> None:
        with self._lock:
            self._here.pop(device_id, None)
            self._here[device_id] = heard_ms
            while len(self._here) > self._devices or next(iter(self._here.values())) < heard_ms - _HERE_MS:
                self._here.popitem(last=False)

    def _stop_paying(self, device_id: bytes, heard_ms: int) -> None:
        """The device was heard over MQTT, so what goes there reaches it."""
        with self._lock:
            ways = self._ways.get(device_id)
            if ways:
                self._ways[device_id] = [way for way in ways if way.bearer not in self._paid or way.heard_ms > heard_ms]

    def send_command(self, device_id: bytes, frame: bytes) -> None:
        """Send over MQTT, and on each other route once after the device was heard on it.

        A LoRaWAN network server and an SMS centre queue what they get until the device is there: copies would delay
        acknowledgements.
        """
        self._everywhere.send(device_id, frame)
        down_counter = counter_of(frame)
        with self._lock:
            known = self._ways.get(device_id, [])
            ways = [way for way in known if way.command != down_counter]
            if ways:
                self._ways[device_id] = [replace(way, command=down_counter) for way in known]
        for way in ways:
            self._bearers[way.bearer].send_to(way.origin, frame)

    def send(self, device_id: bytes, frame: bytes) -> None:
        self._everywhere.send(device_id, frame)
        self._by_bearers(device_id, frame)

    def send_back(self, device_id: bytes, frame: bytes, asking: InboundFrame, repeated: bool) -> None:
        """Answer a frame that teaches no route: over MQTT, and where it came from."""
        self._everywhere.send(device_id, frame)
        bearer = self._bearers.get(asking.bearer)
        if bearer is None or asking.origin is None:
            return
        asked = ReplyReason.NEW
        if repeated:
            with self._lock:
                taught = max((way.counter for way in self._ways.get(device_id, ())), default=None)
            latest = taught is not None and counter_of(asking.raw) >= taught
            asked = ReplyReason.AGAIN if latest else ReplyReason.OLD
        bearer.send_to(asking.origin, frame, asked)

    def knows_a_way(self, device_id: bytes) -> bool:
        """Whether the device was heard where only this process sends."""
        with self._lock:
            return bool(self._ways.get(device_id)) or device_id in self._here

    def send_by_ways(self, device_id: bytes, frame: bytes) -> None:
        """Like `send`, but only where the device was heard and only this process sends."""
        with self._lock:
            here = device_id in self._here
        if here:
            self._everywhere.send(device_id, frame)
        self._by_bearers(device_id, frame)

    def _by_bearers(self, device_id: bytes, frame: bytes) -> None:
        with self._lock:
            ways = list(self._ways.get(device_id, ()))
        for way in ways:
            self._bearers[way.bearer].send_to(way.origin, frame)
