"""What every section of the settings shares."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=1, le=65_535)]


class Section(BaseModel):
    """Refuses what it does not know; never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
