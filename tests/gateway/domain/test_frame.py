"""What is read of a frame before it is laid out, and how it is named afterwards (domain/frame.py)."""

from __future__ import annotations

import struct
from enum import IntEnum
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.frame import (
    DOWN_CONTEXT,
    UP_CONTEXT,
    CommandCode,
    Flags,
    FrameError,
    Kind,
    Reason,
    Result,
    Stage,
    Suite,
    counter_of,
    decode_uplink,
    digest_of,
    encode_ack,
    encode_command,
    eta_field,
    event_digest,
    glance,
    kind_and_body,
    lengths_after,
    says_duress,
)

ID = b"contoh-1"
# Lengths of the whole frame, by kind: signed, and with a MAC (PROTOCOL.md, 2).
SIGNED = {1: (99,), 2: (99,), 3: (99,), 4: (99, 107), 5: (99,), 6: (142,), 7: (83,)}
MACED = {1: (43,), 2: (43,), 3: (43,), 4: (43, 51), 5: (43,), 7: (27,)}
FORMS = {(suite, kind): sizes for suite, all_ in ((1, SIGNED), (2, MACED)) for kind, sizes in all_.items()}


def raw(suite: int, kind: int, size: int, counter: int = 7, version: int = 1) -> bytes:
    """A frame of this size whose body and tag count up."""
    head = struct.pack(">BB8sI", version << 4 | suite, kind, ID, counter)
    return head + bytes(number % 256 for number in range(size - 14))


@pytest.mark.parametrize(("suite", "kind"), [(suite, kind) for suite in range(4) for kind in (*range(9), 0x81, 0x82)])
def test_a_glance_says_what_laying_out_says(suite: int, kind: int) -> None:
    sizes = FORMS.get((suite, kind), ())
    assert lengths_after(bytes([0x10 | suite, kind]) + b"more") == sizes
    for size in range(150):
        assert glance(raw(suite, kind, max(size, 14))[:size]) == (Kind(kind) if size in sizes else None)
        if size in sizes or kind == Kind.ENROL:
            continue
        with pytest.raises(FrameError):
            decode_uplink(raw(suite, kind, max(size, 14))[:size])


def test_a_glance_at_less_than_a_header_or_at_another_version() -> None:
    assert [glance(head) for head in (b"", b"\x11", b"\x11\x01")] == [None] * 3
    assert [lengths_after(head) for head in (b"", b"\x11", b"\x11\x01")] == [(), (), (99,)]
    assert glance(raw(1, 1, 99, version=2)) is None and glance(raw(1, 1, 99, version=0)) is None


@pytest.mark.parametrize(("form", "sizes"), FORMS.items())
def test_each_part_is_where_the_protocol_has_it(form: tuple[int, int], sizes: tuple[int, ...]) -> None:
    suite, kind = form
    for size in sizes:
        frame, tag = raw(suite, kind, size, counter=2**32 - 2), 64 if suite == 1 else 8
        if kind == Kind.RECEIPT:
            frame = frame[:18] + b"\x02" + frame[19:]
        assert kind_and_body(frame) == (Kind(kind), frame[14:-tag])
        assert counter_of(frame) == 2**32 - 2
        body = frame[14:35] if kind == Kind.CHECKIN else frame[14:-tag]
        digest = sha256(bytes([kind]) + (2**32 - 2).to_bytes(4, "big") + body).digest()
        assert digest_of(frame) == event_digest(kind, 2**32 - 2, frame[14:-tag]) == digest
        if kind == Kind.ENROL:
            continue
        made = decode_uplink(frame)
        assert (made.suite, made.kind, made.device_id, made.counter) == (Suite(suite), Kind(kind), ID, 2**32 - 2)
        assert (made.body, made.tag, made.signed) == (frame[14:-tag], frame[-tag:], frame[:-tag])
        assert (made.report is None) is (kind == Kind.RECEIPT)
        assert (made.status is None) is (size not in (107, 51))
        assert (made.receipt is None) is (kind != Kind.RECEIPT) and made.public_key is None


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", Reason.LENGTH),
        (raw(1, 1, 99)[:13], Reason.LENGTH),
        (raw(9, 99, 14, version=2), Reason.VERSION),  # of several faults the first in this order
        (raw(9, 99, 14, version=0), Reason.VERSION),
        (raw(0, 99, 14), Reason.SUITE),
        (raw(3, 1, 36), Reason.SUITE),  # a downlink's
        (raw(1, 0, 14), Reason.KIND),
        (raw(1, 0x81, 14), Reason.KIND),
        (raw(2, 6, 86), Reason.SUITE),  # an ENROL is signed
        (raw(1, 1, 14), Reason.LENGTH),
        (raw(1, 1, 107), Reason.LENGTH),  # a CHECKIN's
        (raw(1, 6, 142), Reason.DEVICE_ID),
        (raw(2, 7, 27)[:18] + b"\x03" + bytes(8), Reason.RESULT),
    ],
)
def test_why_bytes_are_no_frame(frame: bytes, reason: Reason) -> None:
    with pytest.raises(FrameError) as refused:
        decode_uplink(frame)
    assert refused.value.reason is reason


