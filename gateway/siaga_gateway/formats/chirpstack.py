"""ChirpStack v4's MQTT integration: its JSON, read and written. Pure.

Documentation: chirpstack.io, Integrations, MQTT and Event types; the JSON is that of integration.UplinkEvent. Fields
with a default value are present or not, by version (present since 4.1); both are accepted.
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
    """Parse an uplink on application/<id>/device/<DevEUI>/event/up. Raises: NotAnUplink."""
    match topic.split("/"):
        case ["application", application, "device", device, "event", "up"] if application and device:
            origin = Origin(application, device)
        case _:
            raise NotAnUplink("uplink.topic", topic=topic)
    told = json_object(body)
    info = told.get("deviceInfo")
    named = info.get("devEui") if isinstance(info, dict) else None
    if named is not None and named != device:
        raise NotAnUplink("uplink.other_device", named=named, device=device)
    port, payload = port_and_payload(told.get("fPort"), told.get("data"))
    return LorawanUplink(origin, port, payload)


def write_downlink(origin: Origin, frame: bytes) -> tuple[str, bytes]:
    """Return topic and message that queue a frame for the device.

    Application and DevEUI are in ChirpStack's own spelling: it compares them with the device's and the topic's,
    character by character. Unconfirmed: the button's next attempt makes up for a lost answer.
    """
    topic = f"application/{origin.application}/device/{origin.device}/command/down"
    command = {"devEui": origin.device, "confirmed": False, "fPort": PORT, "data": base64_of(frame)}
    return topic, json.dumps(command, separators=(",", ":")).encode()
