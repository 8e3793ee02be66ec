"""The settings of major incidents."""

from __future__ import annotations

from pydantic import Field, field_validator

from siaga_gateway.config.section import Section
from siaga_gateway.domain.cluster import LONGEST_MINUTES, WIDEST_M, ClusterLimits
from siaga_gateway.domain.errors import SettingError


class ClusterSettings(Section):
    """When presses close together are one major incident."""

    presses: int = Field(3, ge=0, le=100)
    metres: int = Field(300, ge=10, le=WIDEST_M)
    minutes: int = Field(5, ge=1, le=LONGEST_MINUTES)

    @field_validator("presses")
    @classmethod
    def _more_than_one(cls, presses: int) -> int:
        if presses == 1:
            raise SettingError("settings.clusters")
        return presses

    def limits(self) -> ClusterLimits:
        return ClusterLimits(self.presses, self.metres, self.minutes * 60_000)
