"""Which ways a signed downlink takes to a device: over MQTT always, and by the bearers that it was heard on last.

A way is remembered only for frames that the device did make. Even then it is not to be trusted: whoever overheard a
frame can send it again under a DevEUI of his own. So several ways are remembered, those that the device was heard on
about as lately as on the latest are all used (an older one would only fill the queue of a radio that is gone), and what
goes out is signed. They are kept in memory: after a restart of the gateway the next uplink tells the way again, and a
device that listens only after its own uplinks (LoRaWAN class A) could not have been reached before.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.ports import AcknowledgementSender

_WAYS: Final = 3  # of one device
_LATELY_MS: Final = 15 * 60_000
_DEVICES: Final = 20_000
_COUNTER: Final = slice(10, 14)  # of a downlink frame


class ReplyBearer(Protocol):
    """A bearer that answers where a frame came from."""

    def send_to(self, origin: Hashable, frame: bytes) -> None:
        """As AcknowledgementSender.send, to the `origin` of one of this bearer's frames."""
        ...


class CommandSender(Protocol):
    """Sends COMMANDs, the same one as often as it is due."""

    def send_command(self, device_id: bytes, frame: bytes) -> None:
        """As AcknowledgementSender.send."""
        ...


@dataclass(frozen=True, slots=True)
class _Way:
    bearer: str
    origin: Hashable
    heard_ms: int
    command: bytes = b""  # down-counter of the last one that this way was given since then


class Downlinks:
    """ports.AcknowledgementSender and CommandSender over all bearers; from any thread."""

    def __init__(
        self,
        everywhere: AcknowledgementSender,
        bearers: Mapping[str, ReplyBearer],
        devices: int = _DEVICES,
        paid: Collection[str] = (),
    ) -> None:
        """`bearers` by their name in InboundFrame.bearer; `devices`: how many to remember, the longest unheard go;
        `paid`: bearers on which each frame is money, used only until the device is heard where everything goes."""
        self._paid = frozenset(paid)
        self._everywhere = everywhere
        self._bearers = bearers
        self._devices = devices
        self._ways: OrderedDict[bytes, list[_Way]] = OrderedDict()
        self._lock = threading.Lock()

    def came_by(self, device_id: bytes, frame: InboundFrame) -> None:
        """Remember where a genuine frame came from."""
        if frame.origin is None or frame.bearer not in self._bearers:
            self._stop_paying(device_id, frame.received_ms)
            return
        way = _Way(frame.bearer, frame.origin, frame.received_ms)
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

    def _stop_paying(self, device_id: bytes, heard_ms: int) -> None:
        """It was heard over MQTT, so that what goes there reaches it."""
        with self._lock:
            ways = self._ways.get(device_id)
            if ways:
                self._ways[device_id] = [way for way in ways if way.bearer not in self._paid or way.heard_ms > heard_ms]

    def send_command(self, device_id: bytes, frame: bytes) -> None:
        """A LoRaWAN network server and an SMS centre keep what they are given until the device is there. So these ways
        get a command again only after the device was heard on them: copies would stand in front of acknowledgements."""
        self._everywhere.send(device_id, frame)
        down_counter = frame[_COUNTER]
        with self._lock:
            known = self._ways.get(device_id, [])
            ways = [way for way in known if way.command != down_counter]
            if ways:
                self._ways[device_id] = [replace(way, command=down_counter) for way in known]
        for way in ways:
            self._bearers[way.bearer].send_to(way.origin, frame)

    def send(self, device_id: bytes, frame: bytes) -> None:
        self._everywhere.send(device_id, frame)
        self.send_by_ways(device_id, frame)

    def knows_a_way(self, device_id: bytes) -> bool:
        """Whether the device was heard on one of the bearers."""
        with self._lock:
            return bool(self._ways.get(device_id))

    def send_by_ways(self, device_id: bytes, frame: bytes) -> None:
        """As `send`, but not everywhere: only by the bearers that the device was heard on."""
        with self._lock:
            ways = list(self._ways.get(device_id, ()))
        for way in ways:
            self._bearers[way.bearer].send_to(way.origin, frame)
