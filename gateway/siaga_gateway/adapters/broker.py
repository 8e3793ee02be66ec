"""One connection to a broker, kept up for as long as the gateway runs; what a bearer makes of it is its own.

The callback of paho's network thread only queues. `acknowledge` of a frame may be called from any thread and any time
later: it carries the number of the connection that the frame came by, for a packet identifier means nothing on another
connection (MQTT 3.1.1, 4.4; the broker sends what was not acknowledged again).
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from siaga_gateway.adapters.draining import DrainingClient, Message
from siaga_gateway.config import BrokerSettings
from siaga_gateway.service.inbound import FrameSink, InboundFrame
from siaga_gateway.service.ports import Clock

_NO_ROOM_S: Final = 5.0  # how long the reading thread waits for room; below the smallest keep-alive
LARGEST_FRAME: Final = 1024  # a frame is 143 bytes at most; anything near this is not one
_FAREWELL_S: Final = 2.0

log = logging.getLogger(__name__)


class BrokerUnreachable(Exception):
    """The broker did not take the connection; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Brought:
    """The frame in a message. `origin`, `sender`, `posed`: see InboundFrame."""

    raw: bytes
    origin: Hashable = None
    sender: Hashable = None
    posed: bool = False


@dataclass(slots=True)
class _Open:
    """A message that the broker has not been told about yet."""

    connection: int
    mid: int
    done: bool = False


