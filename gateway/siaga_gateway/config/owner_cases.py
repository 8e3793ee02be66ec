"""The settings of owners' records: when pranks and accidents open a case, and how long a suspension may be."""

from __future__ import annotations

from pydantic import Field

from siaga_gateway.config.section import Section
from siaga_gateway.domain.limits import LONGEST_LABEL
from siaga_gateway.domain.owner_cases import OwnerCaseLimits


class OwnerCaseSettings(Section):
    """When an owner's closed calls open a case."""

    pranks: int = Field(3, ge=2, le=100)
    accidents: int = Field(3, ge=2, le=100)
    days: int = Field(180, ge=1, le=3_650)
    longest_suspension_days: int = Field(90, ge=1, le=366)
    objections: str | None = Field(None, min_length=1, max_length=LONGEST_LABEL)

    def limits(self) -> OwnerCaseLimits:
        return OwnerCaseLimits(self.pranks, self.accidents, self.days, self.longest_suspension_days)
