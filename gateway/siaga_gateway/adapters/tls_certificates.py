"""Reads certificates: from PEM files, and from a server on connecting."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from pathlib import Path
from typing import Final

from cryptography import x509

from siaga_gateway.domain.certificate_expiry import Certificate

_DIAL_S: Final = 5.0


def shown_by(name: str, host: str, port: int) -> tuple[Certificate, bytes] | None:
    """Return the certificate that a TLS server presents, and its issuer's name; None if nobody answers in time.

    It is only read, never trusted.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), _DIAL_S) as plain:
            plain.settimeout(_DIAL_S)
            with context.wrap_socket(plain, server_hostname=None if _is_address(host) else host) as secured:
                raw = secured.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return None
    if raw is None:
        return None
    try:
        found = x509.load_der_x509_certificate(raw)
    except ValueError:
        return None
    return _read(name, found), found.issuer.public_bytes()


def in_file(name: str, file: Path, *, for_buttons: bool = False) -> list[tuple[bytes, Certificate]]:
    """Return the certificates of a PEM file, each with its subject's name. Raises: OSError; ValueError if it has
    none."""
    certificates = x509.load_pem_x509_certificates(file.read_bytes())
    return [(each.subject.public_bytes(), _read(name, each, for_buttons)) for each in certificates]


def _read(name: str, found: x509.Certificate, for_buttons: bool = False) -> Certificate:
    begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    return Certificate(name, round(begins.timestamp() * 1000), round(ends.timestamp() * 1000), for_buttons)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
