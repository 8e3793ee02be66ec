"""Whose data was erased, beside the store: a backup that is restored must not bring anybody back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from siaga_gateway.config import Settings, SettingsError
from siaga_gateway.service.retention import Policy

FILE_NAME: Final = "erasures.jsonl"


class Erasures:
    """A list that only grows: an owner's number, and when they were registered, which tells two of a number apart."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME

    def add(self, owner_id: int, registered_ms: int) -> None:
        """On the disk when it returns. Raises SettingsError where it cannot be written."""
        line = json.dumps({"owner_id": owner_id, "registered_ms": registered_ms}) + "\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SettingsError(
                f"{self._path}: owner {owner_id} was erased and could not be listed here ({error.strerror}): add "
                f"{line.strip()}, or an older backup brings them back"
            ) from None

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Raises SettingsError for a line that is none."""
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            try:
                told = json.loads(line)
                yield int(told["owner_id"]), int(told["registered_ms"])
            except (ValueError, KeyError, TypeError):
                raise SettingsError(f"{self._path}: line {number} is no erasure; mend or remove it") from None


def policy_of(settings: Settings) -> Policy:
    kept = settings.retention
    return Policy(kept.positions_days, kept.notes_days, kept.personal_days, kept.quarantine_days)
