"""Where a receiver is reached, whatever its kind, for who asks only whether it can be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class ReachedAt:
    """One of url, folder, host; or none of them."""

    url: str | None = None
    proxy: SecretStr | None = None  # of url: only that is reached
    folder: Path | None = None
    host: str | None = None
    port: int = 0
    tls: bool = False
    ca: Path | None = None
    by_event_only: bool = False  # it answers to an event alone
