"""The list of erased people, kept beside the store: restoring a backup must not bring anybody back."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.config.loading import SettingsError
from siaga_gateway.config.settings import Settings
from siaga_gateway.service.registry.retention import RetentionPolicy

FILE_NAME: Final = "erasures.jsonl"
_TORN: Final = " #torn"  # marks a line of which the end was never written

log = logging.getLogger(__name__)


class ErasureList:
    """An append-only list of owners (id, registration time) and responders (key, time when added); the time tells two
    with one id apart."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME

    def add(self, owner_id: int, registered_ms: int) -> None:
        """Append an owner, durably. Raises: SettingsError if the file cannot be written."""
        line = json.dumps({"owner_id": owner_id, "registered_ms": registered_ms}) + "\n"
        try:
            self._append(line)
        except OSError as error:
            raise SettingsError(
                "erasures.unlisted", path=self._path, owner_id=owner_id, why=error, line=line.strip()
            ) from None

    def add_responders(self, added: Mapping[str, int]) -> None:
        """Append responders by key with the time when each was added, durably, in one write, before they
        are removed. Raises: SettingsError if the file cannot be written."""
        told = ({"responder": key, "added_ms": added_ms} for key, added_ms in added.items())
        try:
            self._append("".join(json.dumps(each) + "\n" for each in told))
        except OSError as error:
            raise SettingsError("erasures.not_removed", path=self._path, why=error) from None

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield the owners. Raises: SettingsError for a malformed line."""
        for number, told in self._lines():
            if "responder" not in told:
                yield self._pair(number, told, "owner_id", "registered_ms")

    def responders(self) -> Iterator[tuple[str, int]]:
        """Raises: SettingsError for a malformed line."""
        for number, told in self._lines():
            if "responder" in told:
                yield str(told["responder"]), self._pair(number, told, "added_ms", "added_ms")[0]

    def _append(self, lines: str) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write(self._end_of_torn().encode() + lines.encode())
            file.flush()
            os.fsync(file.fileno())

    def _end_of_torn(self) -> str:
        """Return what ends a last line of which a power cut, or a full disk, has left a part."""
        text = self._path.read_text(encoding="utf-8", errors="replace")
        if not text or text.endswith("\n"):
            return ""
        return "\n" if _erasure(text.splitlines()[-1]) is not None else f"{_TORN}\n"

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            told = _erasure(line)
            if told is not None:
                yield number, told
            elif line.endswith(_TORN) or (number == len(lines) and not text.endswith("\n")):
                log.error(Localized("log.erasures.torn", path=self._path, number=number, line=line))
            else:
                raise SettingsError("erasures.line", path=self._path, number=number)

    def _pair(self, number: int, told: dict[str, Any], one: str, other: str) -> tuple[int, int]:
        try:
            return int(told[one]), int(told[other])
        except (ValueError, KeyError, TypeError):
            raise SettingsError("erasures.line", path=self._path, number=number) from None


def _erasure(line: str) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def policy_of(settings: Settings) -> RetentionPolicy:
    kept = settings.retention
    return RetentionPolicy(
        kept.positions_days,
        kept.notes_days,
        kept.personal_days,
        kept.quarantine_days,
        kept.figures_days,
        kept.last_position_h,
        kept.history_days,
        settings.supervision.wanted.checkin_s,
        kept.coverage_months,
    )
