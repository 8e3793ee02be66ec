"""The setting of the installation's area."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, model_validator

from siaga_gateway.config.section import Section
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.installation_area import Area


class AreaSettings(Section):
    """Where the buttons are, so that a place with a lost minus sign is questioned."""

    latitude: Decimal | None = Field(None, ge=-90, le=90)  # degrees, like longitude; None: learnt from the buttons
    longitude: Decimal | None = Field(None, ge=-180, le=180)
    radius_km: int = Field(200, ge=1, le=5_000)

    @model_validator(mode="after")
    def _both(self) -> AreaSettings:
        if (self.latitude is None) != (self.longitude is None):
            raise SettingError("settings.half_a_place")
        return self

    def area(self) -> Area | None:
        """None: to be learnt."""
        if self.latitude is None or self.longitude is None:
            return None
        return Area((int(self.latitude * 10**7), int(self.longitude * 10**7)), self.radius_km * 1000)
