"""Telephone numbers as they are written; those that are looked at are nobody's we know of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.phone_number import E164, doubtful, e164


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("0812-0000-0001", "+6281200000001"),
        ("+62 812 0000 0001", "+6281200000001"),
        ("(0721) 000001", "+62721000001"),
        ("+620000000001", "+620000000001"),
        ("Budi", None),
        ("12", None),
        ("+62 812 0000 0001; 0813", None),
    ],
)
def test_a_number_is_read_however_it_is_written(written: str, number: str | None) -> None:
    assert e164(written) == number


def test_what_no_telephone_can_have_is_doubted() -> None:
    assert not doubtful("+6281234567890")
    assert not doubtful("+620000000001"), "an invented person's"
    assert doubtful("+62812")
    assert doubtful("+6281234567890123")


@given(st.text(max_size=30))
def test_nothing_that_is_typed_breaks_it(written: str) -> None:
    found = e164(written)
    assert found is None or E164.fullmatch(found)
