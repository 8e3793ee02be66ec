"""A button in Python, for tests of the gateway: real keys, real frames, real tags. No network, no clock of its own."""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from siaga_gateway.domain.frame import DOWN_CONTEXT, NO_POSITION, UP_CONTEXT, Flags, Kind, Suite, digest_of
from siaga_gateway.domain.frame_authentication import GatewayKey, device_id_of

LAMPUNG = (-54_000_000, 1_052_600_000)  # degrees x 10^7, in Bandar Lampung


@dataclass
class PressingButton:
    """Makes frames. The counter grows by itself and can be set; the last opening PRESS is remembered."""

    counter: int = 0
    opening: int | None = None
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    mac_up: bytes = b""
    mac_down: bytes = b""

    def __post_init__(self) -> None:
        numbers = self.private.public_key().public_numbers()
        self.public_xy = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        self.device_id = device_id_of(self.public_xy)

    def meet(self, gateway: GatewayKey) -> PressingButton:
        """Agree on MAC keys, by the button's private half and the gateway's public one."""
        keys = GatewayKey(self.private)
        self.mac_up, self.mac_down = keys.mac_keys(gateway.public_xy, self.device_id)
        return self

    def press(self, time: int = 0, *, test: bool = False, again: bool = False, **report: int) -> bytes:
        """A PRESS that opens an incident, or one more within it."""
        self.counter += 1
        if not again or self.opening is None:
            if not test:
                self.opening = self.counter
            report.setdefault("opening", 0)
        else:
            report.setdefault("opening", self.counter - self.opening)
        if test:
            report["flags"] = report.get("flags", 0) | Flags.TEST
        return self.frame(Kind.PRESS, self.counter, report_body(time, **report))

    def follow(self, kind: Kind, time: int = 0, **report: int) -> bytes:
        """An UPDATE or a CANCEL of the last incident, a CHECKIN, a TAMPER."""
        self.counter += 1
        if kind in (Kind.UPDATE, Kind.CANCEL) and self.opening is not None:
            report.setdefault("opening", self.counter - self.opening)
        return self.frame(kind, self.counter, report_body(time, **report))

    def enrol(self) -> bytes:
        self.counter += 1
        return self.frame(Kind.ENROL, self.counter, self.public_xy)

    def frame(self, kind: Kind, counter: int, body: bytes, suite: Suite = Suite.ES256) -> bytes:
        head = struct.pack(">BB8sI", 1 << 4 | suite, kind, self.device_id, counter) + body
        return head + self.tag(head, suite)

    def tag(self, head: bytes, suite: Suite) -> bytes:
        if suite is Suite.HS256_64:
            return hmac.digest(self.mac_up, UP_CONTEXT + head, "sha256")[:8]
        r, s = decode_dss_signature(self.private.sign(UP_CONTEXT + head, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def is_bound(mac_down: bytes, ack: bytes, uplink: bytes) -> bool:
    """Whether an ACK's tag verifies for this uplink, as its device looks at it."""
    digest = digest_of(uplink)
    return hmac.compare_digest(hmac.digest(mac_down, DOWN_CONTEXT + ack[:-16] + digest, "sha256")[:16], ack[-16:])


def report_body(
    time: int = 0,
    *,
    latitude: int = NO_POSITION,
    longitude: int = NO_POSITION,
    accuracy: int = 65535,
    fix_age: int = 65535,
    battery: int = 255,
    flags: int = 0,
    opening: int = 0,
    source: int = 0,
) -> bytes:
    """The 21 bytes of a report; `source` goes into bits 8 and 9 of the flags."""
    word = flags | source << 8
    return struct.pack(">IiiHHBHH", time, latitude, longitude, accuracy, fix_age, battery, word, opening)


def at(latitude: int = LAMPUNG[0], longitude: int = LAMPUNG[1], accuracy: int = 10, fix_age: int = 1) -> dict[str, int]:
    """The report fields of a satellite fix."""
    return {"latitude": latitude, "longitude": longitude, "accuracy": accuracy, "fix_age": fix_age, "source": 1}
