"""What every LoRaWAN network server says and is told, whatever its JSON looks like. Pure.

A DevEUI is no identity here: whoever runs the network could put any frame under any DevEUI. It only says where an
answer can reach the device; who made a frame, the frame itself proves.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

PORT: Final = 10  # FPort of every Siaga frame, both ways
LARGEST_MESSAGE: Final = 65_536  # of the network server's JSON: with 50 gateways in rxInfo it has some 20 KB


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an uplink came from and an answer goes to, as the network server's topics write it."""

    application: str
    device: str


@dataclass(frozen=True, slots=True)
class LorawanUplink:
    """An uplink's payload, not looked into."""

    origin: Origin
    port: int  # 0: MAC commands only
    payload: bytes


class NotAnUplink(Exception):
    """A message of the network server that cannot be read; the text says what is wrong with it."""


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a message is. Raises NotAnUplink."""
    if len(body) > LARGEST_MESSAGE:
        raise NotAnUplink(f"a message of {len(body)} bytes")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotAnUplink(f"no JSON: {error}") from None
    if not isinstance(told, dict):
        raise NotAnUplink("JSON, but no object")
    return told


def port_and_payload(port: object, data: object) -> tuple[int, bytes]:
    """Both with the defaults that protobuf's JSON leaves out: port 0, nothing. Raises NotAnUplink."""
    number = 0 if port is None else port
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 255:
        raise NotAnUplink(f"FPort {port!r}")
    if data is None:
        return number, b""
    if not isinstance(data, str):
        raise NotAnUplink("a payload that is no text")
    try:
        return number, base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise NotAnUplink("a payload that is no base64") from None


def base64_of(frame: bytes) -> str:
    """A payload as both network servers want it (RFC 4648, 4)."""
    return base64.b64encode(frame).decode("ascii")
