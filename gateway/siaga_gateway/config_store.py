"""The settings of the store: nothing for SQLite in the data folder, or where PostgreSQL is."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from pydantic import Field, SecretStr, model_validator

from siaga_gateway.config_section import Port, Section


class StoreSettings(Section):
    """Where everything is kept."""

    url: SecretStr | None = Field(
        None,
        description="PostgreSQL's address in one piece, `postgresql://user@host/dbname?sslmode=verify-full`, as libpq "
        "reads it; instead of host, dbname and the others.",
    )
    host: str | None = Field(
        None,
        description="PostgreSQL's name or address, or the folder of its socket (/var/run/postgresql); none, and no "
        "`store.url`: SQLite in data_dir.",
        min_length=1,
    )
    port: Port = Field(5432, description="Its port.")
    dbname: str = Field("siaga", description="The database; it must be there, empty or the gateway's.", min_length=1)
    user: str | None = Field(None, description="User name at PostgreSQL; none: that of the process.")
    password: SecretStr | None = Field(None, description="Its password; better in the environment than in the file.")
    tls: bool = Field(False, description="Speak TLS and verify the server's certificate.")
    ca: Path | None = Field(None, description="PEM file with the authority that signed it; none: the system's.")
    plaintext: bool = Field(
        False, description="Allow another machine without TLS. Personal data goes unencrypted then."
    )
    connections: int = Field(8, description="Connections that one worker opens, at most.", ge=3, le=100)

    @property
    def shared(self) -> bool:
        """Several workers and hosts can use it at a time."""
        return self.url is not None or self.host is not None

    @model_validator(mode="after")
    def _one_place(self) -> StoreSettings:
        if self.url is not None and self.host is not None:
            raise ValueError("url and host both name the database: keep one of them")
        if self.host is not None and not (self.tls or self.plaintext or _this_machine(self.host)):
            raise ValueError(
                f"host {self.host!r} is another machine: set tls = true, or plaintext = true where the network between "
                "is trusted"
            )
        return self

    def under(self, base: Path) -> StoreSettings:
        """The same, with paths that do not depend on where the gateway is started."""
        return self.model_copy(update={"ca": self.ca and base / self.ca})


def _this_machine(host: str) -> bool:
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
