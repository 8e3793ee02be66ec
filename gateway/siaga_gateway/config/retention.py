"""The settings of how long personal data are kept."""

from __future__ import annotations

from pydantic import Field

from siaga_gateway.config.section import Section


class RetentionSettings(Section):
    """When personal data are erased. Evidence (the frames of calls, signatures, the journal) stays."""

    positions_days: int = Field(
        365,
        ge=0,
        le=36_500,
    )
    last_position_h: int = Field(24, ge=24, le=24 * 31)
    history_days: int = Field(90, ge=1, le=400)
    coverage_months: int = Field(13, ge=1, le=120)
    notes_days: int = Field(365, ge=0, le=36_500)
    personal_days: int = Field(
        90,
        ge=0,
        le=36_500,
    )
    quarantine_days: int = Field(90, ge=0, le=36_500)
    figures_days: int = Field(3_650, ge=0, le=36_500)
    responder_positions_days: int = Field(3, ge=1, le=31)
