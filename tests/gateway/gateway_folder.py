"""A folder with settings, keys and store, and the commands that are typed on it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from click.testing import CliRunner, Result

from siaga_gateway.adapters.sql import SqlStore, store_path
from siaga_gateway.cli.group import gateway

WATI = ["--name", "Contoh Wati", "--nik", "9900000000000001", "--phone", "+620000000001", "--address", "Jl. Contoh 1"]


class Office:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, typed: str | None = None) -> Result:
        config = str(self.folder / "siaga.toml")
        return CliRunner().invoke(gateway, [*arguments, "--config", config], input=typed, catch_exceptions=False)

    def does(self, *arguments: str, typed: str | None = None) -> str:
        result = self.run(*arguments, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    def refuses(self, *arguments: str, typed: str | None = None) -> str:
        """The one sentence on stderr."""
        result = self.run(*arguments, typed=typed)
        assert result.exit_code == 1, result.output
        assert "Traceback" not in result.stderr
        return result.stderr

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def store(self) -> SqlStore:
        return SqlStore(store_path(self.data), 0)

    def head(self) -> tuple[int, str]:
        number, hash_ = self.does("audit", "head").split()
        return int(number), hash_

    def behind_its_back(self, statement: str) -> None:
        with sqlite3.connect(store_path(self.folder / "data")) as connection:
            connection.execute(statement)
        connection.close()
