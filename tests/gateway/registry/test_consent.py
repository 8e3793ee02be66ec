"""What people have signed is not changed afterwards."""

from __future__ import annotations

from hashlib import sha256

import pytest

from siaga_gateway.catalogue import LANGUAGES, text
from siaga_gateway.domain.consent import CURRENT, PARAGRAPHS, VERSIONS

# A text that is changed makes this fail: then it is a new version, and the old one stays as it was.
SIGNED = {
    ("2026-1", "id"): "4352695424739b59",
    ("2026-1", "en"): "d4c4da377dd25d11",
    ("2026-2", "id"): "639871abcdc17eb1",
    ("2026-2", "en"): "f095a39428fdbe88",
}


def digest(version: str, language: str) -> str:
    words = [text(f"consent.{version}.{name}", language, site="Contoh") for name in PARAGRAPHS]
    return sha256("\n".join(words).encode()).hexdigest()[:16]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_says_what_it_said(version: str, language: str) -> None:
    assert digest(version, language) == SIGNED[version, language]


def test_the_newest_is_the_current_one() -> None:
    assert VERSIONS[-1] == CURRENT
    assert len(set(VERSIONS)) == len(VERSIONS)
