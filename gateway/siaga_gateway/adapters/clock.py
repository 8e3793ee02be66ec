"""This machine's clock."""

from __future__ import annotations

import time


class WallClock:
    """Implements service.ports.Clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000
