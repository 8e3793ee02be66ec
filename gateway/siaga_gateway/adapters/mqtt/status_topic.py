"""The topic where a gateway publishes whether it is online, and topics for facts about it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from siaga_gateway.adapters.mqtt.client_factory import Client
from siaga_gateway.adapters.mqtt.connection_diagnosis import ConnectionDiagnosis
from siaga_gateway.catalogue.localized import Localized

_OFFLINE: Final = "offline"
_FAREWELL_S: Final = 2.0

log = logging.getLogger(__name__)


class StatusTopic:
    """topic: None: no status. facts: by topic. standing: knows whether the broker can retain them."""

    def __init__(self, topic: str | None, facts: Mapping[str, str], standing: ConnectionDiagnosis) -> None:
        self._topic = topic
        self._facts = facts
        self._standing = standing

    def leave_will(self, client: Client) -> None:
        """Set the will, by which the broker publishes it when we cannot any more. Before connecting."""
        if self._topic is not None:
            client.will_set(self._topic, _OFFLINE, qos=1, retain=self._standing.retains)

    def say(self, client: Client, online: bool) -> None:
        if self._topic is not None:
            client.publish(self._topic, "online" if online else _OFFLINE, qos=1, retain=self._standing.retains)

    def say_facts(self, client: Client) -> None:
        for topic, fact in self._facts.items():
            client.publish(topic, fact, qos=1, retain=self._standing.retains)

    def say_goodbye(self, client: Client) -> None:
        """Publish that we are offline, and wait briefly until it is sent."""
        if self._topic is None or not client.is_connected():
            return
        farewell = client.publish(self._topic, _OFFLINE, qos=1, retain=self._standing.retains)
        try:
            farewell.wait_for_publish(_FAREWELL_S)
        except (RuntimeError, ValueError):
            log.info(Localized("log.broker.farewell"))

    def retain_nothing(self, client: Client, where: str) -> None:
        """The broker at `where` refuses what it would have to retain: connect without."""
        if self._topic is not None:
            log.info(Localized("log.broker.retains_nothing", where=where))
            client.will_set(self._topic, _OFFLINE, qos=1, retain=False)
