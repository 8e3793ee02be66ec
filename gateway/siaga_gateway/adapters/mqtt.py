"""The broker, both ways: frames in with the acknowledgement after the commit, signed downlinks out.

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
from collections.abc import Callable
from typing import Any, Final, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from siaga_gateway.config import MqttSettings
from siaga_gateway.service.inbound import FrameSink, InboundFrame
from siaga_gateway.service.ports import Clock

UP: Final = "siaga/v1/up/"
DOWN: Final = "siaga/v1/down/"
_NO_ROOM_S: Final = 5.0  # how long the reading thread waits for room; below the smallest keep-alive
_LARGEST_FRAME: Final = 1024  # a frame is 143 bytes at most; anything near this is not one
_FAREWELL_S: Final = 2.0

log = logging.getLogger(__name__)


class BrokerUnreachable(Exception):
    """The broker did not take the connection; the text names it and says why."""


class MqttLink:
    """One connection to the broker, kept up for as long as the gateway runs.

    `on_change(up, why)` is called from paho's thread when the link comes up or goes down, not for its first coming up.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        gateway: str,
        clock: Clock,
        sink: FrameSink,
        on_change: Callable[[bool, str], None] = lambda up, why: None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sink = sink
        self._on_change = on_change
        self._status = f"siaga/v1/gateway/{gateway}/status"
        # Counts connections, see acknowledge. The lock keeps the look at it and the acknowledging together: between
        # the two the connection may be lost and another begun.
        self._connection = 0
        self._connection_lock = threading.Lock()
        self._well = True  # whether frames can be stored; see announce
        self._subscribed = threading.Event()
        self._first = True
        self._stopping = False
        self._leaving = False  # this connection is being dropped for want of room
        self._held_back = False
        self._refusal = ""
        self._client = self._build(settings.client_id or f"siaga-gateway-{gateway}")

    def _build(self, client_id: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        if self._settings.user is not None:
            password = self._settings.password
            client.username_pw_set(self._settings.user, password.get_secret_value() if password else None)
        if self._settings.tls:
            ca = self._settings.ca
            client.tls_set_context(ssl.create_default_context(cafile=str(ca) if ca else None))
        client.will_set(self._status, "offline", qos=1, retain=True)
        client.reconnect_delay_set(min_delay=1, max_delay=15)
        client.connect_timeout = 5.0
        client.max_inflight_messages_set(200)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscription_taken
        client.on_message = self._message
        return client

    @property
    def up(self) -> bool:
        """Connected and subscribed."""
        return self._subscribed.is_set()

    def start(self) -> None:
        """Connect and subscribe. Raises BrokerUnreachable after `start_timeout_s`."""
        where = f"{self._settings.host}:{self._settings.port}"
        deadline = time.monotonic() + self._settings.start_timeout_s
        reason = "no answer"
        while True:
            try:
                self._client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s)
                break
            except (OSError, ValueError) as error:  # ValueError: a host name that cannot be one
                reason = getattr(error, "strerror", None) or str(error)
            if time.monotonic() + 0.5 > deadline:
                raise BrokerUnreachable(self._unreachable(where, reason))
            time.sleep(0.5)
        self._client.loop_start()
        deadline = max(deadline, time.monotonic() + 0.5)
        while not self._subscribed.wait(0.05):
            if time.monotonic() < deadline and not self._refusal:
                continue
            self._client.disconnect()
            self._client.loop_stop()
            raise BrokerUnreachable(self._unreachable(where, self._refusal or "it accepted no subscription in time"))

    def _unreachable(self, where: str, reason: str) -> str:
        return (
            f"no MQTT broker at {where} ({reason}). Start it (on Debian: sudo systemctl start mosquitto), or name "
            "another by the settings mqtt.host, mqtt.port, mqtt.tls, mqtt.user and mqtt.password"
        )

    def hold_back(self) -> None:
        """Take no more frames; what comes from now on stays unacknowledged. `acknowledge` and `send` still work."""
        self._held_back = True

    def stop(self) -> None:
        """Say goodbye; the broker keeps the session and holds what comes meanwhile."""
        self._stopping = True
        if self._client.is_connected():
            farewell = self._client.publish(self._status, "offline", qos=1, retain=True)
            try:
                farewell.wait_for_publish(_FAREWELL_S)
            except (RuntimeError, ValueError):
                log.info("the broker did not take the farewell; its last will says the same")
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, device_id: bytes, frame: bytes) -> None:
        """Publish a downlink (QoS 1, not retained). Without a link it is dropped: the button asks again."""
        if self.up:
            self._client.publish(DOWN + device_id.hex(), frame, qos=1)

    def announce(self, well: bool) -> None:
        """Say in the status topic whether frames can be stored: a gateway that stores nothing is not on line."""
        self._well = well
        if self.up:
            self._client.publish(self._status, "online" if well else "offline", qos=1, retain=True)

    def _next_connection(self) -> None:
        with self._connection_lock:
            self._connection += 1

    # Called by paho's thread from here on

    def _connected(
        self, client: paho.Client, _user: Any, _flags: Any, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._refusal = f"it refused the connection: {code}"
            log.error("the broker refused the connection: %s", code)
            return
        self._next_connection()
        self._leaving = False
        client.subscribe(f"{UP}+", qos=1)

    def _subscription_taken(
        self, client: paho.Client, _user: Any, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            self._refusal = f"it refused the subscription to {UP}+: check the broker's access rules"
            log.error("the broker refused the subscription to %s+: check its access rules", UP)
            return
        client.publish(self._status, "online" if self._well else "offline", qos=1, retain=True)
        self._subscribed.set()
        if not self._first:
            self._on_change(True, "")
        self._first = False

    def _disconnected(
        self, _client: paho.Client, _user: Any, _flags: Any, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._next_connection()
        was_up = self._subscribed.is_set()
        self._subscribed.clear()
        if was_up and not self._stopping:
            log.warning("the broker is gone: %s; trying again until it is back", code)
            self._on_change(False, str(code))

    def _message(self, client: paho.Client, _user: Any, message: paho.MQTTMessage) -> None:
        if self._held_back:
            return
        connection, mid, qos = self._connection, message.mid, message.qos

        def acknowledge() -> None:
            with self._connection_lock:
                if connection == self._connection and qos > 0:
                    client.ack(mid, qos)

        frame = InboundFrame(
            raw=bytes(message.payload[:_LARGEST_FRAME]),
            received_ms=self._clock.now_ms(),
            bearer="mqtt",
            acknowledge=acknowledge,
        )
        if self._sink.offer(frame, 0 if self._leaving else _NO_ROOM_S) or self._leaving:
            return
        # Reading on would mean dropping. A new connection brings again whatever was not acknowledged; what this one
        # has still in its buffer is taken as far as there is room, and comes again in any case.
        log.error("no room for more frames: leaving them at the broker and connecting anew")
        self._leaving = True
        self._next_connection()
        sock = client.socket()
        if sock is not None:
            with contextlib.suppress(OSError):
                cast(socket.socket, sock).shutdown(socket.SHUT_RDWR)
