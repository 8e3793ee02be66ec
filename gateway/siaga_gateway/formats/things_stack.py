"""The Things Stack v3's MQTT server: its JSON, read and written. Pure.

Documentation: thethingsindustries.com, Integrations, MQTT. Empty, zero and false fields are omitted.
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

UPLINKS: Final = "v3/+/devices/+/up"


def read_uplink(topic: str, body: bytes) -> LorawanUplink:
    """Parse an uplink on v3/<application>[@<tenant>]/devices/<device>/up. Raises: NotAnUplink."""
    match topic.split("/"):
        case ["v3", application, "devices", device, "up"] if application and device:
            origin = Origin(application, device)
        case _:
            raise NotAnUplink("uplink.topic", topic=topic)
    message = json_object(body).get("uplink_message")
    if not isinstance(message, dict):
        raise NotAnUplink("uplink.no_message")
    port, payload = port_and_payload(message.get("f_port"), message.get("frm_payload"))
    return LorawanUplink(origin, port, payload)


def write_downlink(origin: Origin, frame: bytes) -> tuple[str, bytes]:
    """Return topic and message that append a frame to the device's queue."""
    downlink = {"f_port": PORT, "frm_payload": base64_of(frame), "priority": "HIGHEST"}
    topic = f"v3/{origin.application}/devices/{origin.device}/down/push"
    return topic, json.dumps({"downlinks": [downlink]}, separators=(",", ":")).encode()
