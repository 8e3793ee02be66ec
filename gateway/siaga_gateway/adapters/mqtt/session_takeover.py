"""Ends a connection and its session at the broker, by taking over its client identifier (MQTT 3.1.1, 3.1.4-2).

For another client's connection, with brokers that check logins only at connect, and keep the connection of a removed
login; or for a session of our own that delivers nothing.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from paho.mqtt.enums import CallbackAPIVersion

from siaga_gateway.adapters.mqtt.client_factory import log_in
from siaga_gateway.adapters.mqtt.paho_client import PahoClient
from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.mqtt import BrokerSettings
from siaga_gateway.domain.errors import SiagaError

_DEADLINE_S: Final = 5.0

log = logging.getLogger(__name__)


def take_over(settings: BrokerSettings, client_id: str) -> None:
    """End another client's session. Never raises: failures are logged."""
    why = discard(settings, "mqtt", client_id)
    if why:
        log.error(Localized("log.broker.stands", login=client_id, why=why))


def discard(settings: BrokerSettings, section: str, client_id: str) -> str:
    """Log in as the gateway under that identifier, with a clean session, and disconnect. Returns why that failed, or an
    empty text; never raises. section: of the settings."""
    answered = threading.Event()
    refusals: list[str] = []

    def connected(_client: Any, _user: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            refusals.append(str(code))
        answered.set()

    client = PahoClient(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
    client.on_connect = connected
    client.connect_timeout = _DEADLINE_S
    try:
        log_in(client, settings, section)
        client.connect(settings.host, settings.port)
        client.loop_start()
        if not answered.wait(_DEADLINE_S):
            refusals.append("no answer")
    except (OSError, ValueError, RuntimeError, SiagaError) as error:  # RuntimeError: no thread to be had
        refusals.append(str(error))
    finally:
        client.disconnect()
        client.loop_stop()
    return refusals[0] if refusals else ""
