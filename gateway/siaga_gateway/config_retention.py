"""The settings of how long what is known of people is kept."""

from __future__ import annotations

from pydantic import Field

from siaga_gateway.config_section import Section


class RetentionSettings(Section):
    """When what is known of people goes. The evidence (frames, signatures, the journal) stays."""

    positions_days: int = Field(
        365,
        description="Days after which a button's last position goes, and after its closing an incident's; 0: never.",
        ge=0,
        le=36_500,
    )
    notes_days: int = Field(
        365, description="Days after its closing that an incident's note is kept; 0: for ever.", ge=0, le=36_500
    )
    personal_days: int = Field(
        90,
        description="Days after the last of their registrations ended that an owner's data is kept; 0: for ever.",
        ge=0,
        le=36_500,
    )
    quarantine_days: int = Field(
        90, description="Days after its last call that an unknown device is kept; 0: for ever.", ge=0, le=36_500
    )
