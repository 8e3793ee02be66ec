"""The settings of the page on which officers and patrols answer."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from siaga_gateway.config.section import Section, networks, public_address, this_machine
from siaga_gateway.domain.errors import SettingError


class ResponderPageSettings(Section):
    """A port of its own: links to it go to phones all over the world."""

    host: str = "127.0.0.1"
    port: int | None = Field(None, ge=0, le=65_535)
    public_url: str | None = None
    show_holder: bool = True
    proxies: list[str] = Field(default_factory=list)

    @field_validator("proxies")
    @classmethod
    def _networks(cls, proxies: list[str]) -> list[str]:
        return networks(proxies)

    @field_validator("public_url")
    @classmethod
    def _address(cls, written: str | None) -> str | None:
        return public_address(written)

    @model_validator(mode="after")
    def _reached_safely(self) -> ResponderPageSettings:
        if self.port is not None and self.public_url is None:
            raise SettingError("settings.no_page_url")
        parts = urlsplit(self.public_url or "")
        if parts.scheme == "http" and not this_machine(parts.hostname or ""):
            raise SettingError("settings.plain_page", url=self.public_url)
        return self
