"""What tests of aggregators have in common."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from test_sms_webhook import NUMBER, SECRET

from gateway.frame_sink import Sink
from siaga_gateway.adapters.sms.replies import SmsOrigin
from siaga_gateway.formats.sms import text_of

PUBLIC = "https://sms.example.org/sms"


FORM = "application/x-www-form-urlencoded"


def b64(told: bytes) -> str:
    return base64.b64encode(told).decode()


def twilio_signature(url: str, fields: Mapping[str, str], secret: str = SECRET) -> str:
    line = url + "".join(name + fields[name] for name in sorted(fields))
    return b64(hmac.new(secret.encode(), line.encode(), hashlib.sha1).digest())


def twilio(frame: bytes, **more: str) -> dict[str, str]:
    return {"MessageSid": "SM" + "0" * 32, "From": NUMBER, "To": "+6281100000000", "Body": text_of(frame) or "", **more}


def vonage_signature(fields: Mapping[str, str], method: str) -> str:
    line = "".join(f"&{name}={fields[name].replace('&', '_').replace('=', '_')}" for name in sorted(fields))
    if method == "md5hash":
        return hashlib.md5(line.encode() + SECRET.encode()).hexdigest()
    return hmac.new(SECRET.encode(), line.encode(), method).hexdigest().upper()


def vonage_token(body: bytes, **claims: object) -> str:
    def part(told: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")

    told = {"iss": "Vonage", "payload_hash": hashlib.sha256(body).hexdigest(), **claims}
    signed = f"{part({'typ': 'JWT', 'alg': 'HS256'})}.{part(told)}"
    digest = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def came(sink: Sink) -> list[tuple[bytes, str | None]]:
    """Frame and number of what was offered so far."""
    found = []
    while not sink.frames.empty():
        frame = sink.frames.get_nowait()
        found.append((frame.raw, frame.origin.number if isinstance(frame.origin, SmsOrigin) else None))
    return found
