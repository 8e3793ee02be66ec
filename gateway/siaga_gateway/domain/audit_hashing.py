"""The audit chain: makes any edited, deleted, reordered or inserted row evident.

Entries are numbered consecutively; each entry's hash covers its own text and its predecessor's hash. The text contains
a frame only as its SHA-256, so an outside auditor can verify the chain without learning where anybody was. Stored
events are numerous: each batch of them gets one entry, with a digest over the whole batch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
from struct import Struct
from typing import Final

from siaga_gateway.domain.frame import Suite

STORED: Final = "stored"  # kind of a batch's entry; facts: batch (number), events (count), digest (hex)
HASH_BYTES: Final = 32
_HEXED: Final = len(',"hash":""}') + 2 * HASH_BYTES
_EVENT: Final = Struct(">8sQBBqqBHH")
_KEPT: Final = Struct(">QQ32s")
_SIGNATURE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a chain: its last entry's number and hash."""

    id: int
    hash: bytes  # 32 bytes


FIRST: Final = Link(0, bytes(HASH_BYTES))  # before the first entry


def entry_text(
    id: int,
    at_ms: int,
    kind: str,
    incident_id: int | None,
    device_id: bytes | None,
    actor: str | None,
    facts: str,
    frame: bytes | None,
    frame_sha256: bytes | None = None,
) -> str:
    """Return the text of an entry that is hashed: one JSON object without spaces.

    facts: JSON, character for character as stored. frame_sha256: of a frame that is not there any more.
    """
    told = frame_sha256 if frame is None else sha256(frame).digest()
    return (
        f'{{"id":{id},"at_ms":{at_ms},"kind":{_quoted(kind)},'
        f'"incident":{"null" if incident_id is None else incident_id},'
        f'"device":{"null" if device_id is None else chr(34) + device_id.hex() + chr(34)},'
        f'"actor":{"null" if actor is None else _quoted(actor)},"facts":{facts},'
        f'"frame":{"null" if told is None else chr(34) + told.hex() + chr(34)}}}'
    )


def batch_facts(number: int, events: int, digest: bytes) -> str:
    """Return the facts of a batch's entry, as JSON."""
    return f'{{"batch":{number},"events":{events},"digest":"{digest.hex()}"}}'


def next_hash(previous: bytes, text: str) -> bytes:
    """Return an entry's hash: SHA-256 over its predecessor's hash and its own text in UTF-8."""
    return sha256(previous + text.encode()).digest()


def exported(text: str, hash_: bytes) -> str:
    """Return an entry as a line for an auditor: its text, with the hash as the last member."""
    return f'{text[:-1]},"hash":"{hash_.hex()}"}}'


def imported(line: str) -> tuple[str, bytes]:
    """Return the text and the hash of an exported line. Raises: ValueError."""
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
    """Return the bytes of a stored event that go into its batch's digest: its immutable fields and the stage it was
    answered with."""
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
    """Return the SHA-256 over a batch's records, whatever order they come in."""
    return sha256(b"".join(sorted(records))).digest()


def kept_digest(batches: Iterable[tuple[int, int, bytes]]) -> bytes:
    """Return the SHA-256 over what is left of batches: (number, events, digest) of each, in any order."""
    return sha256(b"".join(_KEPT.pack(*each) for each in sorted(batches))).digest()


def signature_fits(suite: int, frame: bytes, signature: bytes | None) -> bool:
    """Whether an event's stored signature is the one in its frame. True for an HS256 frame: its signature came later or
    never."""
    return suite != Suite.ES256 or signature == frame[-_SIGNATURE_BYTES:]
