"""The second machine's copy of the store: whether it has what is written here, judged by its progress alone.

A standby that is gone closes no connection, and its own clock may be wrong. So nothing counts but that what was written
here a moment ago has been confirmed since.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

LATE_S: Final = 3.0  # what is not confirmed after so long waits for nobody any more


class StandbyFault(StrEnum):
    """Why what is stored now is on one machine only."""

    GONE = "gone"  # no standby is connected, or it confirms nothing
    NOT_ASKED = "not_asked"  # the server is not told to wait for one
    UNSEEN = "unseen"  # we may not see what it confirms
    OLD_COPY = "old_copy"  # SQLite: the newest copy that was shipped is older than allowed


@dataclass(slots=True)
class StandbyProgress:
    """What was written and is not confirmed. Positions are bytes of the write-ahead log.

    present: whether commits may wait for the standby.
    """

    present: bool = True
    _open: list[tuple[float, int]] = field(default_factory=list)
    _before: int = 0  # written, as of the last look

    def look(self, now_s: float, written: int, confirmed: int | None) -> bool:
        """Return `present`, after this look.

        now_s: of a clock that does not jump. written: the position on this disk. confirmed: the same at the standby;
        None: none is connected.
        """
        if confirmed is None:
            self.present = False
            self._open.clear()
        else:
            self._open = [(at_s, position) for at_s, position in self._open if position > confirmed]
            if self.present:
                self.present = not self._open or now_s - self._open[0][0] < LATE_S
            else:
                self.present = confirmed >= self._before
            if written > confirmed and (not self._open or self._open[-1][1] < written):
                self._open.append((now_s, written))
        self._before = written
        return self.present
