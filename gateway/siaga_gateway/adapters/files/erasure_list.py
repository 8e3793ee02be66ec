"""The list of erased owners, kept beside the store: restoring a backup must not bring anybody back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.settings import Settings
from siaga_gateway.service.registry.retention import RetentionPolicy

FILE_NAME: Final = "erasures.jsonl"


class ErasureList:
    """An append-only list of (owner id, registration time); the time tells two owners with one id apart."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME

    def add(self, owner_id: int, registered_ms: int) -> None:
        """Append, durably. Raises: SettingsError if the file cannot be written."""
        line = json.dumps({"owner_id": owner_id, "registered_ms": registered_ms}) + "\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SettingsError(
                "erasures.unlisted", path=self._path, owner_id=owner_id, why=error, line=line.strip()
            ) from None

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Raises: SettingsError for a malformed line."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            try:
                told = json.loads(line)
                yield int(told["owner_id"]), int(told["registered_ms"])
            except (ValueError, KeyError, TypeError):
                raise SettingsError("erasures.line", path=self._path, number=number) from None


def policy_of(settings: Settings) -> RetentionPolicy:
    kept = settings.retention
    return RetentionPolicy(kept.positions_days, kept.notes_days, kept.personal_days, kept.quarantine_days)
