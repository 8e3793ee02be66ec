"""Why there is no connection to a broker, each reason with its own remedy."""

from __future__ import annotations

import socket
import ssl
from typing import Final

from paho.mqtt.reasoncodes import ReasonCode

from siaga_gateway.catalogue.localized import Localized, original

# X509_V_ERR_* of OpenSSL (x509_vfy.h)
_CERTIFICATE: Final = {
    9: "not_yet",
    10: "expired",
    18: "authority",  # self-signed
    19: "authority",  # an unknown authority at the end of the chain
    20: "authority",  # the issuer is missing
    21: "authority",
    62: "name",
    64: "name",  # an IP address
}
# By MQTT 5 reason code (2.4); paho translates those of MQTT 3.1.1 (3.2.2.3) into these.
_REFUSED: Final = {
    0x84: "version",
    0x85: "client_id",
    0x86: "login",
    0x87: "login",
    0x88: "busy",
    0x89: "busy",
    0x97: "busy",
    0x9A: "retains_nothing",
    0x9F: "busy",
}
TAKEN_OVER: Final = 0x8E
RETAINS_NOTHING: Final = 0x9A


def trouble(kind: str, section: str, **values: object) -> Localized:
    """section: of the settings, `mqtt` or `lorawan`."""
    return Localized(f"errors.broker.{kind}", section=section, **values)


def of_connecting(error: Exception, section: str, host: str, tls: bool) -> Localized:
    """Return why connecting failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        kind = _CERTIFICATE.get(error.verify_code, "certificate")
        return trouble(kind, section, host=host, detail=original(error.verify_message))
    if isinstance(error, ssl.SSLError):
        return trouble("no_tls", section, detail=original(error.reason or error))
    if isinstance(error, socket.gaierror | UnicodeError):  # the latter: it cannot be a host name at all
        return trouble("unknown_name", section, host=host)
    if isinstance(error, ConnectionRefusedError):
        return trouble("nobody", section)
    if isinstance(error, ConnectionError):
        return trouble("no_tls", section, detail=error) if tls else trouble("closed", section)
    if isinstance(error, OSError):
        return trouble("no_way", section, detail=error)
    return trouble("no_way", section, detail=original(error))


def of_refusal(code: ReasonCode, section: str, user: str | None, client_id: str) -> Localized:
    """Return what the CONNACK's reason code means."""
    kind = _REFUSED.get(code.value, "refused")
    if kind == "login" and user is None:
        kind = "no_login"
    return trouble(kind, section, detail=original(str(code)), user=user or "", client_id=client_id)
