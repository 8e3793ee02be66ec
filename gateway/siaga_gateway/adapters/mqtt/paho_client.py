"""paho's client, fixed for a thread that ends while it is told to stop."""

from __future__ import annotations

import contextlib

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode


class PahoClient(paho.Client):
    """The base class of all our clients."""

    def loop_stop(self) -> MQTTErrorCode:
        """paho checks its thread more than once, and after a disconnect it may have ended in between."""
        with contextlib.suppress(AttributeError):
            return super().loop_stop()
        return MQTTErrorCode.MQTT_ERR_SUCCESS
