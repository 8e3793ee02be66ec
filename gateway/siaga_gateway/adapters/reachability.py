"""Whether a server can be reached: name, connection, and the certificate as the real connection would check it. Not a
byte of a message is sent."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from pathlib import Path
from typing import Final

from siaga_gateway.adapters.tls_authorities import TlsAuthorities

_DIAL_S: Final = 5.0


def reach(host: str, port: int, *, tls: bool = False, ca: Path | None = None) -> None:
    """Connect, shake hands if `tls`, and leave. ca: PEM file; None: the machine's authorities.

    Raises: OSError (ssl.SSLError among them).
    """
    with socket.create_connection((host, port), _DIAL_S) as plain:
        plain.settimeout(_DIAL_S)
        if tls:
            with TlsAuthorities(ca).context.wrap_socket(plain, server_hostname=host):
                pass


def takes_anybody(host: str, port: int, *, tls: bool = False) -> bool:
    """Whether a broker accepts a client without a login, and nothing else is asked of it. Raises: OSError, if it cannot
    be reached.

    MQTT 3.1.1, 3.1: the certificate is not looked at, that is another check's.
    """
    with socket.create_connection((host, port), _DIAL_S) as plain:
        plain.settimeout(_DIAL_S)
        if not tls:
            return _accepted(plain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(plain, server_hostname=None if _is_address(host) else host) as secured:
            return _accepted(secured)


def _accepted(stream: socket.socket) -> bool:
    client = b"siaga-doctor"
    head = b"\x00\x04MQTT\x04\x02\x00\x05" + len(client).to_bytes(2, "big") + client  # a clean session, 5 s
    try:
        stream.sendall(bytes([0x10, len(head)]) + head)
        answer = b""
        while len(answer) < 4 and (more := stream.recv(4 - len(answer))):
            answer += more
        stream.sendall(b"\xe0\x00")  # DISCONNECT
    except ConnectionError:
        return False  # some close instead of refusing
    return len(answer) == 4 and answer[0] == 0x20 and answer[3] == 0


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
