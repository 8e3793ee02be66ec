"""One connection to a broker for publishing: it stands or is gone; nothing in it is sent again by itself."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from siaga_gateway.adapters.mqtt.client_factory import log_in
from siaga_gateway.adapters.mqtt.connection_errors import of_connecting, of_refusal
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.catalogue.localized import Localized, original
from siaga_gateway.config.mqtt import BrokerSettings
from siaga_gateway.domain.errors import Failing
from siaga_gateway.formats.mqtt_topics import Message

_REFUSED: Final = 0x80  # reason codes from here on
_WITH_WILL: Final = "Disconnect with will message"


class SessionLost(Failing):
    """There is no connection, or it ended before what was asked for; the text says why."""


@dataclass(frozen=True, slots=True)
class Login:
    """How to reach the broker, and as whom."""

    settings: BrokerSettings
    section: str  # of the settings, for what is told
    client_id: str


class PublishingSession:
    """Call `open` once, `publish` from any thread, `close`. Nobody's messages wait in it for a next connection: whoever
    gets no acknowledgement publishes again, in a new session."""

    def __init__(self, login: Login, will: Message | None) -> None:
        """will: what the broker publishes when this ends. Raises: SettingsError."""
        self._login = login
        self._will = will
        self._acknowledged: dict[int, Future[ReasonCode]] = {}
        self._greeted: Future[ReasonCode] = Future()
        self._gone: Localized | None = None
        self._abandoned = threading.Event()
        self.retains = True
        client = PahoClient(
            CallbackAPIVersion.VERSION2,
            client_id=login.client_id,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
        )
        log_in(client, login.settings, login.section)
        client.max_inflight_messages_set(0)  # as many as the broker allows
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        if will is not None:
            client.will_set(will.topic, will.body, qos=1, retain=will.retained)
        self._client = client

    @property
    def gone(self) -> bool:
        return self._gone is not None

    @property
    def has_will(self) -> bool:
        return self._will is not None

    def open(self, until: float) -> None:
        """Connect and log in. Blocks; name look-up and TLS have no deadline of their own. Raises: SessionLost,
        TimeoutError."""
        to, section = self._login.settings, self._login.section
        self._client.connect_timeout = max(0.1, until - time.monotonic())
        try:
            self._client.connect(to.host, to.port, to.keepalive_s, clean_start=True)
        except (OSError, ValueError) as error:
            self._gone = of_connecting(error, section, to.host, to.tls)
            raise SessionLost("passed_on", why=self._gone) from None
        self._client.loop_start()
        if self._abandoned.is_set():
            self.close()
            raise TimeoutError
        code = self._greeted.result(max(0.0, until - time.monotonic()))
        if code.value >= _REFUSED:
            self._gone = of_refusal(code, section, to.user, self._login.client_id)
            self.close()
            raise SessionLost("passed_on", why=self._gone)

    def publish(self, message: Message, until: float) -> ReasonCode:
        """Publish under QoS 1. Returns the reason code of its acknowledgement. Raises: SessionLost, TimeoutError."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = message.content_type
        if message.expires_s is not None:
            properties.MessageExpiryInterval = message.expires_s
        sent = self._client.publish(message.topic, message.body, 1, message.retained, properties)
        # The acknowledgement may be here already. No lock: paho holds one of its own when it calls us.
        waiting = self._acknowledged.setdefault(sent.mid, Future())
        try:
            if sent.rc != MQTTErrorCode.MQTT_ERR_SUCCESS or self._gone is not None:
                raise SessionLost("passed_on", why=self._gone or Localized("errors.exchange.closed"))
            return waiting.result(max(0.0, until - time.monotonic()))
        finally:
            self._acknowledged.pop(sent.mid, None)

    def abandon(self) -> None:
        """Whoever waited for `open` is gone: should it still succeed, it ends at once."""
        self._abandoned.set()
        self.close()

    def close(self) -> None:
        """End the connection; with a will it is published now. Again: nothing."""
        reason = ReasonCode(PacketTypes.DISCONNECT, _WITH_WILL) if self._will is not None else None
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._client.disconnect(reason)
            self._client.loop_stop()
        self._end(self._gone or Localized("errors.exchange.closed"))

    # In paho's thread

    def _on_connect(self, _client: Any, _user: Any, _flags: Any, code: ReasonCode, properties: Any) -> None:
        self.retains = getattr(properties, "RetainAvailable", 1) != 0
        if not self._greeted.done():
            self._greeted.set_result(code)

    def _on_publish(self, _client: Any, _user: Any, mid: int, code: ReasonCode, _properties: Any) -> None:
        waiting = self._acknowledged.setdefault(mid, Future())
        if not waiting.done():
            waiting.set_result(code)

    def _on_disconnect(self, _client: Any, _user: Any, _flags: Any, code: ReasonCode, _properties: Any) -> None:
        self._end(Localized("errors.broker.lost", detail=original(str(code))))

    def _end(self, why: Localized) -> None:
        self._gone = self._gone or why
        for waiting in (self._greeted, *list(self._acknowledged.values())):
            with contextlib.suppress(Exception):  # answered meanwhile
                waiting.set_exception(SessionLost("passed_on", why=why))
