"""The settings of the broker's own files, where the gateway looks after them."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from siaga_gateway.config_section import Section


class BrokerFilesSettings(Section):
    """Who may log in at the broker."""

    passwords: Path | None = Field(
        None,
        description="Mosquitto's password file for the buttons, kept in step with the registry; `siaga gateway "
        "broker-config` makes it. None: who may log in at the broker is looked after elsewhere.",
    )
    pid_file: Path | None = Field(
        None,
        description="Mosquitto's pid file: after a change it is told by SIGHUP, for which the gateway needs its "
        "rights. None: somebody else watches the password file, as the unit `siaga-broker-reload.path` does.",
    )

    table: bool = Field(
        False,
        description="Keep `broker_user` in the store on PostgreSQL in step with the registry, for a clustered broker "
        "that asks there who may log in (gateway/BROKER.md).",
    )

    def under(self, base: Path) -> BrokerFilesSettings:
        """The same, with paths that do not depend on where the gateway is started."""
        return self.model_copy(
            update={
                "passwords": self.passwords and base / self.passwords,
                "pid_file": self.pid_file and base / self.pid_file,
            }
        )
