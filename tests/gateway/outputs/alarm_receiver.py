"""A strict alarm receiving centre for SIA DC-09, on loopback, written from the standard and not from our format."""

from __future__ import annotations

import re
import socketserver
import threading
from binascii import unhexlify
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from siaga_gateway.service.ports import Clock

GRAMMAR = re.compile(
    r'"(\*?)(SIA-DCS|ADM-CID|NULL)"(\d{4})R([0-9A-F]{1,6})L([0-9A-F]{1,6})#([0-9A-F]{3,16})\[(.*)', re.DOTALL
)
CONTENT = re.compile(r"([^\[\]]*)\]((?:\[[A-Z][^\[\]]*\])*)(_\d\d:\d\d:\d\d,\d\d-\d\d-\d{4})")


@dataclass(frozen=True)
class Event:
    """A message that was acknowledged."""

    token: str
    sequence: int
    account: str
    data: str
    blocks: str
    encrypted: bool


@dataclass
class AlarmReceiver:
    """`with` it; `faults` are its complaints about what came, `events` what it acknowledged, `sequences` all that came.

    answer: makes the answer's body from the message's parts, None: silence; by default what the standard wants.
    """

    clock: Clock
    key: bytes | None = None
    datagrams: bool = False
    accounts: frozenset[str] | None = None  # None: any
    answer: Callable[[AlarmReceiver, str, int, str], bytes | None] | None = None
    broken: bool = False  # closes every connection at once
    events: list[Event] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    _bodies: dict[int, str] = field(default_factory=dict)
    port: int = 0

    def __enter__(self) -> AlarmReceiver:
        outer = self

        class Stream(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                received = b""
                while not outer.broken and (more := self.request.recv(4096)):
                    received += more
                    while b"\r" in received:
                        one, _, received = received.partition(b"\r")
                        if (said := outer.judge(one + b"\r")) is not None:
                            self.request.sendall(said)

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                said = None if outer.broken else outer.judge(self.request[0])
                if said is not None:
                    self.request[1].sendto(said, self.client_address)

        made: Any = (
            socketserver.ThreadingUDPServer(("127.0.0.1", 0), Datagram)
            if self.datagrams
            else socketserver.ThreadingTCPServer(("127.0.0.1", 0), Stream)
        )
        made.daemon_threads, made.block_on_close = True, False
        self._server = made
        self.port = made.server_address[1]
        threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def judge(self, message: bytes) -> bytes | None:
        """Check every rule of a frame. Returns what to answer; None: nothing."""
        body = message[9:-1].decode("ascii")
        if message[:1] != b"\n" or message[-1:] != b"\r":
            return self._complain("no LF and CR")
        if not re.fullmatch(rb"0[0-9A-F]{3}", message[5:9]) or int(message[5:9], 16) != len(body):
            return self._complain(f"length {message[5:9]!r} of {len(body)}")
        if not re.fullmatch(rb"[0-9A-F]{4}", message[1:5]) or int(message[1:5], 16) != arc(body.encode()):
            return self._complain("crc")
        parts = GRAMMAR.fullmatch(body)
        if parts is None:
            return self._complain(f"grammar {body}")
        star, token, number, receiver, line, account, rest = parts.groups()
        who, sequence = f"R{receiver}L{line}#{account}", int(number)
        self.sequences.append(sequence)
        if not 1 <= sequence <= 9999:
            self.faults.append(f"sequence {number}")
        if self.answer is not None:
            return self.answer(self, who, sequence, token)
        if self.accounts is not None and account not in self.accounts:
            return frame('"NAK"0000R0L0A0[]' + stamp(self.clock.now_ms()))
        if bool(star) != (self.key is not None):
            return frame('"NAK"0000R0L0A0[]' + stamp(self.clock.now_ms()))
        if self.key is not None:
            clear = self._decrypt(rest)
            if clear is None:
                return frame('"NAK"0000R0L0A0[]' + stamp(self.clock.now_ms()))
            rest = clear
        content = CONTENT.fullmatch(rest)
        if content is None:
            if self.key is not None:  # under another key
                return frame('"NAK"0000R0L0A0[]' + stamp(self.clock.now_ms()))
            return self._complain(f"content {rest}")
        at = datetime.strptime(content[3], "_%H:%M:%S,%m-%d-%Y").replace(tzinfo=UTC)
        now = datetime.fromtimestamp(self.clock.now_ms() / 1000, UTC)
        if not timedelta(seconds=-40) <= at - now <= timedelta(seconds=20):
            return frame('"NAK"0000R0L0A0[]' + stamp(self.clock.now_ms()))
        event = Event(token, sequence, account, content[1], content[2], bool(star))
        known = self._bodies.setdefault(sequence, f"{token} {content[1]} {content[2]}")
        if known != f"{token} {content[1]} {content[2]}":
            self.faults.append(f"sequence {number} again for another message")
        if event not in self.events:
            self.events.append(event)
        return self.acknowledge(who, sequence)

    def acknowledge(self, who: str, sequence: int, token: str = "ACK") -> bytes:
        if self.key is None:
            return frame(f'"{token}"{sequence:04d}{who}[]')
        rest = "]" + stamp(self.clock.now_ms())
        pad = 16 - (len(rest) + 1) % 16
        return frame(f'"*{token}"{sequence:04d}{who}[{self.hidden("x" * pad + "|" + rest)}')

    def hidden(self, clear: str) -> str:
        """Blocks of 16 characters, encrypted."""
        assert self.key is not None
        cipher = Cipher(algorithms.AES(self.key), modes.CBC(bytes(16))).encryptor()
        return (cipher.update(clear.encode()) + cipher.finalize()).hex().upper()

    def _decrypt(self, rest: str) -> str | None:
        assert self.key is not None
        if not re.fullmatch(r"([0-9A-F]{32})+", rest):
            return self._note(f"encrypted part {rest}")
        cipher = Cipher(algorithms.AES(self.key), modes.CBC(bytes(16))).decryptor()
        clear = (cipher.update(unhexlify(rest)) + cipher.finalize()).decode("latin-1")
        pad, bar, content = clear.partition("|")
        if not bar or not 1 <= len(pad) <= 16 or set(pad) & set("[]|"):
            return None  # under another key
        return content

    def _complain(self, fault: str) -> bytes | None:
        self.faults.append(fault)
        return None

    def _note(self, fault: str) -> None:
        self.faults.append(fault)


def frame(body: str) -> bytes:
    return f"\n{arc(body.encode()):04X}{len(body):04X}{body}\r".encode()


def stamp(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("_%H:%M:%S,%m-%d-%Y")


def arc(data: bytes) -> int:
    """CRC-16/ARC by its definition: the polynomial x^16 + x^15 + x^2 + 1 over the bits, each byte's lowest first."""
    register = 0
    for bit in (byte >> place & 1 for byte in data for place in range(8)):
        register = (register >> 1) ^ (0xA001 if (register ^ bit) & 1 else 0)
    return register
