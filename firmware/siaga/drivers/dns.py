"""Host name -> IPv4 address without blocking (RFC 1035). The port's own look-up stops every task for up to some ten
seconds while a name server is away, and a press of two seconds could fall into them."""

import asyncio
import os
import socket
import struct
from errno import EAGAIN, EINPROGRESS

from siaga.core.errors import SiagaError

_TRIES = 3
_TRY_MS = 1500


def is_address(host: str) -> bool:
    """Whether host is an IPv4 address already."""
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() and len(part) <= 3 and int(part) < 256 for part in parts)


def query(host: str, number: int) -> bytes:
    """A question for the A records of a host, to be answered recursively. number: 16 bits to know the answer by."""
    name = b""
    for label in host.strip(".").encode().split(b"."):
        if not 0 < len(label) < 64:
            raise SiagaError("%s is no host name: a part of it is empty or longer than 63 letters" % host)
        name += bytes([len(label)]) + label
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + name + b"\x00\x00\x01\x00\x01"


def _behind_name(message: bytes, at: int) -> int:
    while at < len(message):
        length = message[at]
        if length >= 0xC0:
            return at + 2
        at += 1 + length
        if not length:
            return at
    raise SiagaError("the name server's answer is cut short")


def answer(message: bytes, number: int) -> "str | None":
    """The first IPv4 address in a name server's answer; None where the message answers something else.

    Raises SiagaError where the server says that there is none. Any bytes may come in.
    """
    if len(message) < 12:
        return None
    told, flags, questions, answers = struct.unpack(">HHHH", message[:8])
    if told != number or not flags & 0x8000:
        return None
    if flags & 15:
        raise SiagaError("the name server does not know this host (code %d)" % (flags & 15))
    at = 12
    for _ in range(questions):
        at = _behind_name(message, at) + 4
    for _ in range(answers):
        at = _behind_name(message, at)
        if at + 10 > len(message):
            break
        kind, place, _ttl, length = struct.unpack(">HHIH", message[at : at + 10])
        at += 10
        if kind == 1 and place == 1 and length == 4 and at + 4 <= len(message):
            return "%d.%d.%d.%d" % tuple(message[at : at + 4])
        at += length
    raise SiagaError("the name server has no IPv4 address for this host")


async def resolve(host: str, server: str, port: int = 53) -> str:
    """Ask one name server, up to three times in 4.5 s. Raises SiagaError or OSError."""
    if is_address(host):
        return host
    number = int.from_bytes(os.urandom(2), "big")
    question = query(host, number)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        try:
            sock.connect(socket.getaddrinfo(server, port)[0][-1])
        except OSError as error:
            if error.errno != EINPROGRESS:
                raise
        for _ in range(_TRIES):
            sock.send(question)
            try:
                address = await asyncio.wait_for_ms(_heard(sock, number), _TRY_MS)  # type: str
            except asyncio.TimeoutError:
                continue
            return address
    finally:
        sock.close()
    raise SiagaError("the name server %s does not answer about %s" % (server, host))


async def _heard(sock: socket.socket, number: int) -> str:
    """Looked at every 20 ms: a stream would run two datagrams into one."""
    while True:
        try:
            address = answer(sock.recv(512), number)
            if address is not None:
                return address
        except OSError as error:
            if error.errno != EAGAIN:
                raise
        await asyncio.sleep_ms(20)
