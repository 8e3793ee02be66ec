"""The settings of watching: by a watcher elsewhere (`siaga watch`), and by a dead man's switch service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr, field_validator

from siaga_gateway.config.section import Name, Section
from siaga_gateway.domain.errors import SettingError

_ADDRESS: Final = re.compile(r"([a-z0-9][a-z0-9.-]*): *(\S.*)")

_SELDOM_S: Final = 60.0  # a watcher that looks less often is none


class WatchSettings(Section):
    """Of a gateway that is watched, and of the watcher, each in its own file."""

    token: SecretStr | None = Field(None, min_length=16, max_length=200)
    watchers: list[Name] = Field(default_factory=list, max_length=20)
    silent_after_s: int = Field(180, ge=10, le=86_400)
    ping_url: SecretStr | None = None
    ping_method: Literal["GET", "POST"] = "GET"
    addresses: list[str] = Field(default_factory=list, max_length=50)
    second_url: str | None = None
    every_s: float = Field(5, ge=0.5, le=_SELDOM_S)
    after_s: int = Field(60, ge=2, le=3_600)
    ca: Path | None = None
    proxy: SecretStr | None = None
    plaintext: bool = False

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and not all("!" <= each <= "~" for each in token.get_secret_value()):
            raise SettingError("output.token")
        return token

    @field_validator("addresses")
    @classmethod
    def _with_their_ways(cls, addresses: list[str]) -> list[str]:
        for each in addresses:
            if _ADDRESS.fullmatch(each) is None:
                raise SettingError("settings.watch_address", address=each)
        return addresses

    @property
    def recipients(self) -> list[tuple[str, str]]:
        """Name of the way and address of each."""
        found = (_ADDRESS.fullmatch(each) for each in self.addresses)
        return [(each[1], each[2].strip()) for each in found if each is not None]

    def under(self, base: Path) -> WatchSettings:
        """Return the same with absolute paths, resolved against `base`."""
        return self.model_copy(update={"ca": self.ca and base / self.ca})
