"""The settings of positions from the OwnTracks apps of responders."""

from __future__ import annotations

from pydantic import Field

from siaga_gateway.config.section import Section


class OwntracksSettings(Section):
    """Where the apps post, in their mode HTTP."""

    host: str = Field("127.0.0.1", min_length=1)
    port: int | None = Field(None, ge=0, le=65_535)
    path: str = Field("/owntracks", pattern=r"^/[!-~]*$")
