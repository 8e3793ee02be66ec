"""What the outputs were told about the gateway's own trouble; kept beside the store, which may be what is damaged."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from siaga_gateway.catalogue.localized import Localized

log = logging.getLogger(__name__)

FILE_NAME: Final = "trouble.json"


class TroubleFile:
    """Implements service.delivery.gateway_troubles.TroubleMemory."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._said = False

    def read(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def write(self, written: str) -> None:
        draft = self._path.with_name(f".{FILE_NAME}.draft")
        try:
            draft.write_text(written, encoding="utf-8")
            draft.replace(self._path)
            self._said = False
        except OSError as error:
            if not self._said:
                log.warning(Localized("log.trouble.unkept", file=self._path, why=error))
            self._said = True
