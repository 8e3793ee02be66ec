"""The settings of the broker's own files, if the gateway maintains them."""

from __future__ import annotations

from pathlib import Path

from siaga_gateway.config.section import Section


class BrokerFilesSettings(Section):
    """The broker's logins."""

    passwords: Path | None = None
    pid_file: Path | None = None

    table: bool = False

    def under(self, base: Path) -> BrokerFilesSettings:
        """Return the same with absolute paths, resolved against `base`."""
        return self.model_copy(
            update={
                "passwords": self.passwords and base / self.passwords,
                "pid_file": self.pid_file and base / self.pid_file,
            }
        )
