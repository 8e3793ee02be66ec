"""One connection to a broker, kept up for as long as the gateway runs; bearers build on it.

The callback in paho's network thread only queues. A frame's `acknowledge` may be called from any thread, any time
later: it remembers its connection, as a packet identifier means nothing on another one (MQTT 3.1.1, 4.4; the broker
redelivers what was not acknowledged).
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, cast

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from siaga_gateway.adapters.mqtt.batching_client import Message
from siaga_gateway.adapters.mqtt.client_factory import CONTESTED_S, RECONNECT_S, Client, new_client
from siaga_gateway.adapters.mqtt.connection_diagnosis import SETTLED_S, ConnectionDiagnosis
from siaga_gateway.adapters.mqtt.connection_errors import trouble
from siaga_gateway.adapters.mqtt.ordered_acknowledgements import OpenAcknowledgement, OrderedAcknowledgements
from siaga_gateway.adapters.mqtt.status_topic import StatusTopic
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.mqtt import BrokerSettings
from siaga_gateway.domain.errors import Failing
from siaga_gateway.service.inbound import FrameSink, InboundFrame
from siaga_gateway.service.ingest.flood_protection import FloodProtection
from siaga_gateway.service.ports import Clock

_NO_ROOM_S: Final = 5.0  # how long the reading thread waits for room; less than the shortest keep-alive
LARGEST_FRAME: Final = 1024  # a frame is at most 143 bytes; anything near this is not one

log = logging.getLogger(__name__)


class BrokerUnreachable(Failing):
    """The broker did not accept the connection; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """The frame in a message. For `origin`, `sender` and `posed` see InboundFrame."""

    raw: bytes
    origin: Hashable = None
    sender: Hashable = None
    posed: bool = False


