"""The settings of certificates to watch besides those that other sections name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from siaga_gateway.config.section import Section

_SERVER: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(\d{1,5})")


class CertificatesSettings(Section):
    """Certificates whose expiry is announced in time."""

    servers: list[str] = Field(default_factory=list)
    buttons: Path | None = None

    @field_validator("servers")
    @classmethod
    def _addresses(cls, servers: list[str]) -> list[str]:
        for server in servers:
            found = _SERVER.fullmatch(server)
            if found is None or not 0 < int(found[2]) < 65_536:
                raise ValueError(f"{server!r} is no server: write name:port, as broker.example:8883")
        return servers

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [(host.strip("[]"), int(port)) for host, _, port in (server.rpartition(":") for server in self.servers)]

    def under(self, base: Path) -> CertificatesSettings:
        """Return the same with absolute paths, resolved against `base`."""
        return self.model_copy(update={"buttons": self.buttons and base / self.buttons})
