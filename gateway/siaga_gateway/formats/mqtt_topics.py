"""An incident for subscribers of a broker: each change as an event, and under a topic of its own what it is now.

    <prefix>/events/<incident>       a CloudEvent (cloudevent.py), the same as a webhook gets; not retained
    <prefix>/incidents/<incident>    that event's `data`, retained: who subscribes later has every open incident at once
    <prefix>/trouble                 of the gateway itself (gateway_event.py), retained while it lasts
    <prefix>/status                  online or offline, retained

An incident that is closed stays for a while and then goes by itself: the broker ends a retained message when its expiry
comes (MQTT 5, 3.3.2.3.3).
"""

from __future__ import annotations

import re
from typing import Final

import orjson

from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.gateway_trouble import Trouble
from siaga_gateway.domain.incident import Incident, IncidentState, Mode, Notice
from siaga_gateway.domain.value import record
from siaga_gateway.formats import cloudevent, gateway_event

EVENT_TYPE: Final = "application/cloudevents+json"
ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
_LONGEST_PREFIX: Final = 200
_PREFIX: Final = re.compile(r"[^+#/\x00-\x1f\x7f$][^+#/\x00-\x1f\x7f]*(/[^+#/\x00-\x1f\x7f]+)*")


@record
class Message:
    """One PUBLISH of QoS 1."""

    topic: str
    body: bytes
    content_type: str
    retained: bool = False
    expires_s: int | None = None  # None: it does not


@record
class Topics:
    """What is published, and where."""

    prefix: str
    states: bool  # retained, an incident
    keep_closed_s: int  # for how long a closed incident stays; 0: it goes at once
    console: str | None = None  # its address, for a link
    language: str = "id"

    @property
    def status(self) -> str:
        return f"{self.prefix}/status"


def check_prefix(prefix: str) -> str:
    """Return a prefix of topics that can be one. Raises: SettingError."""
    if len(prefix) > _LONGEST_PREFIX or not _PREFIX.fullmatch(prefix):
        raise SettingError("output.topic", topic=prefix)
    return prefix


def messages(notice: Notice, key: str, topics: Topics) -> list[Message]:
    """Return what a notice is told by, in order; the same notice and key give the same bytes. Raises: ValueError."""
    incident = notice.incident
    event = cloudevent.event(notice, key, console=topics.console)
    said = [Message(f"{topics.prefix}/events/{incident.identifier}", event, EVENT_TYPE)]
    # A trial is over before anybody could look at it.
    if topics.states and incident.mode is not Mode.TEST:
        said.append(_state(notice, incident, topics))
    return said


def _state(notice: Notice, incident: Incident, topics: Topics) -> Message:
    topic = f"{topics.prefix}/incidents/{incident.identifier}"
    closed = incident.state is IncidentState.CLOSED
    if closed and topics.keep_closed_s == 0:
        return Message(topic, b"", cloudevent.JSON_TYPE, retained=True)
    body = orjson.dumps(cloudevent.contents(notice, topics.console))
    return Message(topic, body, cloudevent.JSON_TYPE, True, topics.keep_closed_s if closed else None)


def trouble(told: Trouble, key: str, topics: Topics) -> list[Message]:
    """Return what a trouble of the gateway itself is told by."""
    body = gateway_event.event(told, key, language=topics.language)
    topic = f"{topics.prefix}/trouble"
    said = [Message(topic, body, EVENT_TYPE, retained=True)]
    return [*said, Message(topic, b"", EVENT_TYPE, retained=True)] if told.over else said
