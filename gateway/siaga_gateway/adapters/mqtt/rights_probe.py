"""What the broker lets us do, by MQTT 5, whose acknowledgements say so. Nobody listens to what it publishes."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from siaga_gateway.adapters.mqtt.client_factory import log_in
from siaga_gateway.adapters.mqtt.connection_errors import of_connecting, of_refusal, trouble
from siaga_gateway.adapters.mqtt.link import BrokerUnreachable
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.config.mqtt import BrokerSettings

_STEP_S: Final = 5.0
_REFUSED: Final = 0x80  # reason codes from here on are failures (MQTT 5, 2.4)


def rights(
    settings: BrokerSettings,
    section: str,
    client_id: str,
    publishes: Sequence[str] = (),
    subscribes: Sequence[str] = (),
) -> Mapping[str, bool | None]:
    """Return for each topic whether it was allowed; None: the broker did not say in time.

    Mosquitto 2.0 allows every subscription and then delivers nothing.

    Raises: BrokerUnreachable, `why` among its values; SettingsError.
    """
    connected: queue.SimpleQueue[ReasonCode] = queue.SimpleQueue()
    answered: queue.SimpleQueue[tuple[int | None, int]] = queue.SimpleQueue()
    client = PahoClient(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5)
    client.on_connect = lambda _client, _user, _flags, code, _properties: connected.put(code)
    client.on_publish = lambda _client, _user, mid, code, _properties: answered.put((mid, code.value))
    client.on_subscribe = lambda _client, _user, mid, codes, _properties: answered.put((mid, codes[0].value))
    client.connect_timeout = _STEP_S
    log_in(client, settings, section)
    try:
        client.connect(settings.host, settings.port, clean_start=True)
    except (OSError, ValueError) as error:
        raise BrokerUnreachable("passed_on", why=of_connecting(error, section, settings.host, settings.tls)) from error
    client.loop_start()
    try:
        try:
            code = connected.get(timeout=_STEP_S)
        except queue.Empty:
            raise BrokerUnreachable("passed_on", why=trouble("no_way", section, detail=TimeoutError())) from None
        if code.is_failure:
            raise BrokerUnreachable("passed_on", why=of_refusal(code, section, settings.user, client_id))
        asked: dict[int | None, str] = {}
        for topic in publishes:
            asked[client.publish(topic, b"", qos=1).mid] = topic
        for topic in subscribes:
            asked[client.subscribe(topic, qos=0)[1]] = topic
        return _answers(asked, answered)
    finally:
        client.disconnect()
        client.loop_stop()


def _answers(asked: Mapping[int | None, str], answered: queue.SimpleQueue[Any]) -> dict[str, bool | None]:
    found: dict[str, bool | None] = dict.fromkeys(asked.values())
    until = time.monotonic() + _STEP_S
    while None in found.values():
        try:
            mid, code = answered.get(timeout=max(0.01, until - time.monotonic()))
        except queue.Empty:
            break
        if mid in asked:
            found[asked[mid]] = code < _REFUSED
    return found
