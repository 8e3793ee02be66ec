"""The settings of the store: none for SQLite in the data folder, or the address of PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from siaga_gateway.config.section import Port, Section, this_machine
from siaga_gateway.domain.errors import SettingError


class StoreSettings(Section):
    """Where everything is kept."""

    url: SecretStr | None = None
    host: str | None = Field(
        None,
        min_length=1,
    )
    port: Port = Field(5432)
    dbname: str = Field("siaga", min_length=1)
    user: str | None = Field(None)
    password: SecretStr | None = Field(None)
    tls: bool = Field(False)
    ca: Path | None = Field(None)
    plaintext: bool = Field(False)
    rescue: bool = Field(
        True,
    )
    connections: int = Field(8, ge=3, le=100)
    standby: bool = Field(False)
    standby_copy_s: int | None = Field(None, ge=30, le=86_400)

    @property
    def shared(self) -> bool:
        """Whether several workers and hosts can use it at a time."""
        return self.url is not None or self.host is not None

    @model_validator(mode="after")
    def _one_place(self) -> StoreSettings:
        if self.url is not None and self.host is not None:
            raise SettingError("settings.url_and_host")
        if self.standby and not self.shared:
            raise SettingError("settings.standby_of_file")
        if self.standby_copy_s is not None and self.shared:
            raise SettingError("settings.copy_of_database")
        if self.host is not None and not (
            self.tls
            or self.plaintext
            or all(host.startswith("/") or this_machine(host) for host in self.host.split(","))
        ):
            raise SettingError("settings.no_tls", host=self.host)
        return self

    def under(self, base: Path) -> StoreSettings:
        """Return the same with absolute paths, resolved against `base`."""
        return self.model_copy(update={"ca": self.ca and base / self.ca})
