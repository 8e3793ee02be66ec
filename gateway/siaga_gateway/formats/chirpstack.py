"""ChirpStack v4: its MQTT integration's JSON, read and written. Pure.

Documentation: chirpstack.io, Integrations, MQTT and Event types; the JSON is that of integration.UplinkEvent. Fields
with a default value are there or not, by version (since 4.1 they are there), so both are read.
"""

from __future__ import annotations

import json
from typing import Final

from siaga_gateway.formats.lorawan import (
    PORT,
    LorawanUplink,
    NotAnUplink,
    Origin,
    base64_of,
    json_object,
    port_and_payload,
)

UPLINKS: Final = "application/+/device/+/event/up"


def read_uplink(topic: str, body: bytes) -> LorawanUplink:
    """The uplink in a message on application/<id>/device/<DevEUI>/event/up. Raises NotAnUplink."""
    match topic.split("/"):
        case ["application", application, "device", device, "event", "up"] if application and device:
            origin = Origin(application, device)
        case _:
            raise NotAnUplink(f"topic {topic!r}")
    told = json_object(body)
    info = told.get("deviceInfo")
    named = info.get("devEui") if isinstance(info, dict) else None
    if named is not None and named != device:
        raise NotAnUplink(f"devEui {named!r} on the topic of {device}")
    port, payload = port_and_payload(told.get("fPort"), told.get("data"))
    return LorawanUplink(origin, port, payload)


def write_downlink(origin: Origin, frame: bytes) -> tuple[str, bytes]:
    """Topic and message that put a frame into the device's queue.

    Both application and DevEUI are written as ChirpStack writes them: it compares them with the device's own and the
    topic's, letter by letter. Unconfirmed: what a lost answer needs is the button's next try.
    """
    topic = f"application/{origin.application}/device/{origin.device}/command/down"
    command = {"devEui": origin.device, "confirmed": False, "fPort": PORT, "data": base64_of(frame)}
    return topic, json.dumps(command, separators=(",", ":")).encode()
