"""Who is called for a press."""

from __future__ import annotations

from pydantic import Field

from siaga_gateway.config.section import Section


class DispatchSettings(Section):
    """How stations and their areas are taken."""

    border_tolerance_m: int = Field(100, ge=0, le=5_000)
    verified_within_days: int = Field(180, ge=1, le=3_650)
