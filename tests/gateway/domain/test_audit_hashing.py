"""The audit chain's own arithmetic, by example and by property."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.audit_hashing import (
    FIRST,
    HASH_BYTES,
    Link,
    batch_digest,
    batch_facts,
    entry_text,
    event_record,
    exported,
    imported,
    next_hash,
    signature_fits,
)
from siaga_gateway.domain.frame import Suite

FACTS = st.dictionaries(
    st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=12), max_size=4
)
NUMBER = st.integers(-(2**63), 2**63 - 1)
ENTRY = st.tuples(
    NUMBER,
    NUMBER,
    st.text(max_size=12),
    st.none() | NUMBER,
    st.none() | st.binary(max_size=8),
    st.none() | st.text(max_size=12),
    FACTS.map(lambda facts: json.dumps(facts, ensure_ascii=False, separators=(",", ":"))),
    st.none() | st.binary(max_size=20),
)
EVENT = st.tuples(
    st.binary(min_size=8, max_size=8),
    st.integers(0, 2**64 - 1),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=30),
    NUMBER,
    st.text(max_size=6),
    st.none() | st.integers(0, 2**63 - 1),
    st.integers(0, 255),
)


def test_an_entry_is_hashed_as_the_manual_says() -> None:
    """gateway/README.md tells an auditor to do just this, in any language."""
    text = entry_text(1, 1_790_000_000_000, "seen", 7, b"\x01" * 8, "Rina", '{"a":1}', b"frame")
    frame = hashlib.sha256(b"frame").hexdigest()
    assert text == (
        '{"id":1,"at_ms":1790000000000,"kind":"seen","incident":7,"device":"0101010101010101","actor":"Rina",'
        f'"facts":{{"a":1}},"frame":"{frame}"}}'
    )
    hash_ = next_hash(FIRST.hash, text)
    assert hash_ == hashlib.sha256(bytes(32) + text.encode()).digest()
    line = exported(text, hash_)
    assert json.loads(line) == {**json.loads(text), "hash": hash_.hex()}
    assert line.removesuffix(f',"hash":"{hash_.hex()}"}}') + "}" == text


@given(ENTRY)
def test_an_entry_is_one_json_object_that_says_all_of_it(entry: tuple) -> None:  # type: ignore[type-arg]
    text = entry_text(*entry)
    id_, at_ms, kind, incident_id, device_id, actor, facts, frame = entry
    assert json.loads(text) == {
        "id": id_,
        "at_ms": at_ms,
        "kind": kind,
        "incident": incident_id,
        "device": None if device_id is None else device_id.hex(),
        "actor": actor,
        "facts": json.loads(facts),
        "frame": None if frame is None else hashlib.sha256(frame).hexdigest(),
    }
    assert "\n" not in text
    assert imported(exported(text, b"h" * 32)) == (text, b"h" * 32)


@given(ENTRY, ENTRY)
def test_no_two_entries_read_the_same(one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    assert (entry_text(*one) == entry_text(*other)) == (one == other)


@pytest.mark.parametrize("line", ["", "{}", '{"id":1}', '{"id":1,"hash":"' + "zz" * 32 + '"}'])
def test_a_line_without_its_hash_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"hash|hex"):
        imported(line)


@given(st.lists(EVENT, max_size=5), st.randoms())
def test_a_digest_does_not_depend_on_the_order_of_a_batch(events: list, chance) -> None:  # type: ignore[no-untyped-def, type-arg]
    records = [event_record(*event) for event in events]
    mixed = records.copy()
    chance.shuffle(mixed)
    assert batch_digest(mixed) == batch_digest(records)


@given(EVENT, EVENT)
def test_no_two_events_are_digested_the_same(one: tuple, other: tuple) -> None:  # type: ignore[type-arg]
    assert (event_record(*one) == event_record(*other)) == (one == other)


def test_the_chain_begins_at_nothing_and_a_link_of_it_cannot_be_changed() -> None:
    assert Link(0, bytes(32)) == FIRST
    assert HASH_BYTES == 32
    with pytest.raises(AttributeError):
        FIRST.id = 1  # type: ignore[misc]
    assert not hasattr(FIRST, "__dict__")


def test_an_entry_of_a_batch_and_the_record_of_an_event_are_as_the_manual_says() -> None:
    assert batch_facts(4, 3, b"\x0a" * 32) == f'{{"batch":4,"events":3,"digest":"{"0a" * 32}"}}'
    record = event_record(b"contoh-1", 258, 1, 2, b"frame", 515, "sms", None, 6)
    assert record == (
        b"contoh-1"
        + b"\0\0\0\0\0\0\x01\x02"
        + b"\x01\x02"
        + b"\0\0\0\0\0\0\x02\x03"
        + b"\xff" * 8
        # the stage, how long the bearer's name and the frame are, both
        + b"\x06"
        + b"\0\x03"
        + b"\0\x05"
        + b"smsframe"
    )
    assert event_record(b"contoh-1", 258, 1, 2, b"frame", 515, "sms", 0, 6)[26:34] == bytes(8), "incident 0 is one"
    assert batch_digest([b"b", b"a"]) == hashlib.sha256(b"ab").digest()


def test_a_line_is_taken_apart_at_its_hash_and_nowhere_else() -> None:
    text, hash_ = '{"facts":{"hash":"x"}}', bytes(range(32))
    line = exported(text, hash_)
    assert imported(line) == (text, hash_)
    for broken in (
        line[:-1],
        line.removesuffix("}") + "]",
        line.replace('","', '",,'),
        line.replace(',"hash":"00', ',"hush":"00'),
        line.removesuffix('"}') + "'}",
    ):
        if broken != line:
            with pytest.raises(ValueError, match=r"hash|hex"):
                imported(broken)


def test_a_signature_is_the_end_of_its_frame_where_there_is_one() -> None:
    """What came by a short way is signed later or not at all; what is signed there carries just that signature."""
    frame = bytes(range(99))
    assert signature_fits(Suite.ES256, frame, frame[35:])
    for other in (None, b"", frame[34:], frame[36:], bytes(64)):
        assert not signature_fits(Suite.ES256, frame, other)
    for signature in (None, bytes(64), frame[35:]):
        assert signature_fits(Suite.HS256_64, frame, signature)