@pytest.mark.parametrize("result", [0, 1, 2])
def test_a_receipt_says_of_which_command_and_what_became_of_it(result: int) -> None:
    receipt = decode_uplink(raw(2, 7, 27)[:14] + b"\x01\x02\x03\x04" + bytes([result]) + bytes(8)).receipt
    assert receipt is not None and (receipt.down_counter, receipt.result) == (0x01020304, result)


@given(st.integers(1, 2**256 - 2**224))
def test_a_key_of_p_256_enrols_and_one_beside_the_curve_does_not(secret: int) -> None:
    numbers = ec.derive_private_key(secret, ec.SECP256R1()).public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    assert decode_uplink(enrol(x + y)).public_key == x + y
    assert decode_uplink(enrol(x + (p - numbers.y).to_bytes(32, "big"))).public_key is not None, "the other root"
    for none in (y + x, x + bytes(31) + b"\x01", bytes(64), x + ((numbers.y + 1) % 2**256).to_bytes(32, "big")):
        with pytest.raises(FrameError) as refused:
            decode_uplink(enrol(none))
        assert refused.value.reason is Reason.KEY
    for high in (numbers.x + p, numbers.y + p):
        if high < 2**256:
            other = high.to_bytes(32, "big")
            with pytest.raises(FrameError):
                decode_uplink(enrol(other + y if high == numbers.x + p else x + other))


