"""What an owner agrees to when he is registered (UU 27/2022): versions of the text, and who agreed to which. Pure."""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.value import record

# The texts are `consent.<version>` of the catalogue. One that somebody has signed is never changed: a new one gets
# a new version, see tests/gateway/registry/test_consent.py.
VERSIONS: Final = ("2026-1",)  # the newest last
CURRENT: Final = VERSIONS[-1]
PARAGRAPHS: Final = ("what", "why", "who", "how_long", "rights", "free")


@record
class Consent:
    """A signed form that the registrar has seen."""

    version: str
    signed_on: str  # ISO 8601, a day
    recorded_ms: int
    recorded_by: str
