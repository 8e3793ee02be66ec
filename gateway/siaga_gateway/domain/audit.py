"""The audit chain: what makes a change, a removal, a new order or a row slipped in visible afterwards.

Each entry has a number, one higher than the one before, and the hash of its own text and of its predecessor's hash.
An entry's text holds no frame but its SHA-256, so that an auditor from outside can follow the chain without seeing
where anybody was. Stored events are many: each batch of them has one entry, with a digest over all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
from struct import Struct
from typing import Final

from siaga_gateway.domain.frame import Suite

STORED: Final = "stored"  # the kind of a batch's entry; facts: batch (its number), events (how many), digest (hex)
HASH_BYTES: Final = 32
_HEXED: Final = len(',"hash":""}') + 2 * HASH_BYTES
_EVENT: Final = Struct(">8sQBBqqBHH")
_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain: the number of its last entry and that one's hash."""

    id: int
    hash: bytes  # 32 bytes


FIRST: Final = Link(0, bytes(HASH_BYTES))  # before any entry


def entry_text(
    id: int,
    at_ms: int,
    kind: str,
    incident_id: int | None,
    device_id: bytes | None,
    actor: str | None,
    facts: str,
    frame: bytes | None,
) -> str:
    """What is hashed of an entry: one JSON object without spaces. `facts` is JSON as it is stored, to the letter."""
    return (
        f'{{"id":{id},"at_ms":{at_ms},"kind":{_quoted(kind)},'
        f'"incident":{"null" if incident_id is None else incident_id},'
        f'"device":{"null" if device_id is None else chr(34) + device_id.hex() + chr(34)},'
        f'"actor":{"null" if actor is None else _quoted(actor)},"facts":{facts},'
        f'"frame":{"null" if frame is None else chr(34) + sha256(frame).hexdigest() + chr(34)}}}'
    )


def batch_facts(number: int, events: int, digest: bytes) -> str:
    """The facts of a batch's entry, as JSON."""
    return f'{{"batch":{number},"events":{events},"digest":"{digest.hex()}"}}'


def next_hash(previous: bytes, text: str) -> bytes:
    """The hash of an entry: SHA-256 of its predecessor's hash and its text in UTF-8."""
    return sha256(previous + text.encode()).digest()


def exported(text: str, hash_: bytes) -> str:
    """An entry as a line for an auditor: its text, with its hash as the last member."""
    return f'{text[:-1]},"hash":"{hash_.hex()}"}}'


def imported(line: str) -> tuple[str, bytes]:
    """The text and the hash of an exported line. Raises ValueError."""
    text, end = line[:-_HEXED] + "}", line[-_HEXED:]
    if not end.startswith(',"hash":"') or not end.endswith('"}'):
        raise ValueError("the line does not end with its hash")
    return text, bytes.fromhex(end[9:-2])


def event_record(
    device_id: bytes,
    counter: int,
    kind: int,
    suite: int,
    frame: bytes,
    received_ms: int,
    bearer: str,
    incident_id: int | None,
    answer: int,
) -> bytes:
    """What is digested of a stored event: all that never changes of it, and the stage that it was answered with."""
    name = bearer.encode()
    fixed = _EVENT.pack(
        device_id,
        counter,
        kind,
        suite,
        received_ms,
        -1 if incident_id is None else incident_id,
        answer,
        len(name),
        len(frame),
    )
    return fixed + name + frame


def batch_digest(records: Iterable[bytes]) -> bytes:
    """Over the events of a batch, by device and counter: SHA-256."""
    return sha256(b"".join(sorted(records))).digest()


def signature_fits(suite: int, frame: bytes, signature: bytes | None) -> bool:
    """Whether an event's signature is the one that its frame carries. Of one without, it came later or not at all."""
    return suite != Suite.ES256 or signature == frame[-_SIGNATURE_BYTES:]
