"""Authenticates frames: device keys, the gateway's key, the MAC keys derived from both, and tag verification."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.frame import UP_CONTEXT, Suite, Uplink
from siaga_gateway.domain.hmac_sha256 import hmac_sha256

_CURVE = ec.SECP256R1()
_ECDSA = ec.ECDSA(hashes.SHA256())
_ECDH = ec.ECDH()
_SIGNATURE = 64  # bytes at the end of an ES256 frame


class KeyFormatError(Malformed, ValueError):
    """Not a valid key: the text says what was expected."""


def device_id_of(public_xy: bytes) -> bytes:
    """Return the 8 bytes that identify a device: the start of SHA-256 over X || Y (64 bytes).

    Raises: KeyFormatError for a wrong length.
    """
    if len(public_xy) != 64:
        raise KeyFormatError("key.length", public_xy=len(public_xy))
    return hashlib.sha256(public_xy).digest()[:8]


def load_public(public_xy: bytes) -> ec.EllipticCurvePublicKey:
    """Load a public key from X || Y, 64 bytes. Raises: KeyFormatError if it is not one."""
    if len(public_xy) != 64:
        raise KeyFormatError("key.length", public_xy=len(public_xy))
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x04" + public_xy)
    except ValueError as error:
        raise KeyFormatError("key.no_point") from error


def _xy(key: ec.EllipticCurvePublicKey) -> bytes:
    encoded = key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return encoded[1:]


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """What the gateway needs to verify and answer one device. Loaded once and cached: loading costs more than
    verifying.

    Made by `GatewayKey.device_key`. Thread-safe.
    """

    device_id: bytes
    public_xy: bytes
    public: ec.EllipticCurvePublicKey = field(repr=False, compare=False)
    mac_up: bytes = field(repr=False)
    mac_down: bytes = field(repr=False)

    @property
    def broker_password(self) -> str:
        """The device's password at the broker: 32 hexadecimal digits, which the device derives too."""
        return hmac.digest(self.mac_up, b"siaga/1 mqtt", "sha256")[:16].hex()


class GatewayKey:
    """The gateway's static P-256 key pair. Every device gets the public half at enrolment."""

    __slots__ = ("_private", "public_xy")

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        """Raises: KeyFormatError for a key on another curve."""
        if not isinstance(private.curve, ec.SECP256R1):
            raise KeyFormatError("key.curve", name=private.curve.name)
        self._private = private
        self.public_xy = _xy(private.public_key())

    @classmethod
    def generate(cls) -> GatewayKey:
        """Make a new key from the operating system's random source."""
        return cls(ec.generate_private_key(_CURVE))

    @classmethod
    def from_pem(cls, pem: bytes) -> GatewayKey:
        """Load an unencrypted PEM private key (PKCS #8 or SEC 1). Raises: KeyFormatError if it is not one."""
        try:
            private = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise KeyFormatError("key.no_pem", why=error) from error
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise KeyFormatError("key.no_curve")
        return cls(private)

    def to_pem(self) -> bytes:
        """Return PKCS #8, PEM, unencrypted: whoever stores it must keep it from other users (mode 0600)."""
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def share_name(self) -> str:
        """The name of the workers' shared MQTT subscription, unless the settings name one.

        Derived from the key: whoever could guess it could join the group at a broker, and receive frames that he may
        not read and that nobody else then gets.
        """
        scalar = self._private.private_numbers().private_value.to_bytes(32, "big")
        return f"siaga-{hmac.digest(scalar, b'siaga/1 share', 'sha256')[:8].hex()}"

    def mac_keys(self, public_xy: bytes, device_id: bytes) -> tuple[bytes, bytes]:
        """Return the (up, down) MAC keys, 32 bytes each, shared with the device of that key. Raises: KeyFormatError."""
        shared_x = self._private.exchange(_ECDH, load_public(public_xy))
        return _mac_key(shared_x, b"siaga/1 mac up", device_id), _mac_key(shared_x, b"siaga/1 mac down", device_id)

    def device_key(self, public_xy: bytes) -> DeviceKey:
        """Return what is needed to verify and answer the device of that key. Raises: KeyFormatError."""
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
    """Whether the device of that key made this frame. Pure. Verifying a signature does not release the GIL."""
    if uplink.device_id != key.device_id:
        return False
    if uplink.suite is Suite.ES256:
        return _signed_by(uplink.signed, uplink.tag, key.public)
    expected = hmac_sha256(key.mac_up, UP_CONTEXT + uplink.signed)[:8]
    return hmac.compare_digest(expected, uplink.tag)


def is_signed(raw: bytes, public: ec.EllipticCurvePublicKey) -> bool:
    """Whether a whole ES256 frame is signed by that key; the caller has checked everything else."""
    return _signed_by(raw[:-_SIGNATURE], raw[-_SIGNATURE:], public)


def verify_enrol(uplink: Uplink) -> bool:
    """Whether an ENROL is signed by the key that it carries: proof that the sender holds the private half."""
    return uplink.public_key is not None and _signed_by(uplink.signed, uplink.tag, load_public(uplink.public_key))


def _signed_by(signed: bytes, tag: bytes, public: ec.EllipticCurvePublicKey) -> bool:
    r, s = int.from_bytes(tag[:32], "big"), int.from_bytes(tag[32:], "big")
    try:
        public.verify(encode_dss_signature(r, s), UP_CONTEXT + signed, _ECDSA)
    except InvalidSignature:
        return False
    return True
