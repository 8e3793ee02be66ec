"""Settings for whoever keeps gateway and buttons running: figures, supervision."""

from __future__ import annotations

import re
from typing import Final, Literal

from pydantic import Field, field_validator

from siaga_gateway.config_section import Section
from siaga_gateway.domain.supervision import PROFILES, Version, Wanted

_VERSION: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})")


class MetricsSettings(Section):
    """Figures for Prometheus and answers for a load balancer, on a port of their own."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on for `/metrics`, `/healthz` and `/readyz`. They hold no personal data, but "
        "anybody who reaches them may read them.",
        min_length=1,
    )
    port: int | None = Field(
        None, description="Port to listen on, 9110 for instance; none: off, 0 takes a free one.", ge=0, le=65_535
    )


class SupervisionSettings(Section):
    """When a button becomes a case for the installers."""

    profile: Literal["installed", "ready", "deep"] = Field(
        "ready",
        description="How often a button is expected to check in for which enrolment says nothing else: installed every "
        "60 s, ready every 6 h, deep every 24 h.",
    )
    missed: int = Field(
        3, description="So many check-ins that did not come, one after the other, make a case.", ge=2, le=100
    )
    restarts: int = Field(
        5,
        description="So many restarts at a time make a case; each is forgotten 6 h after the one before.",
        ge=2,
        le=12,
    )
    rejected: int = Field(
        20,
        description="So many refused inputs at a time make a case: bad downlinks, corrupt entries, noise on a line. "
        "One is forgotten each hour.",
        ge=2,
        le=72,
    )
    missing: int = Field(
        100, description="So many frames that never came, beyond what restarts explain, make a case.", ge=10
    )
    version: str | None = Field(
        None, description="The lowest firmware version that is wanted, as 1.2.0; a button with a lower one is a case."
    )
    mass: int = Field(
        20, description="So many cases of one cause within ten minutes are one notice, not so many.", ge=2, le=10_000
    )

    @field_validator("version")
    @classmethod
    def _three_numbers(cls, version: str | None) -> str | None:
        if version is None:
            return None
        found = _VERSION.fullmatch(version)
        if found is None or max(map(int, found.groups())) > 255:
            raise ValueError(f"{version!r} is no version: three numbers up to 255, as 1.2.0")
        return version

    @property
    def wanted(self) -> Wanted:
        """As domain.supervision wants it."""
        version: Version | None = None
        if self.version is not None:
            major, minor, patch = (int(part) for part in self.version.split("."))
            version = (major, minor, patch)
        return Wanted(PROFILES[self.profile], self.missed, self.restarts, self.rejected, self.missing, version)
