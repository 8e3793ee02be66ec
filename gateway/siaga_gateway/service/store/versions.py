"""Numbers of versions in the store: each change of a list counts its version up, and who has read it compares.

After another server has taken over, or a copy has, changes that a reader knows may be missing, and others have the same
numbers. So versions skip then, and a reader that sees a skip, or a step back, believes nothing that it knew.
"""

from __future__ import annotations

from typing import Final

SKIPPED: Final = 1_000_000  # more than changes anybody misses meanwhile


def follows(version: int, seen: int) -> bool:
    """Whether `version` came of `seen` by changes that the store names."""
    return 0 <= version - seen < SKIPPED
