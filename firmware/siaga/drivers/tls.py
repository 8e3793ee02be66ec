"""TLS as this house uses it: the server's certificate is always verified, against the authorities in the settings."""

import ssl

from siaga.core.errors import SiagaError
from siaga.core.pem import ders_of


def client_context(pem: str) -> ssl.SSLContext:
    """A context for links to a server whose certificate one of these authorities signed. The caller names the server
    (SNI), and its name is checked too. The calendar clock has to be roughly right, or every certificate seems out of
    date."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED  # type: ignore[attr-defined]
    try:
        for der in ders_of(pem):
            context.load_verify_locations(cadata=der)  # adds to those before
    except (ValueError, OSError) as error:
        raise SiagaError("a certificate in mqtt_ca cannot be read: %s" % error)
    return context
