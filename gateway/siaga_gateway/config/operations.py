"""Settings for whoever runs gateway and buttons: metrics, supervision."""

from __future__ import annotations

import re
from typing import Final, Literal

from pydantic import Field, field_validator

from siaga_gateway.config.section import Section
from siaga_gateway.domain.errors import SettingError
from siaga_gateway.domain.sim_card import MOST_QUOTA_MB
from siaga_gateway.domain.supervision import PROFILES, SupervisionLimits, Version

_VERSION: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})")


class MetricsSettings(Section):
    """Metrics for Prometheus and health for a load balancer, on a port of their own."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
    )
    port: int | None = Field(None, ge=0, le=65_535)


class SupervisionSettings(Section):
    """When a button becomes a case for the installers."""

    profile: Literal["installed", "ready", "deep"] = "ready"
    missed: int = Field(3, ge=2, le=100)
    restarts: int = Field(
        5,
        ge=2,
        le=12,
    )
    rejected: int = Field(
        20,
        ge=2,
        le=72,
    )
    missing: int = Field(100, ge=10)
    version: str | None = None
    mass: int = Field(20, ge=2, le=10_000)
    sim_days: int = Field(30, ge=1, le=365)
    sim_soon_days: int = Field(7, ge=1, le=365)
    sim_quota_mb: int = Field(20, ge=0, le=MOST_QUOTA_MB)

    @field_validator("version")
    @classmethod
    def _three_numbers(cls, version: str | None) -> str | None:
        if version is None:
            return None
        found = _VERSION.fullmatch(version)
        if found is None or max(map(int, found.groups())) > 255:
            raise SettingError("settings.version", version=version)
        return version

    @property
    def wanted(self) -> SupervisionLimits:
        """The same as domain/supervision.py takes it."""
        version: Version | None = None
        if self.version is not None:
            major, minor, patch = (int(part) for part in self.version.split("."))
            version = (major, minor, patch)
        return SupervisionLimits(
            PROFILES[self.profile],
            self.missed,
            self.restarts,
            self.rejected,
            self.missing,
            version,
            self.sim_days,
            self.sim_soon_days,
            self.sim_quota_mb,
        )
