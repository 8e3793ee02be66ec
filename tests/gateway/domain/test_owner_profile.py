"""What an owner tells comes back as it was told, whatever it is; what a later version adds stops nobody."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from siaga_gateway.domain.consent import PROFILE_SINCE, VERSIONS, Consent, covers_profile
from siaga_gateway.domain.owner_profile import (
    CONDITIONS,
    HAZARDS,
    NOTHING_TOLD,
    EmergencyContact,
    OwnerProfile,
    fingerprint_of,
    of_text,
    to_text,
)

COUNTS = some.none() | some.integers(0, 99)
PROFILES = some.builds(
    OwnerProfile,
    some.lists(some.sampled_from(HAZARDS), unique=True).map(tuple),
    some.text(),
    some.lists(some.sampled_from(CONDITIONS), unique=True).map(tuple),
    some.text(),
    COUNTS,
    COUNTS,
    COUNTS,
    some.text(),
    some.text(),
    some.lists(some.builds(EmergencyContact, some.text(), some.text(), some.text()), max_size=5).map(tuple),
)


@given(PROFILES, PROFILES)
def test_it_comes_back_as_it_was_told_and_each_has_its_own_fingerprint(one: OwnerProfile, other: OwnerProfile) -> None:
    assert of_text(to_text(one)) == one
    assert (fingerprint_of(one) == fingerprint_of(other)) is (one == other)


def test_what_a_later_version_tells_beside_it_is_left_out_and_its_words_stay() -> None:
    later = json.dumps({"hazards": ["dog", "drone"], "roof": "flat", "contacts": [{"name": "A", "fax": "1"}]})
    found = of_text(later)
    assert found.hazards == ("dog", "drone") and found.contacts == (EmergencyContact("A", "", ""),)
    assert of_text("{}") == NOTHING_TOLD


@pytest.mark.parametrize("text", ["", "[]", "7", '{"people": "many"}', '{"contacts": 3}', '{"contacts": ["x"]}'])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError)):
        of_text(text)


def agreed(version: str) -> Consent:
    return Consent(version, "2026-11-01", 0, "Rina")


def test_the_latest_consent_decides_and_one_of_a_later_gateway_covers_it_too() -> None:
    assert not covers_profile([])
    assert [covers_profile([agreed(version)]) for version in VERSIONS] == [False, True]
    assert covers_profile([agreed("2031-1")]) and VERSIONS[1] == PROFILE_SINCE
    assert not covers_profile([agreed("2026-1"), agreed("2026-2")]), "taken back by a narrower one"
