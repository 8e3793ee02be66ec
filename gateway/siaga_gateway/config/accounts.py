"""The settings of accounts at the console."""

from __future__ import annotations

from pydantic import Field

from siaga_gateway.config.section import Section


class AccountSettings(Section):
    """Accounts at the console."""

    lock_after_min: int = Field(0, ge=0, le=720)
