"""When to warn about a certificate: before it expires, once expired, and while not yet valid.

Pure: time is an argument, Unix ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DAY_MS: Final = 86_400_000
# Warn once at each of these, days before expiry, then daily after it.
STEPS_DAYS: Final = (30, 14, 7, 3, 2, 1)
# What every button received by cable takes months to renew (gateway/BROKER.md, "When the authority changes").
BUTTONS_STEPS_DAYS: Final = (365, 180, 90, 60, *STEPS_DAYS)


class State(StrEnum):
    VALID = "valid"
    ENDING = "ending"
    ENDED = "ended"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Certificate:
    """The validity of one certificate."""

    name: str  # the setting or the address that it belongs to
    begins_ms: int
    ends_ms: int
    for_buttons: bool = False  # an authority that the buttons were given


@dataclass(frozen=True, slots=True)
class CertificateStanding:
    """How a certificate stands."""

    certificate: Certificate
    state: State
    days: int  # whole days until it expires (negative: since), or until it is valid (NOT_YET)
    step: int  # increases each time a new warning is due; 0 for VALID


def standing(certificate: Certificate, now_ms: int) -> CertificateStanding:
    """Return how a certificate stands at `now_ms`."""
    if now_ms < certificate.begins_ms:
        days = -(-(certificate.begins_ms - now_ms) // DAY_MS)
        return CertificateStanding(certificate, State.NOT_YET, days, 1)
    steps = BUTTONS_STEPS_DAYS if certificate.for_buttons else STEPS_DAYS
    if now_ms >= certificate.ends_ms:
        since = (now_ms - certificate.ends_ms) // DAY_MS
        return CertificateStanding(certificate, State.ENDED, -since, len(steps) + 1 + since)
    days = (certificate.ends_ms - now_ms) // DAY_MS
    passed = sum(1 for step in steps if days < step)
    return CertificateStanding(certificate, State.ENDING if passed else State.VALID, days, passed)


def authority_of(issuer: bytes, authorities: Sequence[tuple[bytes, Certificate]]) -> Certificate | None:
    """Return the authority that counts among a file's: the one that signed the certificate in use, else the one that
    expires last.

    issuer: of the certificate in use, b"" if it was not seen. authorities: (subject, certificate) pairs. Returns None
    if there are none.
    """
    signed = [authority for subject, authority in authorities if subject == issuer]
    candidates = signed or [authority for _, authority in authorities]
    return max(candidates, key=lambda authority: authority.ends_ms, default=None)
