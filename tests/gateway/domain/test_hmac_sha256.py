"""Our HMAC against the library's, and against the standard's own examples."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.hmac_sha256 import hmac_sha256


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_it_is_the_library_s(key: bytes, message: bytes) -> None:
    assert hmac_sha256(key, message) == hmac.digest(key, message, "sha256")


@pytest.mark.parametrize(
    ("key", "message", "mac"),
    [  # RFC 4231, 4.2 to 4.4
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    ],
)
def test_it_is_the_standard_s(key: bytes, message: bytes, mac: str) -> None:
    assert hmac_sha256(key, message).hex() == mac


def test_a_key_that_would_have_to_be_hashed_first_is_refused() -> None:
    with pytest.raises(ValueError, match="65 bytes"):
        hmac_sha256(bytes(65), b"")