class BrokerLink:
    """A bearer's connection. A subclass says what a message means; `None` stands for one that brings no frame.

    `section` is the settings' section, for messages. `status`: topic where the gateway says that it is there;
    `facts`: what it says of itself, by topic; `retained`: whether the broker is to keep these.
    `session_s`: speak MQTT 5 and have the session kept for so
    long; none: MQTT 3.1.1, and a session that the broker keeps until we are back.
    `on_change(up, why)` is called from paho's thread when the link comes up or goes down, not for its first coming up
    by `start`.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        section: str,
        bearer: str,
        client_id: str,
        topics: Sequence[str],
        clock: Clock,
        sink: FrameSink,
        status: str | None = None,
        retained: bool = True,
        facts: Mapping[str, str] = MappingProxyType({}),
        session_s: int | None = None,
        on_change: Callable[[bool, str], None] = lambda up, why: None,
    ) -> None:
        self._settings = settings
        self._section = section
        self._bearer = bearer
        self._topics = tuple(topics)
        self._clock = clock
        self._sink = sink
        self._on_change = on_change
        self._status = status
        self._retained = retained
        self._facts = facts
        self._session_s = session_s
        # Counts connections, see _acknowledge. The lock keeps the look at it and the acknowledging together: between
        # the two the connection may be lost and another begun.
        self._connection = 0
        self._well = True  # whether frames can be stored; see announce
        self._open: deque[_Open] = deque()
        self._order = threading.Lock()
        self._subscribed = threading.Event()
        self._first = True
        self._told_down = False
        self._stopping = False
        self._leaving = False  # this connection is being dropped for want of room
        self._held_back = False
        self._heard_at = float("-inf")  # when a message came last, monotonic
        self._refusal = ""
        self._client = self._build(settings.client_id or client_id)

    def read(self, topic: str, body: bytes) -> Brought | None:
        """The frame in a message, or None. From paho's thread; never raises."""
        raise NotImplementedError

    def _build(self, client_id: str) -> DrainingClient:
        client = DrainingClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False if self._session_s is None else None,
            protocol=paho.MQTTv311 if self._session_s is None else paho.MQTTv5,
            manual_ack=True,
        )
        if self._settings.user is not None:
            password = self._settings.password
            client.username_pw_set(self._settings.user, password.get_secret_value() if password else None)
        if self._settings.tls:
            ca = self._settings.ca
            client.tls_set_context(ssl.create_default_context(cafile=str(ca) if ca else None))
        if self._status is not None:
            client.will_set(self._status, "offline", qos=1, retain=self._retained)
        client.reconnect_delay_set(min_delay=1, max_delay=15)
        client.connect_timeout = 5.0
        client.max_inflight_messages_set(200)
        client.on_socket_open = _undelayed
        client.on_connect = self._connected
        client.on_connect_fail = self._not_connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscription_taken
        client.on_message = self._message
        client.on_messages = self._messages
        return client

    @property
    def up(self) -> bool:
        """Connected and subscribed."""
        return self._subscribed.is_set()

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def start(self, timeout_s: float) -> None:
        """Connect and subscribe. Raises BrokerUnreachable where the broker says nothing for `timeout_s`.

        A broker may bring what has piled up for us before it answers the subscription: as long as it does, it is there.
        """
        where = self._where
        deadline = time.monotonic() + timeout_s
        reason = "no answer"
        while True:
            try:
                self._client.connect(*self._address, **self._session)
                break
            except (OSError, ValueError) as error:  # ValueError: a host name that cannot be one
                reason = getattr(error, "strerror", None) or str(error)
            if time.monotonic() + 0.5 > deadline:
                raise BrokerUnreachable(self._unreachable(where, reason))
            time.sleep(0.5)
        self._client.loop_start()
        deadline = max(deadline, time.monotonic() + 0.5)
        while not self._subscribed.wait(0.05):
            if time.monotonic() < max(deadline, self._heard_at + timeout_s) and not self._refusal:
                continue
            self._client.disconnect()
            self._client.loop_stop()
            raise BrokerUnreachable(self._unreachable(where, self._refusal or "it accepted no subscription in time"))

    def start_later(self) -> None:
        """Connect when the broker is there, however long that takes; `on_change` hears of its first absence."""
        self._first = False
        self._client.connect_async(*self._address, **self._session)
        self._client.loop_start()

    @property
    def _address(self) -> tuple[str, int, int]:
        return self._settings.host, self._settings.port, self._settings.keepalive_s

    @property
    def _session(self) -> dict[str, Any]:
        if self._session_s is None:
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session_s
        return {"clean_start": False, "properties": properties}

    def _unreachable(self, where: str, reason: str) -> str:
        names = ", ".join(f"{self._section}.{name}" for name in ("host", "port", "tls", "user"))
        return (
            f"no MQTT broker at {where} ({reason}). Start it (on Debian: sudo systemctl start mosquitto), or name "
            f"another by the settings {names} and {self._section}.password"
        )

    def hold_back(self) -> None:
        """Take no more frames; what comes from now on stays unacknowledged. Acknowledging and sending still work.
        Others that share the frames get our part from here on."""
        self._held_back = True
        if self._session_s is not None and self.up:
            self._client.unsubscribe(list(self._topics))

    def stop(self) -> None:
        """Say goodbye; the broker keeps the session and holds what comes meanwhile."""
        self._stopping = True
        if self._status is not None and self._client.is_connected():
            farewell = self._client.publish(self._status, "offline", qos=1, retain=self._retained)
            try:
                farewell.wait_for_publish(_FAREWELL_S)
            except (RuntimeError, ValueError):
                log.info("the broker did not take the farewell; its last will says the same")
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, body: bytes) -> None:
        """Publish (QoS 1, not retained). Without a link it is dropped: the button asks again. What comes before the
        subscription is taken anew is of an earlier session, and is answered too."""
        if self._client.is_connected():
            self._client.send(topic, body)

    def announce(self, well: bool) -> None:
        """Say in the status topic whether frames can be stored: a gateway that stores nothing is not on line."""
        self._well = well
        if self.up and self._status is not None:
            self._client.publish(self._status, "online" if well else "offline", qos=1, retain=self._retained)

    def _next_connection(self, receive_maximum: int | None = None) -> None:
        with self._order:
            self._connection += 1
            self._client.begin_connection(receive_maximum)

    def _acknowledge(self, message: _Open) -> None:
        """Tell the broker of all that is done up to the first that is not: in the order in which messages came
        (MQTT 3.1.1, 4.6), also where one between others brings no frame and is done at once."""
        with self._order:
            message.done = True
            while self._open and (self._open[0].done or self._open[0].connection != self._connection):
                first = self._open.popleft()
                if first.connection == self._connection:
                    self._client.acknowledge(first.mid)

    # Called by paho's thread from here on

    def _connected(
        self, client: paho.Client, _user: Any, _flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._refusal = f"it refused the connection: {code}"
            log.error("the broker at %s refused the connection: %s", self._where, code)
            self._tell_down(self._refusal)
            return
        self._next_connection(getattr(properties, "ReceiveMaximum", None))
        self._leaving = False
        if self._session_s is None:
            client.subscribe([(topic, 1) for topic in self._topics])
        else:
            client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in self._topics])

    def _subscription_taken(
        self, client: paho.Client, _user: Any, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            topics = ", ".join(self._topics)
            self._refusal = f"it refused the subscription to {topics}: check the broker's access rules"
            log.error("the broker at %s refused the subscription to %s: check its access rules", self._where, topics)
            self._tell_down(self._refusal)
            return
        if self._status is not None:
            client.publish(self._status, "online" if self._well else "offline", qos=1, retain=self._retained)
        for topic, fact in self._facts.items():
            client.publish(topic, fact, qos=1, retain=self._retained)
        self._subscribed.set()
        if self._told_down:
            self._on_change(True, "")
        self._told_down = False
        self._first = False

    def _disconnected(
        self, _client: paho.Client, _user: Any, _flags: Any, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._next_connection()
        was_up = self._subscribed.is_set()
        self._subscribed.clear()
        if was_up:
            self._tell_down(str(code))

    def _not_connected(self, _client: paho.Client, _user: Any) -> None:
        self._tell_down("it does not answer")

    def _tell_down(self, why: str) -> None:
        """Once for each time that the link is away."""
        if self._stopping or self._told_down or self._first:
            return
        self._told_down = True
        log.warning("the broker at %s is gone: %s; trying again until it is back", self._where, why)
        self._on_change(False, why)

    def _message(self, _client: paho.Client, _user: Any, message: paho.MQTTMessage) -> None:
        self._messages([Message(message.topic, bytes(message.payload), message.qos, message.mid)])

    def _messages(self, messages: Sequence[Message]) -> None:
        self._heard_at = time.monotonic()
        if self._held_back:
            return
        opened = [_Open(self._connection, message.mid) for message in messages]
        with self._order:
            self._open.extend(open_ for open_, message in zip(opened, messages, strict=True) if message.qos)
        now_ms = self._clock.now_ms()
        for open_, message in zip(opened, messages, strict=True):
            acknowledge = partial(self._acknowledge, open_) if message.qos else _nothing
            brought = self.read(message.topic, message.body)
            if brought is None:
                acknowledge()
                continue
            frame = InboundFrame(
                brought.raw[:LARGEST_FRAME],
                now_ms,
                self._bearer,
                acknowledge,
                brought.origin,
                brought.sender,
                brought.posed,
            )
            if not self._sink.offer(frame, 0 if self._leaving else _NO_ROOM_S) and not self._leaving:
                self._leave(message.qos)

    def _leave(self, qos: int) -> None:
        """There was no room for a frame."""
        if qos == 0:
            log.error("no room for a frame that the broker at %s will not bring again: the button will", self._where)
            return
        # Reading on would mean dropping. A new connection brings again whatever was not acknowledged; what this one
        # has still in its buffer is taken as far as there is room, and comes again in any case.
        log.error("no room for more frames: leaving them at the broker and connecting anew")
        self._leaving = True
        self._next_connection()
        sock = self._client.socket()
        if sock is not None:
            with contextlib.suppress(OSError):
                cast(socket.socket, sock).shutdown(socket.SHUT_RDWR)


def _nothing() -> None:
    """To acknowledge what wants no acknowledgement."""


def _undelayed(_client: paho.Client, _user: Any, sock: Any) -> None:
    """Without Nagle's algorithm: an answer behind a PUBACK would wait some 40 ms for the broker's TCP."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
