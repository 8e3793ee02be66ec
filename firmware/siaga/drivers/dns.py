"""Resolves host names to IPv4 addresses without blocking (RFC 1035). The port's own look-up stops every task for some
ten seconds while a name server is down, and a press of two seconds could be missed."""

import asyncio
import os
import socket
import struct
from errno import EAGAIN, EINPROGRESS

from siaga.core.errors import SiagaError

_TRIES = 3
_TRY_MS = 1500
_MOST = 4


def _refusal(code: int) -> str:
    """Return a response code as text for people (RFC 1035, 4.1.1)."""
    if code == 1:
        return "the name server cannot read the question (FORMERR)"
    if code == 2:
        return "the name server fails (SERVFAIL)"
    if code == 3:
        return "the name server does not know this host (NXDOMAIN)"
    if code == 5:
        return "the name server refuses to answer (REFUSED)"
    return "the name server has no answer (code %d)" % code


def is_address(host: str) -> bool:
    """Return whether host is already an IPv4 address."""
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() and len(part) <= 3 and int(part) < 256 for part in parts)


def query(host: str, number: int) -> bytes:
    """Return a recursive query for a host's A records. number: 16 bits that identify the answer."""
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


def is_of_a_host(address: str) -> bool:
    """Return whether it can be a host's address: not 0.0.0.0, which filters answer with and which stands for a missing
    name server."""
    return 0 < int(address.split(".")[0]) < 224


def answer(message: bytes, number: int) -> "list[str] | None":
    """Return the IPv4 addresses in a name server's answer, in its order; None if the message answers another query.
    Raises SiagaError if the server says that there is none. Safe for any bytes."""
    if len(message) < 12:
        return None
    told, flags, questions, answers = struct.unpack(">HHHH", message[:8])
    if told != number or not flags & 0x8000:
        return None
    if flags & 15:
        raise SiagaError(_refusal(flags & 15))
    at = 12
    for _ in range(questions):
        at = _behind_name(message, at) + 4
    found = []  # type: list[str]
    why = "has no address for this host"
    for _ in range(answers):
        at = _behind_name(message, at)
        if at + 10 > len(message):
            break
        kind, place, _ttl, length = struct.unpack(">HHIH", message[at : at + 10])
        at += 10
        if kind == 1 and place == 1 and length == 4 and at + 4 <= len(message):
            address = "%d.%d.%d.%d" % tuple(message[at : at + 4])
            if not is_of_a_host(address):
                why = "answers %s, which is nobody's address: a filter?" % address
            elif address not in found and len(found) < _MOST:
                found.append(address)
        elif kind == 28:
            why = "has only IPv6 addresses for this host, and this button speaks IPv4"
        at += length
    if not found:
        raise SiagaError("the name server " + why)
    return found


async def resolve(host: str, server: str, port: int = 53, others: "tuple[str, ...]" = ()) -> "list[str]":
    """Ask a name server, and others if it does not answer or knows nothing: each up to three times, 1.5 s a time.
    Raises SiagaError or OSError."""
    if is_address(host):
        return [host]
    servers = []
    for one in (server,) + others:
        if one not in servers and is_address(one) and is_of_a_host(one):
            servers.append(one)
    why = SiagaError("no name server is known")  # type: Exception
    said = None  # type: Exception | None
    for _ in range(_TRIES):
        for one in list(servers):
            try:
                found = await _ask(host, one, port)
                if found:
                    return found
                why = SiagaError("the name server %s does not answer about %s" % (one, host))
            except SiagaError as error:
                servers.remove(one)
                said = said or SiagaError("%s: %s (%s)" % (host, error, one))
            except OSError as error:
                why = error
    raise said or why


async def _ask(host: str, server: str, port: int) -> "list[str] | None":
    """Ask once; None = no answer in time. Raises SiagaError, OSError."""
    number = int.from_bytes(os.urandom(2), "big")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        try:
            sock.connect(socket.getaddrinfo(server, port)[0][-1])
        except OSError as error:
            if error.errno != EINPROGRESS:
                raise
        sock.send(query(host, number))
        return await asyncio.wait_for_ms(_heard(sock, number), _TRY_MS)
    except asyncio.TimeoutError:
        return None
    finally:
        sock.close()


async def _heard(sock: socket.socket, number: int) -> "list[str]":
    """Receive the answer, polling every 20 ms: a stream would merge two datagrams."""
    while True:
        try:
            found = answer(sock.recv(512), number)
            if found is not None:
                return found
        except OSError as error:
            if error.errno != EAGAIN:
                raise
        await asyncio.sleep_ms(20)
