"""What all LoRaWAN network servers have in common, whatever their JSON. Pure.

A DevEUI does not authenticate: the network's operator could send any frame under any DevEUI. It only says where an
answer can reach the device; the frame itself proves who made it.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

from siaga_gateway.domain.errors import Malformed

PORT: Final = 10  # FPort of every Siaga frame, both ways
LARGEST_MESSAGE: Final = 65_536  # of the network server's JSON: with 50 gateways in rxInfo it takes some 20 KB


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of an uplink and destination of its answer, as in the network server's topics."""

    application: str
    device: str


@dataclass(frozen=True, slots=True)
class LorawanUplink:
    """An uplink's payload, not decoded."""

    origin: Origin
    port: int  # 0: MAC commands only
    payload: bytes


class NotAnUplink(Malformed):
    """A message of the network server that cannot be parsed; the text says what is wrong."""


def json_object(body: bytes) -> dict[str, Any]:
    """Parse a message as a JSON object. Raises: NotAnUplink."""
    if len(body) > LARGEST_MESSAGE:
        raise NotAnUplink("uplink.size", size=len(body))
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnUplink("uplink.no_json", why=error) from None
    if not isinstance(told, dict):
        raise NotAnUplink("uplink.no_object")
    return told


def port_and_payload(port: object, data: object) -> tuple[int, bytes]:
    """Return both, with the defaults that protobuf's JSON omits: port 0, no payload. Raises: NotAnUplink."""
    number = 0 if port is None else port
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 255:
        raise NotAnUplink("uplink.port", port=port)
    if data is None:
        return number, b""
    if not isinstance(data, str):
        raise NotAnUplink("uplink.no_text")
    try:
        return number, base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise NotAnUplink("uplink.no_base64") from None


def base64_of(frame: bytes) -> str:
    """Encode a payload as both network servers want it (RFC 4648, 4)."""
    return base64.b64encode(frame).decode("ascii")
