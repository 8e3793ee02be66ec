"""The digest by which an event is known, on every bearer the same and for no other event."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.frame import Kind, event_digest

REPORTING = (Kind.PRESS, Kind.UPDATE, Kind.CANCEL, Kind.CHECKIN, Kind.TAMPER)
BODIES = {**dict.fromkeys(REPORTING, 21), Kind.ENROL: 64, Kind.RECEIPT: 5}

messages = st.sampled_from(sorted(BODIES)).flatmap(
    lambda kind: st.tuples(
        st.just(kind), st.integers(0, 2**32 - 1), st.binary(min_size=BODIES[kind], max_size=BODIES[kind])
    )
)


@given(messages, messages)
def test_two_events_never_share_a_digest(one: tuple[int, int, bytes], other: tuple[int, int, bytes]) -> None:
    assert (event_digest(*one) == event_digest(*other)) is (one == other)


@given(st.integers(0, 2**32 - 1), st.binary(min_size=21, max_size=21), st.binary(min_size=8, max_size=8))
def test_a_status_left_out_on_a_narrow_bearer_changes_nothing(counter: int, report: bytes, status: bytes) -> None:
    assert event_digest(Kind.CHECKIN, counter, report + status) == event_digest(Kind.CHECKIN, counter, report)


def test_it_is_the_sha_256_of_kind_counter_and_body() -> None:
    assert event_digest(Kind.RECEIPT, 0x01020304, b"abcde") == hashlib.sha256(b"\x07\x01\x02\x03\x04abcde").digest()
