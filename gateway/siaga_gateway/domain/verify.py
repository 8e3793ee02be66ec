"""Who made a frame: device keys, the gateway's key, the MAC keys between them, and the verdict on a tag."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from siaga_gateway.domain.frame import UP_CONTEXT, Suite, Uplink

_CURVE = ec.SECP256R1()
_ECDSA = ec.ECDSA(hashes.SHA256())
_ECDH = ec.ECDH()
_SIGNATURE = 64  # bytes at the end of a frame under ES256


class KeyFormatError(ValueError):
    """A key that is none: the text says what was expected."""


def device_id_of(public_xy: bytes) -> bytes:
    """The 8 bytes by which a device is known: the start of SHA-256 over X || Y (64 bytes)."""
    if len(public_xy) != 64:
        raise KeyFormatError(f"a public key is X || Y in 64 bytes, not {len(public_xy)}")
    return hashlib.sha256(public_xy).digest()[:8]


def load_public(public_xy: bytes) -> ec.EllipticCurvePublicKey:
    """The key of X || Y, 64 bytes. Raises KeyFormatError where it is none."""
    if len(public_xy) != 64:
        raise KeyFormatError(f"a public key is X || Y in 64 bytes, not {len(public_xy)}")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x04" + public_xy)
    except ValueError as error:
        raise KeyFormatError("the public key is no point of P-256") from error


def _xy(key: ec.EllipticCurvePublicKey) -> bytes:
    encoded = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return encoded[1:]


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """What the gateway needs to check and answer one device. Loaded once and kept: loading costs, verifying less.

    Made by `GatewayKey.device_key`. Safe to use from several threads.
    """

    device_id: bytes
    public_xy: bytes
    public: ec.EllipticCurvePublicKey = field(repr=False, compare=False)
    mac_up: bytes = field(repr=False)
    mac_down: bytes = field(repr=False)

    @property
    def broker_password(self) -> str:
        """What the broker knows the device by: 32 hexadecimal digits, which the device computes as well."""
        return hmac.digest(self.mac_up, b"siaga/1 mqtt", "sha256")[:16].hex()


class GatewayKey:
    """The gateway's static P-256 key. Its public half is given to every device at enrolment."""

    __slots__ = ("_private", "public_xy")

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        """Raises KeyFormatError for a key on another curve."""
        if not isinstance(private.curve, ec.SECP256R1):
            raise KeyFormatError(f"the gateway's key is on {private.curve.name}; it must be on P-256 (secp256r1)")
        self._private = private
        self.public_xy = _xy(private.public_key())

    @classmethod
    def generate(cls) -> GatewayKey:
        """A new key from the operating system's random source."""
        return cls(ec.generate_private_key(_CURVE))

    @classmethod
    def from_pem(cls, pem: bytes) -> GatewayKey:
        """From an unencrypted PEM private key (PKCS #8 or SEC 1). Raises KeyFormatError where it is none."""
        try:
            private = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise KeyFormatError(f"the gateway's key is no unencrypted PEM private key: {error}") from error
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise KeyFormatError("the gateway's key is not an elliptic-curve key; it must be on P-256 (secp256r1)")
        return cls(private)

    def to_pem(self) -> bytes:
        """PKCS #8, PEM, unencrypted: whoever stores it must keep it from every other user's eyes (mode 0600)."""
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def share_name(self) -> str:
        """The group that the gateway's workers share frames in, unless the settings name one. Whoever could guess it
        could have a broker give him frames that he may not read, and that nobody else then gets."""
        scalar = self._private.private_numbers().private_value.to_bytes(32, "big")
        return f"siaga-{hmac.digest(scalar, b'siaga/1 share', 'sha256')[:8].hex()}"

    def mac_keys(self, public_xy: bytes, device_id: bytes) -> tuple[bytes, bytes]:
        """(up, down), 32 bytes each, shared with the device of that key. Raises KeyFormatError for a bad key."""
        shared_x = self._private.exchange(_ECDH, load_public(public_xy))
        return _mac_key(shared_x, b"siaga/1 mac up", device_id), _mac_key(shared_x, b"siaga/1 mac down", device_id)

    def device_key(self, public_xy: bytes) -> DeviceKey:
        """All that is needed to check and answer the device of that key. Raises KeyFormatError for a bad key."""
        device_id = device_id_of(public_xy)
        public = load_public(public_xy)
        shared_x = self._private.exchange(_ECDH, public)
        return DeviceKey(
            device_id=device_id,
            public_xy=public_xy,
            public=public,
            mac_up=_mac_key(shared_x, b"siaga/1 mac up", device_id),
            mac_down=_mac_key(shared_x, b"siaga/1 mac down", device_id),
        )


def _mac_key(shared_x: bytes, label: bytes, device_id: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=b"", info=label + device_id).derive(shared_x)


def verify(uplink: Uplink, key: DeviceKey) -> bool:
    """Whether the device of that key made this frame. Pure. Checking a signature does not release the GIL."""
    if uplink.device_id != key.device_id:
        return False
    if uplink.suite is Suite.ES256:
        return _signed_by(uplink.signed, uplink.tag, key.public)
    expected = hmac.digest(key.mac_up, UP_CONTEXT + uplink.signed, "sha256")[:8]
    return hmac.compare_digest(expected, uplink.tag)


def is_signed(raw: bytes, public: ec.EllipticCurvePublicKey) -> bool:
    """Whether a whole frame under ES256 is signed by that key; all else of it was looked at before."""
    return _signed_by(raw[:-_SIGNATURE], raw[-_SIGNATURE:], public)


def verify_enrol(uplink: Uplink) -> bool:
    """Whether an ENROL is signed by the very key that it brings: proof that the sender holds the private half."""
    return uplink.public_key is not None and _signed_by(uplink.signed, uplink.tag, load_public(uplink.public_key))


def _signed_by(signed: bytes, tag: bytes, public: ec.EllipticCurvePublicKey) -> bool:
    r, s = int.from_bytes(tag[:32], "big"), int.from_bytes(tag[32:], "big")
    try:
        public.verify(encode_dss_signature(r, s), UP_CONTEXT + signed, _ECDSA)
    except InvalidSignature:
        return False
    return True
