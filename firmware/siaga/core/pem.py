"""A certificate as people hand it on (PEM, RFC 7468), to what every TLS reads (DER). Pure."""

import binascii

from siaga.core.errors import SiagaError

_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"


def der_of(pem: str) -> bytes:
    """The one certificate in a PEM text (RFC 7468), as DER, which every build of MicroPython reads."""
    if pem.count(_BEGIN) != 1 or pem.count(_END) != 1:
        raise SiagaError("mqtt_ca must hold exactly one certificate, between %s and %s" % (_BEGIN, _END))
    text = pem.split(_BEGIN)[1].split(_END)[0]
    try:
        der = binascii.a2b_base64("".join(text.split()))
    except ValueError:
        raise SiagaError("the certificate in mqtt_ca is not base64 between its BEGIN and END lines")
    if len(der) < 64 or der[0] != 0x30:
        raise SiagaError("the certificate in mqtt_ca is cut short or no certificate")
    return der
