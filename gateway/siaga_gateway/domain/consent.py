"""What an owner agrees to when he is registered (UU 27/2022): versions of the text, and who agreed to which. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from siaga_gateway.domain.value import record

# The texts are `consent.<version>` of the catalogue. One that somebody has signed is never changed: a new one gets
# a new version, see tests/gateway/registry/test_consent.py.
VERSIONS: Final = ("2026-1", "2026-2")  # the newest last
CURRENT: Final = VERSIONS[-1]
PROFILE_SINCE: Final = "2026-2"  # the first that names what is told for helpers, and the photograph
PARAGRAPHS: Final = ("what", "why", "who", "how_long", "rights", "free")


@record
class Consent:
    """A signed form that the registrar has seen."""

    version: str
    signed_on: str  # ISO 8601, a day
    recorded_ms: int
    recorded_by: str


def covers_profile(consents: Sequence[Consent]) -> bool:
    """Whether an owner has agreed that what he tells for helpers is kept. consents: his, the latest first, which
    counts; one of a later gateway does too."""
    return bool(consents) and consents[0].version not in VERSIONS[: VERSIONS.index(PROFILE_SINCE)]
