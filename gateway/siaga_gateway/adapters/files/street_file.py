"""The site's file of map tiles (PMTiles): its head is read, and again when the file is another one; never the whole."""

from __future__ import annotations

import html
import re
import threading
from pathlib import Path
from typing import Final

from siaga_gateway.domain.errors import Unusable
from siaga_gateway.domain.street_map import StreetMap
from siaga_gateway.formats.pmtiles import HEAD_BYTES, TilesMalformed, head_of, metadata_of, schema_of

_LONGEST: Final = 200  # of an attribution
_TAG: Final = re.compile(r"<[^>]*>")


class StreetFileUnusable(Unusable):
    """The file is not there, cannot be read, or is none that the map could show; the text says which."""


class StreetFile:
    """Thread-safe."""

    def __init__(self, path: Path, attribution: str | None = None) -> None:
        """attribution: in place of the file's own."""
        self._path = path
        self._attribution = attribution
        self._lock = threading.Lock()
        self._known: tuple[tuple[int, int, int], StreetMap] | None = None

    def read(self) -> StreetMap:
        """Return what is in the file now. Raises: StreetFileUnusable."""
        with self._lock:
            try:
                told = self._path.stat()
                state = (told.st_ino, told.st_mtime_ns, told.st_size)
                if self._known is None or self._known[0] != state:
                    self._known = state, self._looked_into(told.st_size)
            except OSError as error:
                raise StreetFileUnusable("tiles.unreadable", path=self._path, why=error.strerror or error) from error
            except TilesMalformed as error:
                raise StreetFileUnusable("tiles.unusable", path=self._path, why=error) from error
            return self._known[1]

    def _looked_into(self, size: int) -> StreetMap:
        with self._path.open("rb") as file:
            head = head_of(file.read(HEAD_BYTES))
            if size < head.ends_at:
                raise TilesMalformed("tiles.cut", bytes=size, wanted=head.ends_at)
            file.seek(head.metadata_at)
            metadata = metadata_of(head, file.read(head.metadata_bytes))
        own = html.unescape(_TAG.sub("", str(metadata.get("attribution") or "")))[:_LONGEST]
        shown = self._attribution if self._attribution is not None else own or "© OpenStreetMap"
        return StreetMap(schema_of(head, metadata), None, head.least, head.deepest, shown, head.bounds)
