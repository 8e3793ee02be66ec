"""Personal data sealed: opens with its key at its place, and nowhere else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.personal_encryption import (
    PersonalKey,
    PersonalKeyError,
    PersonalKeys,
    Unreadable,
    parsed,
    written,
)

OLD, NEW = PersonalKey(bytes(range(32))), PersonalKey(bytes(range(32, 64)))
KEYS = PersonalKeys([OLD])
BOTH = PersonalKeys([NEW, OLD])


@given(st.text(max_size=300))
def test_what_was_sealed_opens_at_its_place_only(text: str) -> None:
    sealed = KEYS.seal(text, "owner", 7, "phone")
    assert KEYS.open(sealed, OLD.id, "owner", 7, "phone") == text
    for place in (("owner", 7, "name"), ("owner", 8, "phone"), ("incident", 7, "phone")):
        with pytest.raises(Unreadable, match="changed or moved"):
            KEYS.open(sealed, OLD.id, *place)
    assert KEYS.open_note(KEYS.seal_note(text, "incident", 1), "incident", 1) == text


def test_nothing_of_the_text_shows_and_the_same_is_sealed_anew_each_time() -> None:
    sealed = {KEYS.seal("Contoh Wati", "owner", 1, "name") for _ in range(20)}
    assert len(sealed) == 20
    assert not any(b"Contoh" in base64.b64decode(one) for one in sealed)


@given(st.integers(0, 10**6))
def test_a_changed_bit_does_not_open(where: int) -> None:
    raw = bytearray(base64.b64decode(KEYS.seal("Contoh", "owner", 1, "name")))
    raw[where // 8 % len(raw)] ^= 1 << where % 8
    with pytest.raises(Unreadable):
        KEYS.open(base64.b64encode(raw).decode(), OLD.id, "owner", 1, "name")


@pytest.mark.parametrize("sealed", ["", "x", "AAAA", "not base64 at all!", "ä"])
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(Unreadable):
        KEYS.open(sealed, OLD.id, "owner", 1, "name")


def test_what_an_earlier_version_sealed_still_opens() -> None:
    """Stores are full of it: how it is sealed, bound and indexed does not change."""
    sealed = "4a42365e.IbebeTKK2XTGzK35CKgTaU32kDNqM36E/OF5p4fEjfpYIUbcsxvP"
    assert KEYS.open_note(sealed, "owner", 1, "name") == "Contoh Wati"
    assert KEYS.index("9900000000000001") == "16acf6f9d6da5fa8aaff57c9950e5c83d8261013059256e8c507502d7c2944e7"


def test_it_says_which_keys_it_has() -> None:
    assert (KEYS.has(OLD.id), KEYS.has(NEW.id), BOTH.has(NEW.id)) == (True, False, True)


@pytest.mark.parametrize("mark", ["\n", " ", "!", "\0"])
def test_sealed_text_with_anything_else_in_it_was_changed(mark: str) -> None:
    sealed = KEYS.seal("Contoh", "owner", 1, "name")
    for changed in (sealed + mark, mark + sealed, sealed[:5] + mark + sealed[5:]):
        with pytest.raises(Unreadable):
            KEYS.open(changed, OLD.id, "owner", 1, "name")


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = KEYS.seal("Contoh", "owner", 1, "name")
    assert BOTH.open(old, OLD.id, "owner", 1, "name") == "Contoh"
    new = BOTH.seal("Contoh", "owner", 1, "name")
    assert BOTH.open(new, NEW.id, "owner", 1, "name") == "Contoh"
    with pytest.raises(Unreadable, match=f"{NEW.id}, which is not here"):
        KEYS.open(new, NEW.id, "owner", 1, "name")


def test_the_index_tells_the_same_nik_and_needs_the_key() -> None:
    nik = "9900000000000001"
    assert KEYS.index(nik) == KEYS.index(nik) != KEYS.index("9900000000000002")
    assert BOTH.indexes(nik) == (PersonalKeys([NEW]).index(nik), KEYS.index(nik))
    assert nik not in KEYS.index(nik)


def test_without_a_key_nothing_is_sealed_and_the_error_says_how_to_mend_it() -> None:
    none = PersonalKeys([])
    with pytest.raises(PersonalKeyError, match="put your copy of it back"):
        none.seal("x", "owner", 1, "name")
    with pytest.raises(Unreadable, match="which is not here"):
        none.open(KEYS.seal("x", "a"), OLD.id, "a")


def test_a_key_file_is_read_as_it_was_written() -> None:
    assert parsed(written([NEW, OLD])) == (NEW, OLD)
    assert parsed(f"\n{written([NEW])} \n\n{written([OLD])}") == (NEW, OLD), "somebody spaced it out"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no key in it"),
        ("hello\n", "line 1 is no key"),
        (written([OLD])[:-9] + "\n", "line 1 is (no key|damaged)"),
        (written([OLD]).replace(OLD.id, NEW.id), "line 1 is damaged"),
        (written([OLD]) + written([NEW]).replace("key-1", "key-9"), "line 2 is damaged"),
    ],
)
def test_a_damaged_key_file_is_refused_and_shows_nothing_of_it(text: str, why: str) -> None:
    with pytest.raises(PersonalKeyError, match=why) as refused:
        parsed(text)
    assert OLD.secret.hex()[:8] not in str(refused.value)
