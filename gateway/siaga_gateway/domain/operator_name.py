"""An operator's name: as typed, in the settings, and in the journal."""

from __future__ import annotations

from typing import Final

from siaga_gateway.domain.invisible_characters import hidden, tidied

SHORTEST: Final = 2  # characters
LONGEST: Final = 60


def clean_name(name: str) -> str | None:
    """Return the name in its canonical form (NFC, single blanks), or None if it is not 2 to 60 printable characters."""
    if any(hidden(name)):
        return None
    name = tidied(name)
    return name if SHORTEST <= len(name) <= LONGEST else None
