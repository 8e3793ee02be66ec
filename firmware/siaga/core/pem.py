"""Converts certificates from the usual text form (PEM, RFC 7468) to what every TLS reads (DER). Pure."""

import binascii

from micropython import const
from siaga.core.errors import SiagaError

_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"
_MOST = const(4)


def ders_of(pem: str) -> "list[bytes]":
    """Return the certificates in a PEM text (RFC 7468), one to four, each as DER, which every build of MicroPython
    reads. Raises SiagaError."""
    pieces = pem.split(_BEGIN)[1:]
    if not 0 < len(pieces) <= _MOST or pem.count(_END) != len(pieces):
        raise SiagaError("mqtt_ca must hold one to %d certificates, each between %s and %s" % (_MOST, _BEGIN, _END))
    return [_der_of(piece.split(_END)[0]) for piece in pieces]


def _der_of(text: str) -> bytes:
    try:
        der = binascii.a2b_base64("".join(text.split()))
    except ValueError:
        raise SiagaError("a certificate in mqtt_ca is not base64 between its BEGIN and END lines")
    if len(der) < 64 or der[0] != 0x30:
        raise SiagaError("a certificate in mqtt_ca is cut short or no certificate")
    return der
