"""Frames that cannot be stored because a part of the store is damaged. Whatever does not need that part goes on."""

from __future__ import annotations

import logging
import time
from typing import Final

from siaga_gateway.catalogue.localized import Localized
from siaga_gateway.service.inbound import InboundFrame
from siaga_gateway.service.store import StoreDamaged

log = logging.getLogger(__name__)

_AGAIN_S: Final = 5.0  # retry interval


class StrandedFrames:
    """Keeps them, unacknowledged, until their next attempt. For one thread; `why` and `len` may be read from any."""

    def __init__(self, limit: int) -> None:
        """limit: how many frames are kept; beyond it they are dropped: their bearers have them, their buttons repeat
        them."""
        self._limit = limit
        self._frames: list[InboundFrame] = []
        self._again_at = 0.0  # monotonic seconds
        self.why = ""  # empty: none is stranded

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: InboundFrame, error: StoreDamaged) -> None:
        if not self._frames:
            log.error(Localized("log.store.damaged", why=str(error)))
        self.why = str(error)
        if len(self._frames) < self._limit:
            self._frames.append(frame)

    def take_due(self) -> list[InboundFrame]:
        """Return the frames if it is time to try them again; those that fail again are added again."""
        if not self._frames or time.monotonic() < self._again_at:
            return []
        due, self._frames = self._frames, []
        return due

    def tried(self) -> None:
        """Note that those that were due have been tried."""
        if not self._frames:
            self.why = ""
        self._again_at = time.monotonic() + _AGAIN_S