def test_coordinates_that_are_not_below_the_prime_are_no_key() -> None:
    """The point of x = 5, once as it is and once with the prime added, which is the same on the curve."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    y = pow(5**3 - 3 * 5 + b, (p + 1) // 4, p)
    assert y * y % p == (5**3 - 15 + b) % p
    fine = (5).to_bytes(32, "big") + y.to_bytes(32, "big")
    assert decode_uplink(enrol(fine)).public_key == fine
    # The point with x = 0: there is one, and p itself would be it too.
    root = pow(b, (p + 1) // 4, p)
    zero = bytes(32) + root.to_bytes(32, "big")
    assert decode_uplink(enrol(zero)).public_key == zero
    for x, y_ in ((5 + p, y), (p, root)):
        with pytest.raises(FrameError) as refused:
            decode_uplink(enrol(x.to_bytes(32, "big") + y_.to_bytes(32, "big")))
        assert refused.value.reason is Reason.KEY


def enrol(public: bytes) -> bytes:
    return b"\x11\x06" + sha256(public).digest()[:8] + bytes(4) + public + bytes(64)


def test_who_is_under_threat_is_seen_at_a_glance() -> None:
    """It is looked at before the signature is checked, so that such a frame waits behind no other."""
    for (suite, kind), sizes in FORMS.items():
        for size in sizes:
            for bit in range(8):
                for word in (bytes([0xFF, 1 << bit]), bytes([0, 0xFF ^ 1 << bit])):
                    frame = bytearray(b"\xff" * size)
                    frame[:2] = bytes([0x10 | suite, kind])
                    frame[31:33] = word
                    reports = kind not in (Kind.ENROL, Kind.RECEIPT)
                    duress = reports and bool(word[1] & Flags.DURESS)
                    assert says_duress(bytes(frame), Kind(kind)) is duress, (kind, word)
                    if reports:
                        report = decode_uplink(bytes(frame)).report
                        assert report is not None and report.duress is duress


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (Suite, {"ES256": 1, "HS256_64": 2, "HS256_128": 3}),
        (CommandCode, {"LOCATE": 1, "TEST": 2, "SETTINGS": 3, "UPDATE": 4, "RESTART": 5}),
        (Result, {"DONE": 0, "REFUSED": 1, "FAILED": 2}),
        (Stage, {"RECEIVED": 1, "SEEN": 2, "ASSIGNED": 3, "ON_SCENE": 4, "CLOSED": 5, "TEST": 6, "REFUSED": 7}),
    ],
)
def test_the_numbers_on_the_wire_are_those_of_the_protocol(names: type[IntEnum], numbers: dict[str, int]) -> None:
    """Every button in the field has them burnt in."""
    assert {one.name: int(one) for one in names} == numbers
    kinds = {"PRESS": 1, "UPDATE": 2, "CANCEL": 3, "CHECKIN": 4, "TAMPER": 5, "ENROL": 6, "RECEIPT": 7}
    assert {one.name: int(one) for one in Kind} == {**kinds, "ACK": 0x81, "COMMAND": 0x82}


# What the gateway sends


def test_how_long_until_the_patrol_is_there() -> None:
    assert [eta_field(minutes) for minutes in (None, 0, 253, 254, 255, 9_999)] == [255, 0, 253, 254, 254, 254]


def test_an_ack_is_laid_out_as_the_protocol_has_it() -> None:
    digest = bytes(range(32))
    made = encode_ack(b"k" * 32, ID, 7, digest, 9, Stage.ASSIGNED, 12)
    assert made[:20] == b"\x13\x81" + ID + b"\0\0\0\x07\0\0\0\x09\x03\x0c"
    assert len(made) == 36
    assert encode_ack(b"k" * 32, ID, 7, digest, 9, Stage.SEEN)[19] == 255, "unknown, where nothing is said"
    minutes = [encode_ack(b"k" * 32, ID, 7, digest, 9, Stage.ASSIGNED, eta)[19] for eta in (0, 254, 255, 256, 9_999)]
    assert minutes == [0, 254, 255, 254, 254]
    for counter, time in ((0, 0), (2**32 - 1, 2**32 - 1)):
        assert encode_ack(b"k" * 32, ID, counter, digest, time, Stage.SEEN)[10:18] == struct.pack(">II", counter, time)


@pytest.mark.parametrize("size", [31, 33])
def test_a_key_or_a_digest_of_another_size_makes_no_ack(size: int) -> None:
    for key, digest in ((bytes(size), bytes(32)), (bytes(32), bytes(size))):
        with pytest.raises(ValueError, match=str(size)):
            encode_ack(key, ID, 7, digest, 9, Stage.SEEN)
    for name in (bytes(7), bytes(9)):
        with pytest.raises(ValueError, match="device_id"):
            encode_ack(bytes(32), name, 7, bytes(32), 9, Stage.SEEN)


@pytest.mark.parametrize("number", [-1, 2**32, 2**40])
def test_a_number_that_has_no_place_in_its_field_is_named(number: int) -> None:
    """Not wrapped round, and no fault of `struct` that nobody looks for."""
    for of, counter, time in (("counter", number, 9), ("time", 7, number)):
        with pytest.raises(ValueError, match=f"^{of} {number}: "):
            encode_ack(bytes(32), ID, counter, bytes(32), time, Stage.SEEN)
        with pytest.raises(ValueError, match=f"^{of} {number}: "):
            encode_command(bytes(32), ID, counter, time, 1, b"")
    with pytest.raises(ValueError, match=f"^eta {-abs(number)}: "):
        encode_ack(bytes(32), ID, 7, bytes(32), 9, Stage.SEEN, -abs(number))
    for code in (256, number):
        with pytest.raises(ValueError, match=f"^code {code}: "):
            encode_command(bytes(32), ID, 7, 9, code, b"")


def test_a_command_is_laid_out_as_the_protocol_has_it() -> None:
    made = encode_command(b"k" * 32, ID, 7, 9, 255, b"a" * 255)
    assert made[:20] == b"\x13\x82" + ID + b"\0\0\0\x07\0\0\0\x09\xff\xff" and made[20:-16] == b"a" * 255
    assert len(encode_command(b"k" * 32, ID, 0, 0, 0, b"")) == 36
    with pytest.raises(ValueError, match="at most 255"):
        encode_command(b"k" * 32, ID, 7, 9, 1, bytes(256))


def test_the_two_ways_are_tagged_apart() -> None:
    assert (UP_CONTEXT, DOWN_CONTEXT) == (b"siaga/1 up", b"siaga/1 down")
