"""The frames of an incident as evidence: what anybody can check with the button's public key alone. Pure."""

from __future__ import annotations

import hashlib
from typing import Final

from siaga_gateway.domain.errors import Malformed
from siaga_gateway.domain.frame import UP_CONTEXT, FrameError, Kind, Suite, decode_uplink, signed_later
from siaga_gateway.domain.frame_authentication import device_id_of, is_signed, load_public
from siaga_gateway.domain.value import record

_SIGNATURE: Final = 64


class EvidenceError(Malformed):
    """It cannot be checked; the text says what is wrong with it."""


@record
class Checked:
    """What a frame proves."""

    kind: Kind
    counter: int
    device_id: bytes
    sha256: str  # of the frame as it was received
    signed: bool | None  # by that key; None: it has only a MAC, which none but the gateway's key can check
    happened_s: int | None  # Unix time by the button's clock, if it was set


def signed_form(frame: bytes, signature: bytes | None) -> bytes | None:
    """Return the frame with its signature as the button signs it; None: there is no signature.

    signature: that of a frame which came with a MAC, if it came later. Raises: FrameError.
    """
    if decode_uplink(frame).suite is Suite.ES256:
        return frame
    if signature is None:
        return None
    return signed_later(frame, signature)


def checked(frame: bytes, signature: bytes | None, public_xy: bytes) -> Checked:
    """Check a frame against a button's public key. Raises: EvidenceError, KeyFormatError."""
    try:
        uplink = decode_uplink(frame)
    except FrameError as error:
        raise EvidenceError("evidence.no_frame", why=error) from None
    if signature is not None and len(signature) != _SIGNATURE:
        raise EvidenceError("evidence.signature", size=len(signature))
    if uplink.device_id != device_id_of(public_xy):
        raise EvidenceError("evidence.other", device=uplink.device_id.hex(), owner=device_id_of(public_xy).hex())
    if signature is not None and uplink.suite is Suite.ES256 and signature != frame[-_SIGNATURE:]:
        raise EvidenceError("evidence.own_signature")
    whole = signed_form(frame, signature)
    report = uplink.report
    return Checked(
        uplink.kind,
        uplink.counter,
        uplink.device_id,
        hashlib.sha256(frame).hexdigest(),
        None if whole is None else is_signed(whole, load_public(public_xy)),
        report.time if report is not None and report.clock_set else None,
    )


def signed_bytes(frame: bytes, signature: bytes | None) -> tuple[bytes, bytes] | None:
    """Return what ECDSA with SHA-256 signs, and the signature in DER, as openssl reads them; None: no signature.

    Raises: FrameError.
    """
    whole = signed_form(frame, signature)
    if whole is None:
        return None
    return UP_CONTEXT + whole[:-_SIGNATURE], _der(whole[-_SIGNATURE:])


def public_der(public_xy: bytes) -> bytes:
    """Return a button's public key as a SubjectPublicKeyInfo (RFC 5480), which openssl reads."""
    return _PREFIX + public_xy


# SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING 04 X Y }
_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


def _der(signature: bytes) -> bytes:
    numbers = b"".join(_integer(part) for part in (signature[:32], signature[32:]))
    return bytes([0x30, len(numbers)]) + numbers


def _integer(part: bytes) -> bytes:
    digits = part.lstrip(b"\0") or b"\0"
    if digits[0] & 0x80:
        digits = b"\0" + digits
    return bytes([0x02, len(digits)]) + digits