class BrokerLink:
    """A bearer's connection. A subclass interprets messages; None stands for one without a frame.

    section: of the settings, for messages. status: topic for whether the gateway is online. facts: what it publishes
    about itself, by topic. retained: whether the broker must store these; None: if it can. session_s: speak MQTT 5 and
    have the session kept for so long; None: MQTT 3.1.1, with a session that the broker keeps until we return.
    on_change(up, why): called in paho's thread when the link comes up or goes down, except for the first time by
    `start`. on_flood(topic, frames), on_crowd(frames), ours(topic): called in the same thread, see
    service/ingest/flood_protection.py.
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
        retained: bool | None = None,
        facts: Mapping[str, str] = MappingProxyType({}),
        session_s: int | None = None,
        on_change: Callable[[bool, str], None] = lambda up, why: None,
        on_flood: Callable[[str, int], None] = lambda topic, frames: None,
        on_crowd: Callable[[int], None] = lambda frames: None,
        ours: Callable[[str], bool] = lambda topic: True,
    ) -> None:
        self._settings = settings
        self._section = section
        self._bearer = bearer
        self._topics = tuple(topics)
        self._clock = clock
        self._sink = sink
        self._on_change = on_change
        self._session_s = session_s
        self._well = True  # whether frames can be stored; see announce
        self._subscribed = threading.Event()
        self._first = True
        self._told_down = False
        self._stopping = False
        self._leaving = False  # this connection is being dropped for lack of room
        self._held_back = False
        self._heard_at = float("-inf")  # when the last message arrived, monotonic
        self._settling: threading.Timer | None = None
        self._client_id = client_id = settings.client_id or client_id
        self._standing = ConnectionDiagnosis(settings, section, client_id, retained)
        self._status = StatusTopic(status, facts, self._standing)
        self.floods = FloodProtection(
            lambda topic, frames: on_flood(str(topic), frames), on_crowd, lambda topic: ours(str(topic))
        )
        self._client = self._build(client_id)
        self._order = OrderedAcknowledgements(self._client)

    def read(self, topic: str, body: bytes) -> ReceivedFrame | None:
        """Return the frame in a message, or None. In paho's thread; never raises."""
        raise NotImplementedError

    def _build(self, client_id: str) -> Client:
        client = new_client(self._settings, self._section, client_id, is_5=self._session_s is not None)
        self._status.leave_will(client)
        client.on_connect = self._connected
        client.on_connect_fail = self._not_connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscription_taken
        client.on_message = self._message
        client.on_messages = self._messages
        return client

    @property
    def up(self) -> bool:
        """Connected and subscribed, and not deaf."""
        return self._subscribed.is_set() and not self.deaf

    @property
    def deaf(self) -> bool:
        """Connected and subscribed, but nothing is delivered; see self_checking_link.py."""
        return False

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def start(self, timeout_s: float, given_up: Callable[[], bool] = lambda: False) -> None:
        """Connect and subscribe, or return once `given_up`. Raises: BrokerUnreachable if the broker is silent for
        `timeout_s`.

        A broker may deliver queued messages before it answers the subscription: that counts as a sign of life.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self._client.connect(*self._address, **self._session)
                break
            except (OSError, ValueError) as error:  # ValueError: an impossible host name
                self._standing.failed(error)
            if given_up():
                return
            if time.monotonic() + 0.5 > deadline:
                raise self._unreachable()
            time.sleep(0.5)
        self._client.loop_start()
        deadline = max(deadline, time.monotonic() + 0.5)
        while not (self._subscribed.wait(0.05) or given_up()):
            if time.monotonic() < max(deadline, self._heard_at + timeout_s) and self._standing.refused_for is None:
                continue
            self._stopping = True
            self._client.disconnect()
            self._client.loop_stop()
            raise self._unreachable()

    def start_later(self) -> None:
        """Connect whenever the broker becomes available; `on_change` reports its initial absence."""
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

    def _unreachable(self) -> BrokerUnreachable:
        why = self._standing.refused_for or self._standing.trouble or trouble("no_answer", self._section)
        return BrokerUnreachable("broker.unreachable", where=self._where, why=why)

    def hold_back(self) -> None:
        """Accept no more frames; further ones stay unacknowledged. Acknowledging and sending still work.

        Workers that share the frames get our part from here on.
        """
        self._held_back = True
        if self._session_s is not None and self.up:
            self._client.unsubscribe(list(self._topics))

    def stop(self) -> None:
        """Disconnect; the broker keeps the session and queues what arrives meanwhile."""
        self._stopping = True
        self._settle_no_more()
        self._status.say_goodbye(self._client)
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, body: bytes) -> None:
        """Publish (QoS 1, not retained); dropped while the link is down, as the button asks again.

        Messages that arrive before the new subscription are from an earlier session, and are answered too.
        """
        if self._client.is_connected():
            self._client.send(topic, body)

    def announce(self, well: bool) -> None:
        """Publish in the status topic whether frames can be stored: a gateway that stores nothing is not online."""
        self._well = well
        if self._subscribed.is_set():
            self._say_status()

    def _say_status(self) -> None:
        self._status.say(self._client, self._well and not self.deaf)

    # Called in paho's thread from here on

    def _connected(
        self, client: paho.Client, _user: Any, flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            why = self._standing.refused(code)
            if why is None:
                self._status.retain_nothing(self._client, self._where)
                return
            log.error(Localized("log.broker.refused", where=self._where, why=why))
            self._tell_down(why)
            return
        if self._standing.greeted(flags.session_present, self._session_s is None):
            log.error(Localized("log.broker.no_session", where=self._where))
        self._order.next_connection(getattr(properties, "ReceiveMaximum", None))
        self._leaving = False
        self.floods.connected(time.monotonic())
        self._subscribe(*self._topics)

    def _subscribe(self, *topics: str) -> int | None:
        """Subscribe; thread-safe. Returns the message id of the answer."""
        options = 1 if self._session_s is None else SubscribeOptions(qos=1)
        return self._client.subscribe([(topic, options) for topic in topics])[1]  # type: ignore[arg-type]

    def _subscription_taken(
        self, client: paho.Client, _user: Any, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            self._subscription_refused()
            return
        if self._subscribed.is_set():
            return  # it was subscribed to again
        self._say_status()
        self._status.say_facts(self._client)
        self._standing.up(time.monotonic())
        self._subscribed.set()
        if self._standing.twin:  # it may be gone in a moment: not everybody is notified each time
            self._settling = threading.Timer(SETTLED_S, self._settled)
            self._settling.daemon = True
            try:
                self._settling.start()
            except RuntimeError:  # no thread to be had: raised here, it would end paho's
                self._settled()
        else:
            self._tell_up()

    def _subscription_refused(self) -> None:
        known = self._standing.refused_for is not None
        why = self._standing.no_subscription(", ".join(self._topics))
        if not known:
            log.error(Localized("log.broker.refused", where=self._where, why=why))
        self._subscribed.clear()
        self._tell_down(why)

    def _settled(self) -> None:
        self._standing.settled()
        self._client.reconnect_delay_set(*RECONNECT_S)
        self._tell_up()

    def _settle_no_more(self) -> None:
        if self._settling is not None:
            self._settling.cancel()

    def _disconnected(
        self, _client: paho.Client, _user: Any, _flags: Any, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._settle_no_more()
        self._order.next_connection()
        was_up = self._subscribed.is_set()
        self._subscribed.clear()
        retained = self._standing.retains
        twin = self._standing.twin
        why = self._ended(code)
        if self._standing.contested:
            # Whoever takes over our connection takes the presses that arrive meanwhile: reconnect before it does.
            self._client.reconnect_delay_set(*CONTESTED_S)
        if retained and not self._standing.retains:
            self._status.retain_nothing(self._client, self._where)
        elif self._standing.twin and not twin and not self._stopping:
            self._told_down = False  # that was reported as an ordinary end
            self._tell_down(why)
        elif was_up or not self._first:
            self._tell_down(why)

    def _ended(self, code: ReasonCode) -> Localized:
        """Return why a connection ended."""
        return self._standing.ended(code, time.monotonic())

    def _not_connected(self, _client: paho.Client, _user: Any) -> None:
        self._tell_down(self._standing.failed(self._client.failure))

    def _tell_up(self) -> None:
        if self._told_down:
            self._on_change(True, "")
        self._told_down = False
        self._first = False

    def _tell_down(self, why: Localized) -> None:
        """Report the loss of the link, once each time."""
        if self._stopping or self._told_down or self._first:
            return
        self._told_down = True
        log.warning(Localized("log.broker.gone", where=self._where, why=why))
        self._on_change(False, str(why))

    def _message(self, _client: paho.Client, _user: Any, message: paho.MQTTMessage) -> None:
        self._messages([Message(message.topic, bytes(message.payload), message.qos, message.mid, message.retain)])

    def _messages(self, messages: Sequence[Message]) -> None:
        self._heard_at = time.monotonic()
        if self._held_back:
            return
        above = self.floods.above([message.topic for message in messages], self._heard_at)
        now_ms = self._clock.now_ms()
        opened = self._order.begin(messages)
        for open_, message in zip(opened, messages, strict=True):
            if above and (left := above.get(message.topic)) is not None:
                if left == 0:
                    open_.done = True
                    continue
                above[message.topic] = left - 1
            self._take(message, open_, now_ms)
        if above:
            self._order.tell()

    def _take(self, message: Message, open_: OpenAcknowledgement, now_ms: int) -> None:
        acknowledge = partial(self._order.acknowledge, open_) if message.qos else _nothing
        brought = self.read(message.topic, message.body)
        if brought is None:
            acknowledge()
            return
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
            log.error(Localized("log.broker.no_room", where=self._where))
            return
        # Reading on would mean dropping frames. A new connection redelivers everything unacknowledged; whatever this
        # one has buffered is accepted as far as there is room, and comes again in any case.
        log.error(Localized("log.broker.left_there"))
        self._leaving = True
        self._order.next_connection()
        hang_up(self._client.socket())


def hang_up(sock: Any) -> None:
    """Close a client's connection, without a DISCONNECT; None: it has none."""
    if sock is not None:
        with contextlib.suppress(OSError):
            cast(socket.socket, sock).shutdown(socket.SHUT_RDWR)


def _nothing() -> None:
    """The acknowledgement of a message that needs none."""
